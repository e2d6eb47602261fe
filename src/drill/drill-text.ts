/**
 * The report of a drill for people: at most 45 lines for a terminal, everything for Markdown.
 * Pure: both say what the report object says.
 */
import { escapeControls } from "../base/escape.ts";
import { formatTime } from "../model/time.ts";
import { clockWords } from "./clocks.ts";
import { GRADES } from "./diagnosis.ts";
import type { HypothesisCheck, ProbeResult } from "./drill-record.ts";
import type { DrillReport } from "./drill-report.ts";
import {
  attributionTable,
  balanceSentence,
  comparisonTable,
  diagnosisSentences,
  dipChart,
  dipSentence,
  methodSentence,
  reachSentences,
  rollbackSentence,
  stepsSentence,
  type TextTable,
} from "./drill-tables.ts";
import { hostFaultLines, layersTable } from "./fault-layers.ts";
import { grouped } from "./words.ts";

/** Lines of the terminal's report, the blank ones included. */
export const TEXT_LINES_MAX = 45;

/** Rows of the comparison that a terminal shows; the others are in report.md. */
const SHOWN_ROWS: readonly string[] = [
  "time per output token",
  "layer, p99",
  "dispatch, p99",
  "run",
  "tokens a second",
  "masked",
  "lost",
  "sent again",
];
const SHOWN = { reasons: 3, faults: 4, real: 2, advice: 3 } as const;

/** The report for a terminal, without colours; ends in a newline. */
export function drillText(report: DrillReport): string {
  const { verdict, reasons, expected, asExpected, identity, host } = report;
  const lines = ["", report.title];
  lines.push(`verdict: ${verdict} (the drill expects ${expected}${asExpected ? "" : ": NOT MET"})`);
  lines.push(...cut(reasons, SHOWN.reasons, "reasons").map((reason) => `  because: ${reason}`));
  const missed = rollbackSentence(report);
  if (missed !== undefined) lines.push(`  note: ${missed}`);
  const comparison = comparisonTable(report);
  const rows = comparison.rows.filter(([name]) => SHOWN_ROWS.includes(name));
  const heads = comparison.heads.slice(0, 4);
  lines.push("", ...aligned({ heads, rows: rows.map((row) => row.slice(0, 4)) }));
  const steps = stepsSentence(report);
  if (steps !== undefined) lines.push(`  ${steps}`);
  lines.push("", ...dipChart(report).map((line) => `  ${line}`), `  ${dipSentence(report)}`);
  const clocks = clockWords(report.clocks);
  if (clocks.length > 0) lines.push(`  ${clocks.join(", ")}`);
  const [delayed, ...others] = reachSentences(report);
  lines.push(`  ${delayed}`, ...(others.length === 0 ? [] : [`  ${others.join("; ")}`]));
  lines.push(...bestDiagnosis(report).map((line) => `  ${line}`));
  const blame = attributionTable(report, true);
  if (blame.rows.length > 0) {
    const shown = { heads: blame.heads, rows: blame.rows.slice(0, SHOWN.faults) };
    lines.push("", ...aligned(shown));
    const hidden = blame.rows.length - SHOWN.faults;
    if (hidden > 0) lines.push(`  and ${hidden} more faults in report.md`);
  }
  lines.push(`  ${balanceSentence(report)}`);
  lines.push(...cut(hostFaultLines(report), SHOWN.real, "real faults").map((line) => `  ${line}`));
  if (report.advice.length > 0) {
    lines.push("", "  What to change");
    for (const { change, because } of report.advice.slice(0, SHOWN.advice)) {
      lines.push(`  - ${change}`, `    ${because}`);
    }
  }
  lines.push("", `  digest ${identity.digest}, seed ${identity.seed}, ${wallOf(host)}`);
  lines.push(`  ${identity.runDir}`);
  return `${lines.join("\n")}\n`;
}

function wallOf(host: DrillReport["host"]): string {
  const { wallSeconds, twinSeconds, chainSeconds } = host;
  const others = twinSeconds + chainSeconds;
  return `${wallSeconds.toFixed(1)} s of wall time, ${others.toFixed(1)} s of it for comparisons`;
}

/** The best of what responders of a blind drill named, the first of equals. */
function bestDiagnosis(report: DrillReport): string[] {
  const { diagnoses = [] } = report;
  const sentences = diagnosisSentences(report);
  if (sentences.length < 2) return sentences;
  const places = diagnoses.map(({ grade }) => GRADES.indexOf(grade));
  const best = places.indexOf(Math.min(...places));
  return [`${sentences[best]}; attempt ${best + 1} of ${sentences.length}`];
}

/** The first `most`, then how many more there are. */
function cut(lines: readonly string[], most: number, what: string): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more ${what} in report.md`];
}

/** A table in columns: the first `left` of them to the left, the others to the right. */
export function aligned({ heads, rows }: TextTable, left = 1): string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column].length)),
  );
  return [heads, ...rows].map((row) => {
    const cells = row.map((text, column) =>
      column < left ? text.padEnd(widths[column]) : text.padStart(widths[column]),
    );
    return `  ${cells.join("  ")}`.trimEnd();
  });
}

/** The report as Markdown; what would disturb a terminal or an editor is spelt out. */
export function drillMarkdown(report: DrillReport): string {
  const { identity, host, record } = report;
  const lines = [`# ${report.title}`, ""];
  if (report.description !== "") lines.push(...report.description.trim().split("\n"), "");
  lines.push(`Verdict: **${report.verdict}** (the drill expects ${report.expected})`, "");
  for (const reason of report.reasons) lines.push(`- ${reason}`);
  const missed = rollbackSentence(report);
  if (missed !== undefined) lines.push("", `${capital(missed)}.`);
  lines.push("", "## The faulted run beside its healthy twin", "");
  lines.push("Same scenario, same seed, no faults.", "", ...markdown(comparisonTable(report)));
  const steps = stepsSentence(report);
  if (steps !== undefined) lines.push("", `${capital(steps)}.`);
  lines.push(
    "",
    "## The dip",
    "",
    "```",
    ...dipChart(report),
    "```",
    "",
    `${dipSentence(report)}.`,
  );
  lines.push(
    "",
    "Throughput is assignments combined per slice of virtual time, against the mean of",
  );
  lines.push("the healthy twin; `^` marks slices with a fault in force.");
  if (report.clocks.length > 0) {
    const rows = report.clocks.map(({ name, fault, spanPs, about }) => [
      fault === undefined ? name : `${name}: ${fault}`,
      spanPs === undefined ? "never" : formatTime(spanPs),
      about,
    ]);
    lines.push("", "## Clocks", "", ...markdown({ heads: ["", "virtual time", "meaning"], rows }));
  }
  if (report.hostFaults !== undefined) {
    lines.push("", "## Faults of both layers", "", ...markdown(layersTable(report)));
  }
  lines.push("", "## Blast radius", "", ...reachSentences(report).map((line) => `- ${line}`));
  lines.push("", "## Whose fault", "", ...markdown(attributionTable(report)), "");
  lines.push(`${balanceSentence(report)}.`, "", `${capital(methodSentence(report))}.`);
  for (const problem of report.attribution.problems) lines.push("", `**${problem}**`);
  const named = diagnosisSentences(report);
  if (named.length > 0) lines.push("", "## Who found it", "", ...named.map((line) => `- ${line}`));
  if (report.advice.length > 0) {
    lines.push("", "## What to change", "");
    for (const { change, because } of report.advice) lines.push(`- **${change}**: ${because}`);
  }
  lines.push("", "## Hypothesis", "", ...record.checks.flatMap(checkLines));
  lines.push("", "## Timeline", "", ...markdown(timelineTable(report)));
  lines.push("", "## This run", "", ...markdown(identityTable(report)), "");
  lines.push(`Run \`${identity.runId}\`, faultplane ${identity.faultplane}, ${wallOf(host)}.`);
  return `${lines.map(escapeControls).join("\n")}\n`;
}

function checkLines({ when, atPs, met, probes }: HypothesisCheck): string[] {
  const judged = probes.map((probe) => `  - ${probeSentence(probe)}`);
  return [`- ${when}, at ${formatTime(atPs)}: ${met ? "met" : "**not met**"}`, ...judged];
}

/** `tokens masked: 12 (tolerance 0): not met`. */
export function probeSentence({ name, value, unit, tolerance, met, why }: ProbeResult): string {
  const found = value === undefined ? (why ?? "nothing to measure") : `${figure(value)} ${unit}`;
  const judged = met === undefined ? "" : met ? ": met" : ": **not met**";
  const wanted =
    tolerance === undefined
      ? ""
      : tolerance.type === "exactly"
        ? ` (tolerance ${String(tolerance.value)})`
        : ` (tolerance ${figure(tolerance.least)} to ${figure(tolerance.most)})`;
  return `${name}: ${found.trim()}${wanted}${judged}`;
}

function figure(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15
    ? grouped(value)
    : String(Number(value.toPrecision(6)));
}

/** What happened, in order: by whom, and until when. */
export function timelineTable({ timeline }: DrillReport): TextTable {
  const rows = timeline.map(({ atPs, untilPs, by, text }) => [
    formatTime(atPs),
    untilPs === undefined ? "" : formatTime(untilPs),
    by,
    text,
  ]);
  return { heads: ["virtual time", "until", "by", "what"], rows };
}

/** Who and what the run was, and what the host saw. */
export function identityTable({ identity, host }: DrillReport): TextTable {
  const rows = [
    ["digest", identity.digest, "of every event of the drill, in order"],
    ["digest of the twin", identity.twinDigest, "of the healthy run"],
    ["seed", identity.seed, ""],
    ["scenario", identity.scenarioHash, "hash of what it resolved to"],
    ["placement", identity.placement, "the digest does not depend on it"],
    ["speed", String(identity.speed), "virtual seconds a wall second"],
    ["events", grouped(host.events), "counted"],
    ["wall time", `${host.wallSeconds.toFixed(2)} s`, "wall clock"],
    ["largest lag", `${host.lagSeconds.toFixed(3)} s`, "wall clock"],
    ["run folder", identity.runDir, ""],
  ];
  return { heads: ["", "", "source"], rows };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** A table in Markdown; a bar in a cell does not end it. */
function markdown({ heads, rows }: TextTable): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)];
}
