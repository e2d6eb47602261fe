/** How a run ended, as the page is told: by its journal, its report, and of a drill its grades. */
import { join } from "node:path";
import type { AttemptView, EndedView } from "../src/observe/view-api.ts";
import type { JournalEnd } from "./journal.ts";
import { readRunFile } from "./read-file.ts";
import { RunFile } from "./run-folder.ts";

/** Its process was killed: there is no verdict, and no report. */
export const CUT_OFF: EndedView = {
  ...{ verdict: "", end: "cut off", digest: "", attempts: [] },
  reasons: ["its process is gone; faultplane resume takes it up, faultplane report tells of it"],
};

/** Undefined: the report is not written yet, or is none that can be read. */
export function endedView(folder: string, { end, digest }: JournalEnd): EndedView | undefined {
  const report = fieldsOf(join(folder, RunFile.reportJson));
  if (typeof report?.verdict !== "string") return undefined;
  const { verdict, reasons } = report;
  return { verdict, reasons: textsOf(reasons), end, digest, attempts: attemptsOf(folder) };
}

/** The diagnoses of a blind drill; none: it is no drill, or was not blind. */
function attemptsOf(folder: string): AttemptView[] {
  const drill = fieldsOf(join(folder, RunFile.drillJournal))?.faultplane;
  if (typeof drill !== "object" || drill === null || !("diagnoses" in drill)) return [];
  const { diagnoses } = drill;
  if (!Array.isArray(diagnoses)) return [];
  return diagnoses.flatMap(({ kind, targets, atPs, grade }) => {
    const isOurs = typeof kind === "string" && typeof grade === "string" && atPs >= 0;
    return isOurs ? [{ kind, targets: textsOf(targets), atPs, grade }] : [];
  });
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function fieldsOf(path: string): Readonly<Record<string, unknown>> | undefined {
  const read = readRunFile(path);
  if (!read.ok) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(read.bytes).toString("utf8"));
    const isFields = typeof value === "object" && value !== null && !Array.isArray(value);
    return isFields ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
