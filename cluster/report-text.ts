/**
 * The report in words: tables for the terminal and for Markdown, with what each figure is made of.
 * Pure: everything comes from the report.
 */
import { escapeControls } from "../src/base/escape.ts";
import { formatTime } from "../src/model/time.ts";
import type { FaultReport, RunReport } from "./report.ts";
import type { Percentiles } from "./run-figures.ts";

/** A name, a value, and what the value is made of. */
type Row = readonly [name: string, value: string, source: string];

/** A heading and its table. */
export interface ReportSection {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The report's tables, the same for the terminal and for Markdown. */
export function sectionsOf(report: RunReport): ReportSection[] {
  const steps = stepRows(report);
  return [
    { title: "Assignments", rows: accountRows(report) },
    ...(report.faults.length === 0
      ? []
      : [{ title: "Faults", rows: report.faults.flatMap(faultRows) }]),
    ...(steps.length === 0 ? [] : [{ title: "Steps and all-to-alls", rows: steps }]),
    { title: "Emulated cluster", rows: clusterRows(report) },
    ...(report.isCut ? [] : [{ title: "This host", rows: hostRows(report) }]),
    {
      title: "Identity",
      rows: [
        ["digest", report.digest, digestSource(report)],
        ["seed", report.seed, ""],
        ["scenario", report.scenarioHash, "hash of what it resolved to"],
        ["run folder", report.runDir, ""],
      ],
    },
  ];
}

function accountRows(report: RunReport): Row[] {
  const { dispatched, combined, masked, lost } = report.assignments;
  const isFinal = report.totals === "final";
  const shareOf = (part: number): string =>
    dispatched === 0 ? "" : `${((100 * part) / dispatched).toFixed(3)} %`;
  const counted = isFinal
    ? "(token, expert) assignments, counted by the owning ranks"
    : "(token, expert) assignments of completed layers, up to the last committed window";
  const rows: Row[] = [
    ["dispatched", whole(dispatched), counted],
    ["= combined", whole(combined), `${shareOf(combined)}, each checked against the oracle`],
    ...wrongRows(report),
    ["+ masked", whole(masked), `${shareOf(masked)}, given up on purpose`],
  ];
  for (const { fault, masked } of report.byFault) {
    if (masked > 0) rows.push([`    ${fault}`, whole(masked), "by this fault"]);
  }
  if (!isFinal) {
    const why = report.isCut ? "the run has no end" : "a worker was lost: nobody was left to ask";
    rows.push(["+ lost, still open", "unknown", why]);
    return rows;
  }
  rows.push(["+ lost", whole(lost), `${shareOf(lost)}, their owner died`]);
  for (const { fault, lost } of report.byFault) {
    if (lost > 0) rows.push([`    ${fault}`, whole(lost), "by this fault"]);
  }
  const { open = 0 } = report;
  if (open !== 0) rows.push(["+ still open", whole(open), "the run did not get to them"]);
  return rows;
}

function digestSource({ isCut }: RunReport): string {
  return isCut ? "of every event up to the last epoch that was closed" : "of every event, in order";
}

/** Results that a fault corrupted, which only the oracle knows of. */
function wrongRows({ corrupted }: RunReport): Row[] {
  if (corrupted === 0) return [];
  return [
    ["    wrong and unseen", whole(corrupted), "results (sums of a token) with flipped bits"],
  ];
}

/** Times of steps and exchanges, and what they make in tokens. */
function stepRows({ steps, workload, allToAll }: RunReport): Row[] {
  const rows: Row[] = [];
  if (steps !== undefined) {
    const { tokensPerGpu, microBatches, acceptedTokensPerStep: accepted } = workload;
    const of = `${counted(steps.samples, "step")} of ranks`;
    const layers = `${workload.layers} of ${workload.modelLayers} layers`;
    rows.push(["step, mean", formatTime(steps.meanPs), `mean over ${of}, ${layers}`]);
    rows.push(["step, worst", formatTime(steps.worstPs), `longest of ${of}`]);
    const tokens = counted(tokensPerGpu, "token");
    const batches = microBatches === 1 ? "" : ` x ${microBatches} micro-batches`;
    const isPredicted = accepted !== 1;
    const factor = isPredicted ? ` x ${accepted} accepted` : "";
    if (steps.tpotPs !== undefined) {
      const why = isPredicted ? ` / ${accepted} accepted tokens (multi-token prediction)` : "";
      rows.push(["time per output token", formatTime(steps.tpotPs), `mean step time${why}`]);
    }
    rows.push([
      PASS_NAMES[workload.phase === "training" ? workload.pass : "step"],
      rate(steps.tokensPerSecondPerGpu),
      `${tokens}${batches}${factor} / mean step time`,
    ]);
  }
  for (const name of ["dispatch", "combine"] as const) {
    const times = allToAll?.[name];
    if (times !== undefined) rows.push(...exchangeRows(name, times));
  }
  return rows;
}

/** What a rate is of. */
const PASS_NAMES = {
  step: "one GPU",
  overlapped: "one GPU, trained",
  forward: "one GPU, forward",
  backward: "one GPU, backward",
} as const;

function exchangeRows(name: "dispatch" | "combine", times: Percentiles): Row[] {
  const what = {
    dispatch: "first copy sent to last received",
    combine: "first result sent to last received",
  };
  return [
    [`${name}, p50`, formatTime(times.p50Ps), `${what[name]}, ${counted(times.samples, "sample")}`],
    [`${name}, p99`, formatTime(times.p99Ps), "over ranks, layers and steps"],
    [`${name}, worst`, formatTime(times.worstPs), "longest of all"],
  ];
}

function clusterRows(report: RunReport): Row[] {
  const { ranks, layers } = report;
  const rows: Row[] = [["virtual time", formatTime(report.virtualTimeNs * 1e3), "emulated clock"]];
  if (report.stepTimeNs !== undefined) {
    const step = formatTime(report.stepTimeNs * 1e3);
    rows.push(["run / steps", step, "until the last rank finished, emulated clock"]);
  }
  if (report.tokensPerSecond !== undefined) {
    const source = "tokens of ranks that finished / virtual time of the run";
    rows.push(["throughput", rate(report.tokensPerSecond), source]);
  }
  rows.push(["ranks finished", `${ranks.finished} of ${ranks.total}`, "counted"]);
  if (layers.medianNs > 0) {
    const isAligned = report.workload.phase === "all-to-all";
    const over = `over ranks, layers and steps${isAligned ? ", waits for one moment included" : ""}`;
    rows.push(["layer, p50", formatTime(layers.medianNs * 1e3), over]);
    rows.push(["layer, longest", formatTime(layers.slowestNs * 1e3), "longest of all"]);
  }
  rows.push(["retried packets", whole(report.retransmittedPackets), "sent again by NICs"]);
  if (report.networkBytesPerToken !== undefined) {
    const source = "sent by NICs / tokens assigned, a MoE layer, there and back";
    rows.push(["network bytes a token", whole(report.networkBytesPerToken), source]);
  }
  for (const [name, value] of Object.entries(report.fabric)) {
    if (value !== 0) rows.push([spaced(name), whole(value), "counted in the fabric"]);
  }
  return rows;
}

function hostRows(report: RunReport): Row[] {
  const perSecond = report.wallSeconds > 0 ? report.events / report.wallSeconds : 0;
  const memory = `${whole(Math.round(report.peakRssBytes / 2 ** 20))} MiB`;
  return [
    ["wall time", `${report.wallSeconds.toFixed(2)} s`, "wall clock"],
    ["largest lag", `${report.lagSeconds.toFixed(3)} s`, `wall clock, speed ${report.speed}`],
    ["events", whole(report.events), `counted, ${whole(Math.round(perSecond))} a second`],
    ["windows", whole(report.windows), `counted, placement ${report.placement}`],
    ["processes", whole(report.processes), "counted"],
    ["peak memory", memory, "resident, sum of each process's peak"],
  ];
}

function healedRow({ healAtNs, healedAtNs, isOrdered }: FaultReport): Row {
  if (healedAtNs !== undefined) {
    return ["  healed", formatTime(healedAtNs * 1e3), "ended, emulated clock"];
  }
  if (healAtNs === undefined && !isOrdered) return ["  healed", "never", "as the scenario says"];
  const due = healAtNs === undefined ? "" : `, due at ${formatTime(healAtNs * 1e3)}`;
  return ["  healed", "no", `not before the run was over${due}`];
}

function faultRows(fault: FaultReport): Row[] {
  const at = (ns: number | undefined, none: string): string =>
    ns === undefined ? none : formatTime(ns * 1e3);
  const [first, ...others] = fault.targets;
  const target = others.length === 0 ? first : `${first} and ${others.length} more`;
  const what = `${fault.kind} on ${target}`;
  if (!fault.hasBegun) return [[fault.fault, at(fault.atNs, ""), `${what} was due; never began`]];
  const by = fault.isOrdered ? ", ordered while the run was up" : "";
  return [
    [fault.fault, at(fault.atNs, ""), `${what} began, emulated clock${by}`],
    ["  first timeout", at(fault.firstTimeoutNs, "none"), "a NIC or rank waited too long"],
    ["  first mask", at(fault.firstMaskNs, "none"), "a rank was given up for it"],
    healedRow(fault),
  ];
}

/** What PASS speaks of; the other verdicts come with their reasons. */
const PASS_MEANS =
  "the accounts balance and every combine is right; how well the fleet coped is below";

/** The lines after the verdict, with a word on what each is. */
export function remarksOf({ verdict, reasons, corrupted }: RunReport): string[] {
  const remarks = reasons.map((reason) => `because: ${reason}`);
  if (corrupted === 0) return verdict === "PASS" ? [PASS_MEANS] : remarks;
  const wrong = counted(corrupted, "combined result");
  return [...remarks, `a fault corrupted ${wrong}, and nobody in the fleet noticed`];
}

/** The report for a terminal, without colours; ends in a newline. */
export function reportText(report: RunReport, nextSteps: readonly string[]): string {
  const lines = ["", report.title, `verdict: ${report.verdict}`];
  for (const remark of remarksOf(report)) lines.push(`  ${remark}`);
  for (const section of sectionsOf(report)) {
    lines.push("", section.title);
    const wide = Math.max(...section.rows.map(([, value]) => value.length));
    for (const [name, value, source] of section.rows) {
      const aligned = wide <= 24 ? value.padStart(wide) : value.padEnd(24);
      lines.push(`  ${name.padEnd(22)} ${aligned}  ${source}`.trimEnd());
    }
  }
  if (nextSteps.length > 0) lines.push("", "Try next", ...nextSteps.map((step) => `  ${step}`));
  return `${lines.join("\n")}\n`;
}

/** The report as Markdown. */
export function reportMarkdown(report: RunReport): string {
  const lines = [`# ${escapeControls(report.title)}`, "", `Verdict: **${report.verdict}**`];
  for (const remark of remarksOf(report)) lines.push(`- ${escapeControls(remark)}`);
  const run = `Run \`${report.runId}\`, faultplane ${report.faultplane}.`;
  return `${lines.join("\n")}\n${sectionsMarkdown(report)}\n${run}\n`;
}

/** The report's tables alone. */
export function sectionsMarkdown(report: RunReport): string {
  const lines: string[] = [];
  for (const section of sectionsOf(report)) {
    lines.push("", `## ${section.title}`, "", "| | | source |", "| --- | ---: | --- |");
    for (const [name, value, source] of section.rows) {
      lines.push(`| ${cell(name)} | ${cell(value)} | ${cell(source)} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function cell(text: string): string {
  return escapeControls(text.trim()).replaceAll("|", "\\|");
}

/** 12,345: grouping that does not depend on the host's locale. */
function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** `5,494 tokens/s`; small rates with five digits. */
function rate(perSecond: number): string {
  const text = perSecond < 1_000 ? perSecond.toPrecision(5) : whole(Math.round(perSecond));
  return `${text} tokens/s`;
}

/** `1 step`, `2,000 steps`. */
function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `packetsSent` as `packets sent`. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
