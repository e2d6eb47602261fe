/**
 * What a pack of drills came to, in every form that it is told in: lines while it goes on, one
 * table, JSON, and JUnit XML. Pure.
 */
import type { DrillReport } from "../../src/drill/drill-report.ts";
import { balanceSentence, lengthWords } from "../../src/drill/drill-tables.ts";
import { aligned } from "../../src/drill/drill-text.ts";
import { type JunitCase, junitXml } from "../../src/drill/junit.ts";
import { formatTime } from "../../src/model/time.ts";

/** How one file of the folder went. */
export interface SuiteRow {
  readonly file: string;
  readonly seconds: number;
  /** Missing: it could not be run, and `errors` says why. */
  readonly report?: DrillReport;
  readonly errors: readonly string[];
}

/** `drill-01-rank-killed.yaml` without its ending. */
export function stemOf(file: string): string {
  return file.replace(/\.[^.]*$/, "");
}

/** A row as a line. */
export function wordsOf({ file, report, errors, seconds }: SuiteRow): string {
  const wall = `${seconds.toFixed(1)} s`;
  if (report === undefined) return `${file}: could not be run: ${errors[0]}`;
  const { verdict, expected, asExpected } = report;
  return `${file}: ${verdict}${asExpected ? ", as expected" : `, expected ${expected}`} (${wall})`;
}

/** The number that says most about a drill. */
export function mainNumber(report: DrillReport): string {
  const { assignments, attribution } = report;
  const { masked, lost } = assignments;
  if (masked + lost > 0) return `${masked} masked, ${lost} lost`;
  const wrong = attribution.shares.reduce((sum, { corrupted }) => sum + corrupted, 0);
  if (wrong > 0) return `${wrong} wrong unseen`;
  return lengthWords(report);
}

/** Columns of words, and the digest. */
const LEFT_COLUMNS = 5;

/** The table, and below it what did not go as it should. */
export function tableText(
  rows: readonly SuiteRow[],
  met: number,
  drills: number,
  unfinished: number,
): string {
  const heads = [
    "drill",
    "expected",
    "verdict",
    "as expected",
    "digest",
    "virtual time",
    "wall",
    "main number",
  ];
  const cells = rows.map(({ file, report, seconds }) => {
    const wall = `${seconds.toFixed(1)} s`;
    if (report === undefined) return [stemOf(file), "", "error", "no", "", "", wall, ""];
    return [
      stemOf(file),
      report.expected,
      report.verdict,
      report.asExpected ? "yes" : "NO",
      report.identity.digest,
      formatTime(report.record.endPs),
      wall,
      mainNumber(report),
    ];
  });
  const lines = ["", ...aligned({ heads, rows: cells }, LEFT_COLUMNS), ""];
  lines.push(`${met} of ${drills} drills ended as their files expect`);
  if (unfinished > 0) lines.push(`${unfinished} drills were not run: stopped`);
  for (const { file, report, errors } of rows) {
    if (report === undefined) lines.push("", `${file} could not be run:`, ...errors);
    else if (!report.asExpected) {
      lines.push("", `${file}: ${report.verdict}, expected ${report.expected}`);
      lines.push(...report.reasons.map((reason) => `  because: ${reason}`));
      lines.push(`  ${report.identity.runDir}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** A row as JSON has it. */
export function jsonOf({ file, report, errors, seconds }: SuiteRow): unknown {
  if (report === undefined) return { file, errors, wallSeconds: seconds };
  const { title, expected, verdict, asExpected, reasons, identity, record, assignments } = report;
  const { digest, runDir } = identity;
  return {
    file,
    title,
    expected,
    verdict,
    asExpected,
    reasons,
    digest,
    runDir,
    virtualTimePs: record.endPs,
    wallSeconds: seconds,
    assignments,
  };
}

/** The pack as JUnit XML; `notRun`: files of the folder whose turn never came. */
export function junitOf(
  folder: string,
  rows: readonly SuiteRow[],
  notRun: readonly string[],
): string {
  const cases = rows.map(({ file, report, errors, seconds }): JunitCase => {
    const name = stemOf(file);
    if (report === undefined) return { name, seconds, error: errors, output: [] };
    const { verdict, expected, asExpected, reasons, identity } = report;
    const found = `verdict ${verdict}, expected ${expected}`;
    return {
      name,
      seconds,
      ...(asExpected ? {} : { failure: [found, ...reasons] }),
      output: [report.title, found, `digest ${identity.digest}`, balanceSentence(report)],
    };
  });
  const skipped = notRun.map(
    (file): JunitCase => ({
      name: stemOf(file),
      seconds: 0,
      skipped: "the suite was stopped before this drill was done",
      output: [],
    }),
  );
  return junitXml(folder, [...cases, ...skipped]);
}
