/** Validation rows as text for people, as Markdown and as JSON. */
import { isMissed, type ValidationRow, type ValidationSummary } from "./row.ts";

/** Largest median and worst error, percent, at which the command passes. */
export const MEDIAN_BAR_PERCENT = 3;
export const WORST_BAR_PERCENT = 12;

/** Do the exact rows agree, and the others stay within the bars? */
export function passes(summary: ValidationSummary): boolean {
  return (
    summary.exactFailed === 0 &&
    summary.medianErrorPercent <= MEDIAN_BAR_PERCENT &&
    summary.worstErrorPercent <= WORST_BAR_PERCENT
  );
}

const HEAD = ["row", "published", "emulated", "error", "", "source"] as const;

function cellsOf(row: ValidationRow): string[] {
  if (row.unit === "yes") {
    const answer = row.emulated === row.published ? "yes" : "no";
    return [row.name, "yes", answer, "", markOf(row), row.source];
  }
  const unit = row.unit === "" ? "" : ` ${row.unit}`;
  return [
    row.name,
    `${figure(row.published)}${unit}`,
    `${row.role === "exact" ? figure(row.emulated) : rounded(row)}${unit}`,
    row.role === "exact"
      ? ""
      : `${row.errorPercent >= 0 ? "+" : ""}${row.errorPercent.toFixed(1)} %`,
    markOf(row),
    row.source,
  ];
}

function markOf(row: ValidationRow): string {
  if (isMissed(row)) return "MISSED";
  if (row.role === "calibration") return "calibrated";
  return row.role === "exact" ? "exact" : "";
}

/** A published figure as it was printed. */
function figure(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** An emulated figure with one digit more than the published one. */
function rounded({ published, emulated, unit }: ValidationRow): string {
  // A ratio is published as 1: equal.
  const digits =
    unit === "" && published === 1 ? 2 : (String(published).split(".")[1] ?? "").length;
  return emulated.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits + 1, 3),
    maximumFractionDigits: Math.min(digits + 1, 3),
  });
}

function groupsOf(rows: readonly ValidationRow[]): Map<string, ValidationRow[]> {
  const groups = new Map<string, ValidationRow[]>();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return groups;
}

/** The rows by group, in columns. */
export function textLines(rows: readonly ValidationRow[]): string[] {
  const cells = rows.map(cellsOf);
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column].length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 || column > 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd();
  const lines = [line(HEAD)];
  for (const [, members] of groupsOf(rows)) {
    lines.push("", ...members.map((row) => line(cellsOf(row))));
  }
  return lines;
}

/** The rows as Markdown tables, one a group. */
export function markdownLines(rows: readonly ValidationRow[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [...groupsOf(rows)].flatMap(([group, members]) => [
    `### ${group}`,
    "",
    line(HEAD),
    "| --- | ---: | ---: | ---: | --- | --- |",
    ...members.map((row) => line(cellsOf(row))),
    "",
  ]);
}

/** The last line. */
export function summaryLine(summary: ValidationSummary): string {
  const { medianErrorPercent, worstErrorPercent, worstRow, rowsCompared, exactFailed } = summary;
  const exact = exactFailed === 0 ? "all closed forms exact" : `${exactFailed} closed forms WRONG`;
  return (
    `${passes(summary) ? "PASS" : "FAIL"}: ${rowsCompared} low-latency and normal rows, median ` +
    `error ${medianErrorPercent.toFixed(1)} %, worst ${worstErrorPercent.toFixed(1)} % ` +
    `(${worstRow}); ${exact}; ${summary.missed} rows missed`
  );
}
