/**
 * Parts of HTML reports that runs and drills have in common: the verdict, the pictures, the
 * accounts, who was given up, and every table of the Markdown with where its figures come from.
 * Pure, as reports are.
 */
import type { Verdict } from "../src/drill/drill.ts";
import { formatTime } from "../src/model/time.ts";
import { type AccountPart, accountFigure } from "../src/report/account-figure.ts";
import { cards, list, section, table } from "../src/report/document.ts";
import type { FaultLane, LaneMark } from "../src/report/fault-lanes.ts";
import { type Html, type HtmlValue, html } from "../src/report/html.ts";
import type { RunSamples } from "../src/report/run-samples.ts";
import { type SpanLine, spansFigure } from "../src/report/spans-figure.ts";
import type { FaultReport, RunReport } from "./report.ts";
import { sectionsOf } from "./report-text.ts";

/** What pages are made of besides the report itself. */
export interface PageInput {
  readonly report: RunReport;
  readonly samples: RunSamples;
  /** When the fleet served again after a fault, ps; undefined: it did not, or nobody knows. */
  readonly servedAtPs: (fault: string) => number | undefined;
  /** Whole commands for who wants to go on. */
  readonly commands: readonly string[];
}

/** A whole number with grouping, whatever the host's language. */
export function whole(count: number): string {
  return count.toLocaleString("en-US");
}

/** The verdict, large, and why. */
export function verdictBanner(verdict: Verdict, remarks: readonly HtmlValue[]): Html {
  return html`<div class="verdict ${verdict}" role="status"><strong>${verdict}</strong><div>${list(remarks)}</div></div>
`;
}

/** The figures that are asked for first. */
export function keyFigures({ report, samples }: PageInput): Html {
  const { assignments, steps, allToAll, workload, virtualTimeNs } = report;
  const { dispatched, masked, lost } = assignments;
  const shareOf = (part: number): string =>
    dispatched === 0 ? "" : `${((100 * part) / dispatched).toFixed(3)} % of the assignments`;
  const all: { name: string; value: string; note?: string }[] = [];
  if (report.tokensPerSecond !== undefined) {
    const value = `${whole(Math.round(report.tokensPerSecond))} tokens/s`;
    all.push({ name: "throughput", value, note: "whole fleet, whole run" });
  }
  if (steps?.tpotPs !== undefined) {
    all.push({ name: "time per output token", value: formatTime(steps.tpotPs), note: "mean" });
  } else if (steps !== undefined) {
    all.push({ name: "step", value: formatTime(steps.meanPs), note: `mean, ${workload.phase}` });
  }
  for (const name of ["dispatch", "combine"] as const) {
    const times = allToAll?.[name];
    if (times === undefined) continue;
    const note = `p99 ${formatTime(times.p99Ps)}`;
    all.push({ name: `${name}, p50`, value: formatTime(times.p50Ps), note });
  }
  all.push({ name: "masked", value: whole(masked), note: shareOf(masked) });
  if (report.totals === "final") {
    all.push({ name: "lost", value: whole(lost), note: shareOf(lost) });
  }
  const finished = `${report.ranks.finished} of ${samples.ranks}`;
  all.push({ name: "ranks finished", value: finished });
  all.push({ name: "virtual time", value: formatTime(virtualTimeNs * 1e3) });
  return cards(all);
}

/** A lane for each fault that was in force, with what came of it. */
export function lanesOf({ report, samples, servedAtPs }: PageInput): FaultLane[] {
  const byName = new Map(report.faults.map((fault) => [fault.fault, fault]));
  return samples.faults.map((span) => {
    const [first, ...others] = span.targets;
    const where = others.length === 0 ? first : `${first} and ${others.length} more`;
    const title = `${span.name}: ${span.kind} on ${where}`;
    return { title, span, marks: marksOf(byName.get(span.name), servedAtPs(span.name)) };
  });
}

function marksOf(fault: FaultReport | undefined, servedPs: number | undefined): LaneMark[] {
  const marks: LaneMark[] = [];
  if (fault?.firstTimeoutNs !== undefined) {
    marks.push({ atPs: fault.firstTimeoutNs * 1e3, what: "noticed", text: "first timeout" });
  }
  if (fault?.firstMaskNs !== undefined) {
    marks.push({ atPs: fault.firstMaskNs * 1e3, what: "gave-up", text: "first mask" });
  }
  if (servedPs !== undefined) marks.push({ atPs: servedPs, what: "served", text: "served again" });
  return marks;
}

/** What the marks of a timeline are. */
export const TIMELINE_CAPTION =
  "Pink: faults in force. Triangle: the first timeout of a NIC or rank after the onset; diamond: " +
  "the first rank given up for the fault; square: every rank in service has completed a layer " +
  "begun after the onset. Throughput is assignments combined; those of a layer count over the " +
  "time of a middling layer before its end.";

/** Every fault: what it was, and how long until it was noticed, given up for, and borne. */
export function faultsTable({
  report,
  servedAtPs,
  isDrill,
}: PageInput & { readonly isDrill?: true }): Html {
  const { faults } = report;
  if (faults.length === 0) return html`<p>Nothing was broken.</p>`;
  const rows = faults.map((fault): HtmlValue[] => {
    const { atNs, healedAtNs, hasBegun, firstTimeoutNs, firstMaskNs } = fault;
    const since = (ns: number | undefined): string =>
      ns === undefined ? "never" : formatTime((ns - atNs) * 1e3);
    const servedPs = servedAtPs(fault.fault);
    // What a drill breaks is ordered while it is up, too: that says nothing there.
    const by = fault.isOrdered && isDrill !== true ? " (ordered while the run was up)" : "";
    const what = [fault.fault, `${fault.kind}${by}`, someOf(fault.targets)];
    if (!hasBegun) {
      return [...what, `due at ${formatTime(atNs * 1e3)}, never began`, "", "", "", ""];
    }
    return [
      ...what,
      formatTime(atNs * 1e3),
      healedAtNs === undefined ? "not in this run" : formatTime(healedAtNs * 1e3),
      since(firstTimeoutNs),
      since(firstMaskNs),
      servedPs === undefined ? "never" : formatTime(servedPs - atNs * 1e3),
    ];
  });
  const heads = ["fault", "kind", "targets", "began", "ended", "to first timeout", "to first mask"];
  return html`${table([...heads, "to serving again"], rows, [3, 4, 5, 6, 7])}<p class="about">Virtual time. The last three count from the onset: a NIC or rank waited too long, whatever for; a rank was given up for this fault; every rank in service has completed a layer that it began after the onset.</p>`;
}

/** The first names, and how many more there are. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(", ");
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

/** Where every assignment ended, as a picture. */
export function accountsFigure({ assignments, open = 0 }: RunReport): Html | undefined {
  const { combined, masked, lost } = assignments;
  const parts: AccountPart[] = [
    { style: "combined", name: "combined", count: combined },
    { style: "masked", name: "masked", count: masked },
    { style: "lost", name: "lost", count: lost },
    { style: "open", name: "still open", count: open },
  ];
  return accountFigure(parts, whole);
}

/** How long all-to-alls, layers and steps took. */
export function distributions({ spans }: RunSamples): Html {
  const line = (style: SpanLine["style"]): SpanLine => ({
    style,
    name: style,
    histogram: spans[style],
  });
  const exchanges = spansFigure("All-to-alls", [line("dispatch"), line("combine")]);
  const layers = spansFigure("Layers and steps", [line("layer"), line("step")]);
  return html`${exchanges}${layers}`;
}

/** Most rows of the table of ranks. */
const RANKS_MAX = 60;

/** Who was given up, by how many, and why. */
export function givenUpTable({ givenUp }: RunSamples): Html | undefined {
  if (givenUp.length === 0) return undefined;
  const sorted = [...givenUp].sort((left, right) => right.by - left.by);
  const rows = sorted
    .slice(0, RANKS_MAX)
    .map(({ rank, by, stillBy, firstPs, faults }) => [
      rank,
      whole(by),
      whole(stillBy),
      formatTime(firstPs),
      someOf(faults),
    ]);
  const more = sorted.length - rows.length;
  const rest = more > 0 ? html`<p>and ${whole(more)} more</p>` : "";
  const heads = ["rank", "given up by", "to the end by", "first", "because of"];
  return html`${table(heads, rows, [1, 2, 3])}${rest}<p class="about">Facts rank.masked, counted; masks are pairwise.</p>`;
}

/** Every table of the Markdown, with where each figure comes from. */
export function figureTables(report: RunReport): Html[] {
  return sectionsOf(report).map(({ title, rows }) =>
    section(
      title,
      table(
        ["", "", "source"],
        rows.map(([name, value, source]) => [html`${indent(name)}${name.trim()}`, value, source]),
        [1],
      ),
    ),
  );
}

/** Rows that belong to the one above stand a little to the right. */
function indent(name: string): string {
  return "\u2003".repeat(Math.ceil((name.length - name.trimStart().length) / 2));
}
