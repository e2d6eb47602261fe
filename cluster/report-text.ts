/**
 * The report in words: tables for the terminal and for Markdown, with what each figure is made of.
 * Pure: everything comes from the report.
 */
import { formatTime } from "../src/model/time.ts";
import type { FaultReport, RunReport } from "./report.ts";
import type { Percentiles } from "./run-figures.ts";

/** A heading, a name and value a row, or a paragraph. */
export interface ReportSection {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string, source: string])[];
}

/** The report's tables, the same for the terminal and for Markdown. */
export function sectionsOf(report: RunReport): ReportSection[] {
  const { dispatched, combined, masked, lost } = report.assignments;
  const shareOf = (part: number): string =>
    dispatched === 0 ? "" : `${((100 * part) / dispatched).toFixed(3)} %`;
  const accounts: [string, string, string][] = [
    ["dispatched", whole(dispatched), "(token, expert) assignments, counted by the owning ranks"],
    ["= combined", whole(combined), `${shareOf(combined)}, each checked against the oracle`],
    ["+ masked", whole(masked), `${shareOf(masked)}, given up on purpose`],
  ];
  for (const fault of report.byFault) {
    if (fault.masked > 0)
      accounts.push([`    ${fault.fault}`, whole(fault.masked), "by this fault"]);
  }
  accounts.push(["+ lost", whole(lost), `${shareOf(lost)}, their owner died`]);
  for (const fault of report.byFault) {
    if (fault.lost > 0) accounts.push([`    ${fault.fault}`, whole(fault.lost), "by this fault"]);
  }
  const open = dispatched - combined - masked - lost;
  if (open !== 0) accounts.push(["+ still open", whole(open), "the run did not get to them"]);

  const emulated: [string, string, string][] = [
    ["virtual time", formatTime(report.virtualTimeNs * 1e3), "emulated clock"],
  ];
  if (report.stepTimeNs !== undefined) {
    emulated.push(["decode step", formatTime(report.stepTimeNs * 1e3), "emulated clock, a step"]);
  }
  if (report.tokensPerSecond !== undefined) {
    const rate = `${report.tokensPerSecond.toPrecision(5)} tokens/s`;
    emulated.push(["throughput", rate, "emulated clock, ranks that finished, layers that run"]);
  }
  const { ranks, layers } = report;
  emulated.push(["ranks finished", `${ranks.finished} of ${ranks.total}`, "counted"]);
  if (layers.medianNs > 0) {
    emulated.push(["layer, median", formatTime(layers.medianNs * 1e3), "emulated clock"]);
    emulated.push(["layer, longest", formatTime(layers.slowestNs * 1e3), "emulated clock"]);
  }
  emulated.push(["retried packets", whole(report.retransmittedPackets), "sent again by NICs"]);
  for (const [name, value] of Object.entries(report.fabric)) {
    if (value === 0) continue;
    emulated.push([spaced(name), whole(value), "counted in the fabric"]);
  }
  const perSecond = report.wallSeconds > 0 ? report.events / report.wallSeconds : 0;
  return [
    { title: "Assignments", rows: accounts },
    ...(report.faults.length === 0
      ? []
      : [{ title: "Faults", rows: report.faults.flatMap(faultRows) }]),
    { title: "Emulated cluster", rows: emulated },
    {
      title: "This host",
      rows: [
        ["wall time", `${report.wallSeconds.toFixed(2)} s`, "wall clock"],
        ["largest lag", `${report.lagSeconds.toFixed(3)} s`, `wall clock, speed ${report.speed}`],
        ["events", whole(report.events), `counted, ${whole(Math.round(perSecond))} a second`],
        ["windows", whole(report.windows), `counted, placement ${report.placement}`],
        ["processes", whole(report.processes), "counted"],
        [
          "peak memory",
          `${whole(Math.round(report.peakRssBytes / 2 ** 20))} MiB`,
          "resident, sum of each process's peak",
        ],
      ],
    },
    {
      title: "Identity",
      rows: [
        ["digest", report.digest, "of every event, in order"],
        ["seed", report.seed, ""],
        ["scenario", report.scenarioHash, "hash of what it resolved to"],
        ["run folder", report.runDir, ""],
      ],
    },
  ];
}

function faultRows(fault: FaultReport): [string, string, string][] {
  const at = (ns: number | undefined, none: string): string =>
    ns === undefined ? none : formatTime(ns * 1e3);
  const [first, ...others] = fault.targets;
  const target = others.length === 0 ? first : `${first} and ${others.length} more`;
  return [
    [fault.fault, at(fault.atNs, ""), `${fault.kind} on ${target} began, emulated clock`],
    ["  first timeout", at(fault.firstTimeoutNs, "none"), "a NIC or rank waited too long"],
    ["  first mask", at(fault.firstMaskNs, "none"), "a rank was given up for it"],
    ["  healed", at(fault.healAtNs, "never"), "as the scenario says"],
  ];
}

/** What PASS speaks of; the other verdicts come with their reasons. */
const PASS_MEANS =
  "the accounts balance and every combine is right; how well the fleet coped is below";

/** The report for a terminal, without colours; ends in a newline. */
export function reportText(report: RunReport, nextSteps: readonly string[]): string {
  const lines = ["", report.title, `verdict: ${report.verdict}`];
  if (report.verdict === "PASS") lines.push(`  ${PASS_MEANS}`);
  for (const reason of report.reasons) lines.push(`  because: ${reason}`);
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
  const lines = [`# ${report.title}`, "", `Verdict: **${report.verdict}**`];
  for (const reason of report.reasons) lines.push(`- ${reason}`);
  for (const section of sectionsOf(report)) {
    lines.push("", `## ${section.title}`, "", "| | | source |", "| --- | ---: | --- |");
    for (const [name, value, source] of section.rows) {
      lines.push(`| ${cell(name)} | ${cell(value)} | ${cell(source)} |`);
    }
  }
  lines.push("", `Run \`${report.runId}\`, faultplane ${report.faultplane}.`);
  return `${lines.join("\n")}\n`;
}

function cell(text: string): string {
  return text.trim().replaceAll("|", "\\|");
}

/** 12,345: grouping that does not depend on the host's locale. */
function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** `packetsSent` as `packets sent`. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
