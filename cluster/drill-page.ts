/**
 * The report of a drill as one HTML file: what a run's has, and beside it the healthy twin, what
 * was expected, whose fault everything was, and what to change. Pure: the same report and samples
 * give the same bytes.
 */
import type { ComparisonRow } from "../src/drill/comparison.ts";
import type { HypothesisCheck } from "../src/drill/drill-record.ts";
import type { DrillReport } from "../src/drill/drill-report.ts";
import {
  attributionTable,
  balanceSentence,
  comparisonTable,
  diagnosisSentences,
  dipSentence,
  methodSentence,
  reachSentences,
  rollbackSentence,
  stepsSentence,
  type TextTable,
} from "../src/drill/drill-tables.ts";
import { identityTable, timelineTable } from "../src/drill/drill-text.ts";
import { layersTable } from "../src/drill/fault-layers.ts";
import { formatTolerance, formatValue } from "../src/drill/story.ts";
import type { ThresholdRow } from "../src/drill/thresholds.ts";
import { formatTime } from "../src/model/time.ts";
import { commands, htmlDocument, list, section, table } from "../src/report/document.ts";
import type { FaultLane } from "../src/report/fault-lanes.ts";
import { type Html, type HtmlValue, html } from "../src/report/html.ts";
import { thresholdFigure } from "../src/report/threshold-figure.ts";
import type { HealthyRun } from "../src/report/throughput-plot.ts";
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

/** The page; ends in a newline. */
export function drillPage(drill: DrillReport, input: PageInput): string {
  const { report, samples } = input;
  const { title, verdict, expected, asExpected, identity, description } = drill;
  const met = asExpected ? "as the drill expects" : `the drill expects ${expected}`;
  const missed = rollbackSentence(drill);
  const remarks = [met, ...drill.reasons, ...(missed === undefined ? [] : [missed])];
  const endPs = Math.max(report.virtualTimeNs * 1e3, samples.endPs, drill.record.endPs);
  const timeline = timelineFigure({
    samples,
    endPs,
    lanes: [...actLane(drill), ...lanesOf(input)],
    healthy: healthyRun(drill),
    caption: `${TIMELINE_CAPTION} Dotted: the mean of the healthy twin, as far as it went.`,
  });
  const twin = [
    html`<p>Same scenario, same seed, no faults.</p>`,
    plain(comparisonTable(drill), [1, 2, 3]),
    html`<p>${sentence(dipSentence(drill))}</p>`,
  ];
  const layers = drill.hostFaults === undefined ? undefined : plain(layersTable(drill));
  const broken = faultsTable({ ...input, isDrill: true });
  const { runId, seed, faultplane } = identity;
  const about = `Drill, run ${runId}, seed ${seed}, faultplane ${faultplane}`;
  const body = [
    html`<header>
<h1>${title}</h1>
<p class="about">${about}</p>
${paragraphs(description)}</header>
`,
    verdictBanner(verdict, remarks),
    keyFigures({ ...input, report: { ...report, ...throughputOf(drill) } }),
    sentences(stepsSentence(drill)),
    section("Measures against thresholds", thresholds(drill)),
    section("What was broken, and when", broken, timeline),
    section("The faulted run beside its healthy twin", twin),
    section("Clocks", clocks(drill)),
    section("Faults of both layers", layers),
    section("Blast radius", list(reachSentences(drill)), givenUpTable(samples)),
    section("Whose fault", blame(drill)),
    section("Who found it", list(diagnosisSentences(drill))),
    section("What to change", advice(drill)),
    section("How long things took", distributions(samples)),
    section("Accounts", accountsFigure(report)),
    section("Hypothesis", checks(drill)),
    section("Timeline", plain(timelineTable(drill), [0, 1])),
    section("This drill", plain(identityTable(drill))),
    figureTables(report),
    section("Again", commands(input.commands)),
  ];
  return htmlDocument(`${verdict}: ${title}`, body);
}

/** The throughput as the comparison has it: a page has one number for it. */
function throughputOf({ comparison }: DrillReport): { readonly tokensPerSecond?: number } {
  const tokensPerSecond = comparison.find(({ name }) => name === "tokens a second")?.faulted;
  return tokensPerSecond === undefined ? {} : { tokensPerSecond };
}

/** A paragraph of it, if there is one. */
function sentences(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p>${sentence(text)}</p>`;
}

/** Paragraphs of a text; blank lines part them. */
function paragraphs(text: string): Html[] {
  return text
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(
      (part) => html`<p>${part.replace(/\s+/g, " ")}</p>
`,
    );
}

/** A table of text; `right`: columns that stand to the right. */
function plain({ heads, rows }: TextTable, right: readonly number[] = []): Html {
  return table(heads, rows, right);
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** What the drill did, as a lane of the timeline. */
function actLane({ record }: DrillReport): FaultLane[] {
  const shown = record.timeline.filter(({ what }) => ["action", "rollback", "stop"].includes(what));
  if (shown.length === 0) return [];
  const marks = shown.map(({ atPs, what, name, text }) => ({
    atPs,
    what: "act" as const,
    text: `${what} ${name}${text === "" ? "" : `: ${text}`}`,
  }));
  return [{ title: "what the drill did", marks }];
}

/** The twin's throughput, from what the comparison has of it. */
function healthyRun({ comparison }: DrillReport): HealthyRun | undefined {
  const of = (name: string): ComparisonRow | undefined =>
    comparison.find((row) => row.name === name);
  const endPs = of("run")?.healthy;
  const combined = of("combined")?.healthy;
  if (endPs === undefined || combined === undefined || endPs <= 0) return undefined;
  return { perPs: combined / endPs, endPs };
}

const WHEN = {
  before: "before the method",
  during: "during the method",
  "method-end": "at the method's end",
  after: "at the end",
  method: "in the method",
} as const;

/** What probes found, what is allowed, and what the healthy twin has. */
function thresholds(drill: DrillReport): Html {
  const rows = drill.thresholds ?? withoutTwin(drill);
  if (rows.length === 0) return html`<p>The drill judges nothing.</p>`;
  const cells = rows.map((row): HtmlValue[] => {
    const { name, measure, unit, value, why, healthy, tolerance, met } = row;
    const where = `${measure}, ${row.over}, ${WHEN[row.when]} (${formatTime(row.atPs)})`;
    const isShown = tolerance?.type === "range" || typeof tolerance?.value === "number";
    const bounds = tolerance?.type === "range" ? tolerance : undefined;
    const exact = tolerance?.type === "exactly" ? Number(tolerance.value) : 0;
    return [
      html`${name}<br><span class="about">${where}</span>`,
      value === undefined ? (why ?? "none") : withUnit(value, unit),
      healthy === undefined ? "none" : withUnit(healthy, unit),
      tolerance === undefined ? "" : `${formatTolerance(tolerance)} ${unit}`.trim(),
      judged(met),
      isShown
        ? thresholdFigure({
            least: bounds?.least ?? exact,
            most: bounds?.most ?? exact,
            value,
            healthy,
            isMet: met === true,
          })
        : "",
    ];
  });
  const heads = ["measure", "this run", "healthy twin", "allowed", "", ""];
  return html`${table(heads, cells, [1, 2, 3])}<p class="about">Green: what is allowed. Circle: this run, within; cross: this run, outside; diamond: the healthy twin, asked the same. Measures are computed from facts and counters of the run, as docs/drills.md lists them.</p>`;
}

/** Reports of earlier versions do not have the twin's values. */
function withoutTwin({ record }: DrillReport): ThresholdRow[] {
  const check = record.checks.at(-1);
  if (check === undefined) return [];
  return check.probes.map((probe) => ({ ...probe, when: check.when, atPs: check.atPs }));
}

function withUnit(value: number, unit: string): string {
  return `${formatValue(value)} ${unit}`.trim();
}

function judged(met: boolean | undefined): HtmlValue {
  if (met === undefined) return "not judged";
  return met ? html`<span class="good">met</span>` : html`<span class="bad">not met</span>`;
}

function clocks({ clocks: all }: DrillReport): Html | undefined {
  if (all.length === 0) return undefined;
  const rows = all.map(({ name, fault, spanPs, about }) => [
    fault === undefined ? name : `${name}: ${fault}`,
    spanPs === undefined ? "never" : formatTime(spanPs),
    about,
  ]);
  return table(["", "virtual time", "meaning"], rows, [1]);
}

function blame(drill: DrillReport): Html {
  const attribution = attributionTable(drill);
  const columns = attribution.heads.map((_, column) => column).slice(1);
  const blamed = attribution.rows.length === 0 ? "" : plain(attribution, columns);
  const words = [balanceSentence(drill), methodSentence(drill)];
  const sentences = words.map((one) => html`<p>${sentence(one)}</p>`);
  const problems = drill.attribution.problems.map((text) => html`<p class="bad">${text}</p>`);
  return html`${blamed}${sentences}${problems}`;
}

function advice({ advice: all }: DrillReport): Html | undefined {
  if (all.length === 0) return undefined;
  return list(all.map(({ change, because }) => html`<strong>${change}</strong>: ${because}`));
}

/** Checks that are shown: a hypothesis may be checked hundreds of times. */
const CHECKS_MAX = 20;

/** All checks; of many, those that failed and the last one. */
function checks({ record }: DrillReport): HtmlValue {
  if (record.checks.length <= CHECKS_MAX) return record.checks.map(check);
  const failed = record.checks.filter(({ met }) => !met).slice(0, CHECKS_MAX);
  const last = record.checks.slice(-1).filter((one) => !failed.includes(one));
  const words = `${record.checks.length} checks; shown are the first that failed, and the last one`;
  return html`<p>${words}; report.md has all.</p>${[...failed, ...last].map(check)}`;
}

function check({ when, atPs, met, probes }: HypothesisCheck): Html {
  const rows = probes.map(({ name, unit, value, why, tolerance, met: isMet }): HtmlValue[] => [
    name,
    value === undefined ? (why ?? "none") : withUnit(value, unit),
    tolerance === undefined ? "" : formatTolerance(tolerance),
    judged(isMet),
  ]);
  return html`<h3>${WHEN[when]}, ${formatTime(atPs)}: ${judged(met)}</h3>
${table(["probe", "found", "allowed", ""], rows, [1, 2])}`;
}
