/**
 * What a run folder holds of its run, for those who run it again: its journal and what its scenario
 * resolved to, which belong together or are refused.
 */
import { join } from "node:path";
import { OperatingError } from "../../cluster/errors.ts";
import { type Journal, readJournal } from "../../cluster/journal.ts";
import { type Resolved, RunFile, readResolved } from "../../cluster/run-folder.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { Exit } from "./exit-codes.ts";

/** The record of a run. */
export interface RunRecord {
  readonly journal: Journal;
  readonly resolved: Resolved;
}

/**
 * Reads the record in a run folder. Throws OperatingError E001, E050, E051, and E052 when the
 * journal is that of another scenario.
 */
export function readRecord(folder: string): RunRecord {
  const journal = readJournal(join(folder, RunFile.journal));
  const resolved = readResolved(folder);
  const actualHash = hashOf(resolved.scenario);
  const expected = journal.header.scenarioHash;
  if (resolved.scenarioHash !== expected || actualHash !== expected) {
    throw new OperatingError(
      "E052",
      `log is for scenario ${expected}, ${RunFile.resolved} is ${actualHash}`,
      "the files of the run folder do not belong together",
      Exit.badData,
    );
  }
  return { journal, resolved };
}

/** Hash of what was stored; a file that was edited may be no scenario at all. */
function hashOf(scenario: Scenario): string {
  try {
    return scenarioHash(scenario);
  } catch {
    return "unreadable";
  }
}
