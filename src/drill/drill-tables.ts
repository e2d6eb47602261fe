/**
 * The tables of a drill's report as cells of text, the same for the terminal and for Markdown: the
 * run beside its twin, who is to blame, and the dip as a chart of one line.
 */
import { formatTime } from "../model/time.ts";
import { LINKS_MAX } from "./attribution.ts";
import type { ComparisonRow, Unit } from "./comparison.ts";
import { DIP_PERCENT } from "./dip.ts";
import type { DrillReport } from "./drill-report.ts";
import { counted, grouped, listed, share, signedTime } from "./words.ts";

/** A table: heads, and rows of as many cells. */
export interface TextTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Healthy | faulted | change, with the source of each row. */
export function comparisonTable({ comparison }: DrillReport): TextTable {
  return {
    heads: ["", "healthy", "faulted", "change", "source"],
    rows: comparison.map((row) => [
      row.name,
      cell(row.healthy, row.unit),
      cell(row.faulted, row.unit),
      changeOf(row),
      row.source,
    ]),
  };
}

function cell(value: number | undefined, unit: Unit): string {
  if (value === undefined) return "none";
  if (unit === "ps") return formatTime(value);
  return unit === "count" ? grouped(value) : `${grouped(value)}/s`;
}

function changeOf({ healthy, faulted, unit }: ComparisonRow): string {
  if (healthy === undefined || faulted === undefined) return "";
  const change = faulted - healthy;
  if (change === 0) return "=";
  if (healthy === 0 || unit === "count") {
    if (unit === "ps") return signedTime(change);
    return `${change > 0 ? "+" : "-"}${grouped(Math.abs(change))}`;
  }
  const times = faulted / healthy;
  if (times >= 2) return `x ${times < 100 ? times.toFixed(1) : grouped(times)}`;
  const percent = (100 * change) / healthy;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}

/** One row a fault, then the sums; every assignment of the run is in exactly one of its columns. */
export function attributionTable({ attribution, faults }: DrillReport): TextTable {
  const kinds = new Map(faults.map(({ name, kind }) => [name, kind]));
  const rows = attribution.shares.map((one) => {
    const [first, ...others] = one.faults;
    const more = others.length === 0 ? (kinds.get(first) ?? "") : `and ${others.length} more`;
    return [
      `${first} (${more})`,
      grouped(one.delayed),
      signedTime(one.longestDelayPs),
      grouped(one.masked),
      grouped(one.lost),
      one.refused > 0 ? `${grouped(one.refused)} refused` : grouped(one.corrupted),
    ];
  });
  return { heads: ["fault", "delayed", "by at most", "masked", "lost", "wrong"], rows };
}

/** Where every assignment of the run ended, in a sentence. */
export function balanceSentence({ attribution }: DrillReport): string {
  const { dispatched, onTime, delayed, masked, lost, unfinished, open } = attribution;
  const parts = [
    `${grouped(onTime)} on time`,
    `${grouped(delayed)} delayed (${share(delayed, dispatched)})`,
    `${grouped(masked)} masked (${share(masked, dispatched)})`,
    `${grouped(lost)} lost`,
  ];
  if (unfinished > 0) parts.push(`${grouped(unfinished)} in layers never completed`);
  if (open > 0) parts.push(`${grouped(open)} still open`);
  const never = attribution.neverReached;
  const tail = never > 0 ? `; ${grouped(never)} of the healthy run were never dispatched` : "";
  return `${grouped(dispatched)} assignments = ${parts.join(" + ")}${tail}`;
}

/** How the delays were told apart. */
export function methodSentence({ attribution }: DrillReport): string {
  const { shares } = attribution;
  if (shares.length === 0) return "no fault was in force";
  if (shares.length === 1 && shares[0].faults.length === 1) {
    return "a delay is the difference to the healthy twin";
  }
  const groups = shares.some(({ faults }) => faults.length > 1);
  const units = groups
    ? `${LINKS_MAX} groups of faults, since there are more than ${LINKS_MAX}`
    : "one fault after another by onset";
  return `delays told apart by runs with ${units}: what each adds is its own`;
}

const BARS = "▁▂▃▄▅▆▇█";

/** A line of bars; a blank where nothing was combined. 100 % is the highest bar. */
export function bars(percent: readonly number[]): string {
  return percent
    .map((value) => {
      if (value <= 0) return " ";
      const step = Math.floor((value / 100) * BARS.length);
      return BARS[Math.max(0, Math.min(BARS.length - 1, step))];
    })
    .join("");
}

/** The dip: healthy and faulted throughput over virtual time, and where faults were in force. */
export function dipChart(report: DrillReport): string[] {
  const { dip, faults } = report;
  const slices = dip.percent.length;
  const marks = Array.from({ length: slices }, (_, slice) => {
    const startPs = slice * dip.sliceSpanPs;
    const inForce = faults.some(
      ({ atPs, healAtPs }) =>
        atPs < startPs + dip.sliceSpanPs && (healAtPs === undefined || healAtPs > startPs),
    );
    return inForce ? "^" : " ";
  }).join("");
  const span = formatTime(slices * dip.sliceSpanPs);
  return [
    `healthy |${bars(dip.healthyPercent)}|`,
    `faulted |${bars(dip.percent)}|`,
    `faults  |${marks}|  0 to ${span}, a column is ${formatTime(dip.sliceSpanPs)}`,
  ];
}

/** Depth and length of the dip, in a sentence. */
export function dipSentence({ dip }: DrillReport): string {
  const lost = `the run took ${signedTime(dip.timeLostPs)} longer than its twin`;
  if (dip.lengthPs === 0) return `no slice below ${DIP_PERCENT} % of healthy; ${lost}`;
  return (
    `deepest slice ${dip.depthPercent.toFixed(1)} % below healthy, below ${DIP_PERCENT} % for ` +
    `${formatTime(dip.lengthPs)}; ${lost}`
  );
}

/** How far the faults reached, in sentences. */
export function reachSentences({ reach, attribution }: DrillReport): string[] {
  const { ranks, masked, maskers, delayedRanks, unfinished, missingExperts } = reach;
  const lines = [
    `${counted(delayedRanks, "rank")} of ${ranks} delayed ` +
      `(${share(attribution.delayed, attribution.dispatched)} of the assignments)`,
  ];
  if (masked.length > 0) {
    lines.push(`masked: ${listed(masked)}, by ${counted(maskers, "rank")}`);
  }
  if (unfinished.length > 0) lines.push(`did not finish: ${listed(unfinished)}`);
  if (missingExperts.length > 0) {
    lines.push(`experts without a live replica: ${listed(missingExperts.map(String))}`);
  }
  return lines;
}

/** What responders of a blind drill named; empty for other drills. */
export function diagnosisSentences({ diagnoses }: DrillReport): string[] {
  if (diagnoses === undefined) return [];
  if (diagnoses.length === 0) return ["blind: nobody named a culprit"];
  return diagnoses.map(({ target, kind, grade, fault, sinceOnsetPs, wallSeconds }) => {
    const after = sinceOnsetPs === undefined ? "" : `, ${signedTime(sinceOnsetPs)} after its onset`;
    const which = fault === undefined ? "" : ` (${fault}${after})`;
    return `blind: ${kind} on ${target}: ${grade}${which}, ${wallSeconds.toFixed(1)} s of wall time`;
  });
}
