/**
 * The tables of a drill's report as cells of text, the same for the terminal and for Markdown: the
 * run beside its twin, who is to blame, and the dip as a chart of one line.
 */
import { formatTime } from "../model/time.ts";
import { LINKS_MAX } from "./attribution.ts";
import type { ComparisonRow, Unit } from "./comparison.ts";
import type { DrillReport } from "./drill-report.ts";
import { quoted } from "./story.ts";
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

function changeOf({ healthy, faulted, unit, isCut }: ComparisonRow): string {
  if (isCut === true) return "cut";
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

/** Below this share of a run, what is in no step's time goes without saying. */
const SAID_SHARE = 0.1;

/**
 * Which steps count, where that hides much: those that were completed, from their last begin.
 * Undefined where their times make up the run, as they do in the healthy twin.
 */
export function stepsSentence({ comparison }: DrillReport): string | undefined {
  const [run, step] = ["run", "step, mean"].map((wanted) =>
    comparison.find(({ name }) => name === wanted),
  );
  if (run?.faulted === undefined || run.healthy === undefined || step?.faulted === undefined) {
    return undefined;
  }
  const inStepsPs = run.healthy * (step.faulted / (step.healthy ?? step.faulted));
  const outPs = run.faulted - inStepsPs;
  if (outPs < SAID_SHARE * run.faulted) return undefined;
  return (
    "step times are of steps that were completed, from their last begin; about " +
    `${formatTime(Math.round(outPs))} of the run are in none of them`
  );
}

/**
 * A row for each fault, or group of them. An assignment is delayed by the fault that added most to
 * its delay, and partly by the others that did. `isShort`: of a large group not all names.
 */
export function attributionTable({ attribution, faults }: DrillReport, isShort = false): TextTable {
  const { shares } = attribution;
  const kinds = new Map(faults.map(({ name, kind }) => [name, kind]));
  const isOne = shares.length < 2;
  const rows = shares.map((one) => {
    const [first, ...others] = one.faults;
    const names = isShort ? listed(one.faults) : one.faults.join(", ");
    return [
      others.length === 0 ? `${first} (${kinds.get(first) ?? ""})` : names,
      grouped(one.delayed),
      ...(isOne ? [] : [grouped(one.partly)]),
      signedTime(one.longestDelayPs),
      grouped(one.masked),
      grouped(one.lost),
      one.refused > 0 ? `${grouped(one.refused)} refused` : grouped(one.corrupted),
    ];
  });
  const partly = isOne ? [] : ["partly"];
  return { heads: ["fault", "delayed", ...partly, "by at most", "masked", "lost", "wrong"], rows };
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
  return (
    `delays told apart by runs with ${units}: what each adds is its own. An assignment is ` +
    "delayed by what added most, and partly by what else added"
  );
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

/** How long the run was beside its twin: `1.250 ms longer`, `as long`, `cut at 50.000 ms`. */
export function lengthWords({ dip, cutAtPs }: DrillReport): string {
  if (cutAtPs !== undefined) return `cut at ${formatTime(cutAtPs)}`;
  if (dip.timeLostPs === 0) return "as long";
  const span = formatTime(Math.abs(dip.timeLostPs));
  return `${span} ${dip.timeLostPs < 0 ? "shorter" : "longer"}`;
}

function lengthSentence(report: DrillReport): string {
  const { dip, cutAtPs } = report;
  const words = `the run was ${lengthWords(report)}`;
  if (cutAtPs !== undefined)
    return `${words}; its twin took ${formatTime(cutAtPs - dip.timeLostPs)}`;
  return `${words} ${dip.timeLostPs === 0 ? "as" : "than"} its twin`;
}

/** Depth and length of the dip, in a sentence. */
export function dipSentence(report: DrillReport): string {
  const { depthPercent, lengthPs, thresholdPercent } = report.dip;
  const length = lengthSentence(report);
  const threshold = `${Math.floor(thresholdPercent)} %`;
  if (lengthPs === 0) return `no slice below ${threshold} of healthy; ${length}`;
  return (
    `deepest slice ${depthPercent.toFixed(1)} % below healthy, below ${threshold} for ` +
    `${formatTime(lengthPs)}; ${length}`
  );
}

/** Rollbacks that never came, in a sentence; undefined: there are none. */
export function rollbackSentence({ record }: DrillReport): string | undefined {
  const missed = record.rollbacks.filter(({ status }) => status === "never-due");
  if (missed.length === 0) return undefined;
  const names = listed(missed.map(({ name }) => quoted(name)));
  return (
    `${missed.length === 1 ? "rollback" : "rollbacks"} ${names} never came: due at ` +
    `${formatTime(missed[0].duePs)}, and the run was over at ${formatTime(record.endPs)}`
  );
}

/** How far the faults reached, in sentences. */
export function reachSentences({ reach, attribution }: DrillReport): string[] {
  const { ranks, masked, givenUpPairwise, maskers, delayedRanks } = reach;
  const { unfinished, missingExperts } = reach;
  const lines = [
    `${counted(delayedRanks, "rank")} of ${ranks} delayed ` +
      `(${share(attribution.delayed, attribution.dispatched)} of the assignments)`,
  ];
  if (masked.length > 0) lines.push(`masked at some time: ${listed(masked)}`);
  if (givenUpPairwise.length > 0) lines.push(`given up pairwise: ${listed(givenUpPairwise)}`);
  if (maskers > 0) lines.push(`${counted(maskers, "rank")} gave others up`);
  if (unfinished.length > 0) lines.push(`did not finish: ${listed(unfinished)}`);
  if (missingExperts.length > 0) {
    lines.push(
      `experts without a live replica at some time: ${listed(missingExperts.map(String))}`,
    );
  }
  return lines;
}

/** What responders of a blind drill named; empty for other drills. */
export function diagnosisSentences({ diagnoses }: DrillReport): string[] {
  if (diagnoses === undefined) return [];
  if (diagnoses.length === 0) return ["blind: nobody named a culprit"];
  return diagnoses.map(({ target, kind, grade, fault, sinceOnsetPs, wallSeconds }) => {
    const which = fault === undefined ? "" : ` (${fault}${whenSentence(sinceOnsetPs)})`;
    return `blind: ${kind} on ${target}: ${grade}${which}, ${wallSeconds.toFixed(1)} s of wall time`;
  });
}

function whenSentence(sinceOnsetPs: number | undefined): string {
  if (sinceOnsetPs === undefined) return "";
  const isEarly = sinceOnsetPs < 0;
  return `, ${formatTime(Math.abs(sinceOnsetPs))} ${isEarly ? "before" : "after"} its onset`;
}
