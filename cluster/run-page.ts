/**
 * The report of a run as one HTML file: verdict, what was broken, the run over virtual time, how
 * long things took, where every assignment ended, and every figure with its source. Pure: the same
 * report and samples give the same bytes.
 */
import { formatTime } from "../src/model/time.ts";
import { commands, htmlDocument, section } from "../src/report/document.ts";
import { html } from "../src/report/html.ts";
import { timelineFigure } from "../src/report/timeline-figure.ts";
import {
  accountsFigure,
  distributions,
  faultsTable,
  figureTables,
  givenUpTable,
  keyFigures,
  lanesOf,
  type PageInput,
  TIMELINE_CAPTION,
  verdictBanner,
} from "./page-parts.ts";
import { remarksOf } from "./report-text.ts";

/** The page; ends in a newline. */
export function runPage(input: PageInput): string {
  const { report, samples } = input;
  const endPs = Math.max(report.virtualTimeNs * 1e3, samples.endPs);
  const cut = report.isCut
    ? html`<p class="notice">This run has no report of its own (${report.end}). Everything here is made from its event log and goes up to ${formatTime(endPs)} of virtual time.</p>
`
    : "";
  const timeline = timelineFigure({
    samples,
    endPs,
    lanes: lanesOf(input),
    caption: TIMELINE_CAPTION,
  });
  const { title, runId, seed, faultplane, verdict } = report;
  const body = [
    html`<header>
<h1>${title}</h1>
<p class="about">${`Run ${runId}, seed ${seed}, faultplane ${faultplane}`}</p>
</header>
`,
    verdictBanner(verdict, remarksOf(report)),
    cut,
    keyFigures(input),
    section("What was broken, and when", faultsTable(input), timeline),
    section("How long things took", distributions(samples)),
    section("Accounts", accountsFigure(report)),
    section("Ranks that were given up", givenUpTable(samples)),
    figureTables(report),
    section("Again", commands(input.commands)),
  ];
  return htmlDocument(`${verdict}: ${title}`, body);
}
