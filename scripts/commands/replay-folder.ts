/**
 * What a replay does, without a terminal: reads a run folder, runs what it holds in this process,
 * and compares. It writes nothing and sends nothing; what it finds is returned or thrown.
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDevice } from "../../actors/catalogue.ts";
import { OperatingError, systemCodeOf } from "../../cluster/errors.ts";
import { EventLines } from "../../cluster/event-log.ts";
import { checkOrders, isOver, type Journal } from "../../cluster/journal.ts";
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf, HOST_EVENTS } from "../../cluster/journal-orders.ts";
import type { RunOptions } from "../../cluster/prepared-run.ts";
import { RecordedLines } from "../../cluster/recorded-lines.ts";
import { runCluster } from "../../cluster/run-cluster.ts";
import { type Resolved, RunFile } from "../../cluster/run-folder.ts";
import { holderOf } from "../../cluster/run-lock.ts";
import type { RunStatus } from "../../cluster/window-loop.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Exit } from "./exit-codes.ts";
import { shellWord } from "./next-steps.ts";
import { processMains } from "./package-files.ts";
import { readRecord } from "./read-record.ts";
import { linesToCompare, type Recorded, ReplayCheck } from "./replay-check.ts";

/** A run folder that was read and is fit to be replayed. Close its `events`. */
export interface RecordedFolder extends Recorded {
  /** As it was given. */
  readonly given: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** For people. */
  readonly notes: readonly string[];
  readonly unverified: Unverified;
  /** Whether the run goes on, and its record with it. */
  readonly isUp: boolean;
}

/** What of an event log is behind the last commit of a run that was cut off. */
export interface Unverified {
  /** Whole lines. */
  readonly lines: number;
  /** Of an incomplete last line. */
  readonly bytes: number;
}

/** A replay that is equal. */
export interface EqualReplay {
  readonly equal: true;
  /** Whether the record held the whole run. */
  readonly whole: boolean;
  /** Of the whole run, or of its last epoch; null when none was closed. */
  readonly digest: string | null;
  readonly facts: number;
  readonly epochs: number;
  readonly unverified: Unverified;
}

/**
 * Reads the run that `given` names, by its folder or by one of its files. Throws OperatingError
 * E001, E050, E051, E052 or E054.
 */
export function readFolder(given: string): RecordedFolder {
  const folder = folderOf(given);
  const { journal, resolved } = readRecord(folder);
  const { scenario } = resolved;
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  checkOrders(journal, scenario, topology);
  const events = new RecordedLines(join(folder, RunFile.events));
  const recorded = { journal, events, isWhole: isOver(journal.end?.end) };
  if (!recorded.isWhole && linesToCompare(recorded) === 0 && journal.epochs.length === 0) {
    events.close();
    const pid = holderOf(folder)?.pid;
    const [how, hint] =
      pid === undefined
        ? ["had committed nothing when it ended", "run the scenario again"]
        : [`is still up (process ${pid}), and has committed nothing yet`, "try again later"];
    const message = `nothing to compare: the run in '${given}' ${how}`;
    throw new OperatingError("E054", message, hint, Exit.badData);
  }
  const lines = Math.max(0, events.lines - linesToCompare(recorded));
  const unverified = { lines, bytes: recorded.isWhole ? 0 : events.tornBytes };
  const pid = holderOf(folder)?.pid;
  const notes = notesOn(pid, recorded);
  return {
    ...recorded,
    given,
    scenario,
    topology,
    notes,
    unverified,
    isUp: pid !== undefined,
  };
}

/** Title of the drill, or of the scenario. */
export function titleOf({ drill, scenario }: Resolved): string {
  const hasTitle = typeof drill === "object" && drill !== null && "title" in drill;
  return hasTitle && typeof drill.title === "string" ? drill.title : scenario.title;
}

/**
 * Runs it again and compares. Undefined when `stop` was aborted before it was through. Throws
 * OperatingError E053 at the first difference.
 */
export async function replayFolder(
  recorded: RecordedFolder,
  stop: AbortSignal,
  progress: (status: RunStatus, facts: number) => void,
): Promise<EqualReplay | undefined> {
  const { journal, isWhole, unverified } = recorded;
  const check = checkOf(recorded);
  const covered = new AbortController();
  const outcome = await runCluster({
    ...runAgain(recorded),
    devices: makeDevice,
    observer: {
      started: () => undefined,
      committed: (window, status) => {
        check.committed(window);
        if (check.isOver) covered.abort();
        progress(status, check.facts);
      },
    },
    stop: AbortSignal.any([stop, covered.signal]),
  });
  if (stop.aborted && !covered.signal.aborted) return undefined;
  check.ended(outcome);
  refuseDifference(recorded, check);
  const { facts, epochs } = check;
  const digest = isWhole ? outcome.digest : (journal.epochs.at(-1)?.digest ?? null);
  return { equal: true, whole: isWhole, digest, facts, epochs, unverified };
}

/** What runs a recorded run again in this process, with all that was done to it. */
export function runAgain({
  journal,
  scenario,
}: RecordedFolder): Omit<RunOptions, "devices" | "observer" | "stop"> {
  const director = makeJournalDirector(journal.orders);
  return {
    scenario: {
      ...scenario,
      faults: [...scenario.faults, ...faultsOf(journal.orders)],
      run: { ...scenario.run, placement: "single", speed: "max" },
    },
    runId: `replay-of-${journal.header.runId}`,
    ...processMains(),
    ...(director === undefined ? {} : { director }),
  };
}

/** Compares a run that is run again with its record. */
export function checkOf(recorded: RecordedFolder): ReplayCheck {
  return new ReplayCheck(recorded, new EventLines(recorded.topology.actors.map(({ id }) => id)));
}

/** Throws OperatingError E053 when a difference was found. */
export function refuseDifference({ scenario, given }: RecordedFolder, check: ReplayCheck): void {
  const { difference, facts, epochs } = check;
  if (difference === undefined) return;
  throw new OperatingError(
    "E053",
    `first difference: ${difference}`,
    `seed ${scenario.run.seed}; ${facts} facts and ${epochs} epochs before it are equal; ` +
      `again: faultplane replay ${shellWord(given)}`,
    Exit.internal,
  );
}

/** How far a run that was cut off is compared, in virtual time. */
export function committedTime(journal: Journal): string {
  return formatTime(journal.commit?.atPs ?? 0);
}

function notesOn(pid: number | undefined, { journal, events, isWhole }: Recorded): string[] {
  const notes: string[] = [];
  if (pid !== undefined) {
    const how = `the run is still up (process ${pid}), its record goes to ${committedTime(journal)}`;
    notes.push(`${how}: comparing up to there`);
  }
  const torn = (bytes: number, name: string): void => {
    if (bytes === 0) return;
    const upTo = `replaying to virtual time ${committedTime(journal)}`;
    notes.push(`last line incomplete (${bytes} bytes) in ${name}, ${upTo}`);
  };
  torn(journal.tornBytes, RunFile.journal);
  if (!isWhole) {
    torn(events.tornBytes, RunFile.events);
    const how = journal.end?.end ?? "cut off";
    if (pid === undefined) notes.push(`the run was ${how}: comparing what it had committed`);
  }
  const { hostRecords } = journal;
  if (hostRecords.length > 0) {
    const counts = HOST_EVENTS.flatMap((event) => {
      const count = hostRecords.filter((one) => one.event === event).length;
      return count === 0 ? [] : [`${event} ${count}`];
    });
    notes.push(`what happened to hosts is passed over: ${counts.join(", ")}`);
  }
  return notes;
}

/** The run folder that `given` names, by itself or by one of its files. */
function folderOf(given: string): string {
  try {
    return statSync(given).isDirectory() ? given : dirname(given);
  } catch (error) {
    const reason = systemCodeOf(error) === "ENOENT" ? "no such folder" : systemCodeOf(error);
    throw new OperatingError(
      "E001",
      `cannot read run folder '${given}': ${reason}`,
      "name a run folder, as the report of `faultplane run` prints it",
      Exit.noInput,
    );
  }
}
