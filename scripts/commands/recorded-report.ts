/**
 * The report of a run from its folder: the one that it made, with the pictures made again from its
 * event log; or, of a run that made none, what its event log tells.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeCutReport } from "../../cluster/cut-report.ts";
import { drillPage } from "../../cluster/drill-page.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { type Journal, readJournal } from "../../cluster/journal.ts";
import { readRunFile } from "../../cluster/read-file.ts";
import { recordedFacts } from "../../cluster/recorded-facts.ts";
import type { RunReport } from "../../cluster/report.ts";
import { ReportFacts } from "../../cluster/report-facts.ts";
import { RunFile, readResolved } from "../../cluster/run-folder.ts";
import { holderOf } from "../../cluster/run-lock.ts";
import { runPage } from "../../cluster/run-page.ts";
import type { ChaosJournal } from "../../src/drill/chaos-journal.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Exit } from "./exit-codes.ts";
import { pageCommands } from "./page-commands.ts";

/** A report that was made again. */
export interface RecordedReport {
  readonly report: RunReport;
  /** Of a drill that was judged. */
  readonly drill: ChaosJournal | undefined;
  /** Makes the HTML page. */
  page(): string;
}

/** Reads the run in `folder`. Throws OperatingError E001, E050 or E051. */
export function readReport(folder: string): RecordedReport {
  const journal = readJournal(join(folder, RunFile.journal));
  const { scenario, drill: ofDrill } = readResolved(folder);
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const watch = new ReportFacts(scenario, topology);
  for (const records of recordedFacts(join(folder, RunFile.events), topology)) watch.take(records);
  const own = ownReport(folder, journal);
  const drill = own === undefined ? undefined : ownDrill(folder);
  const report =
    own ??
    makeCutReport({
      ...{ scenario, journal, watch, runDir: resolve(folder) },
      title: titleOf(ofDrill) ?? scenario.title,
      why: whyNone(folder, journal, ofDrill !== undefined),
    });
  const commands = pageCommands(report.runDir, report.isCut === true);
  const input = { report, ...watch.forPage(), commands };
  const page = (): string =>
    drill === undefined ? runPage(input) : drillPage(drill.faultplane, input);
  return { report, drill, page };
}

/** The report that the run made of itself; undefined: none, or of an end that was not the last. */
function ownReport(folder: string, { end }: Journal): RunReport | undefined {
  const report = readJson(folder, RunFile.reportJson, "faultplane-report") as RunReport | undefined;
  return end !== undefined && report?.digest === end.digest ? report : undefined;
}

function ownDrill(folder: string): ChaosJournal | undefined {
  const path = RunFile.drillJournal;
  const journal = readJson(folder, path) as ChaosJournal | undefined;
  if (journal === undefined) return undefined;
  if (journal.faultplane?.format === "faultplane-drill") return journal;
  throw damaged(path);
}

/** Larger reports are none of ours, bytes. */
const REPORT_BYTES = 256 * 1024 * 1024;

/** A JSON file of the folder; undefined: there is none. */
function readJson(folder: string, name: string, format?: string): unknown {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  const read = readRunFile(path, REPORT_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(read.ok ? Buffer.from(read.bytes).toString("utf8") : "");
  } catch {
    throw damaged(name);
  }
  if (typeof value !== "object" || value === null) throw damaged(name);
  if (format !== undefined && Reflect.get(value, "format") !== format) throw damaged(name);
  return value;
}

function damaged(name: string): OperatingError {
  return new OperatingError(
    "E051",
    `${name} is not what a run wrote; it was altered or damaged`,
    "without it the report is made from the event log alone",
    Exit.badData,
  );
}

function titleOf(drill: unknown): string | undefined {
  const title =
    typeof drill === "object" && drill !== null ? Reflect.get(drill, "title") : undefined;
  return typeof title === "string" ? title : undefined;
}

/** Why a run has no report of its own. */
function whyNone(folder: string, { end }: Journal, isDrill: boolean): string {
  const what = isDrill ? "drill" : "run";
  const holder = holderOf(folder);
  if (holder !== undefined) return `the ${what} is still up (process ${holder.pid})`;
  if (end === undefined) return `the ${what} was cut off before its end: nobody judged it`;
  return `the ${what} ended (${end.end}) and made no report`;
}
