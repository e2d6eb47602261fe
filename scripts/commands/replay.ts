/**
 * `faultplane replay`: runs a recorded run again in this process and compares every fact and
 * digest. It needs the run folder and nothing else, and writes nothing.
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDevice } from "../../actors/catalogue.ts";
import { OperatingError, systemCodeOf } from "../../cluster/errors.ts";
import { EventLines } from "../../cluster/event-log.ts";
import { checkOrders, readJournal } from "../../cluster/journal.ts";
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf } from "../../cluster/journal-orders.ts";
import { readWhole } from "../../cluster/read-file.ts";
import { runCluster } from "../../cluster/run-cluster.ts";
import { RunFile, readResolved } from "../../cluster/run-folder.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { shellWord } from "./next-steps.ts";
import { processMains } from "./package-files.ts";
import { type Recorded, ReplayCheck } from "./replay-check.ts";
import { StopSignals } from "./signals.ts";

/** Replays the run in `given`; returns the exit code. Throws OperatingError E001, E050..E054. */
export async function replayCommand(
  given: string,
  options: { readonly json?: true; readonly quiet?: true; readonly color: boolean },
): Promise<number> {
  const folder = folderOf(given);
  const recorded = readRecorded(folder);
  const { journal } = recorded;
  if (!recorded.isWhole && recorded.lines.length === 0 && journal.epochs.length === 0) {
    throw new OperatingError(
      "E054",
      `nothing to compare: the run in '${given}' had committed nothing when it ended`,
      "run the scenario again",
      Exit.badData,
    );
  }
  const { scenario, scenarioHash: hash } = readResolved(folder);
  const actualHash = hashOf(scenario);
  if (hash !== journal.header.scenarioHash || actualHash !== journal.header.scenarioHash) {
    throw new OperatingError(
      "E052",
      `log is for scenario ${journal.header.scenarioHash}, ${RunFile.resolved} is ${actualHash}`,
      "the files of the run folder do not belong together",
      Exit.badData,
    );
  }
  const terminal = new Terminal(options.color);
  runContext.seed = scenario.run.seed;
  runContext.runDir = folder;
  for (const note of recorded.notes) terminal.log(`note: ${note}`);

  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  checkOrders(journal, scenario, topology);
  const check = new ReplayCheck(recorded, new EventLines(topology.actors.map(({ id }) => id)));
  const covered = new AbortController();
  const signals = new StopSignals((text) => terminal.log(text));
  const director = makeJournalDirector(journal.orders);
  const outcome = await runCluster({
    scenario: {
      ...scenario,
      faults: [...scenario.faults, ...faultsOf(journal.orders)],
      run: { ...scenario.run, placement: "single", speed: "max" },
    },
    runId: `replay-of-${journal.header.runId}`,
    ...processMains(),
    devices: makeDevice,
    ...(director === undefined ? {} : { director }),
    observer: {
      started: () => undefined,
      committed: (window, status) => {
        check.committed(window);
        if (check.isOver) covered.abort();
        if (options.quiet !== true) {
          terminal.status(
            () => `replaying: ${formatTime(status.virtualTimePs)}, ${check.facts} facts equal`,
            status.wallSeconds * 1e3,
          );
        }
      },
    },
    stop: AbortSignal.any([signals.signal, covered.signal]),
  });
  terminal.endStatus();
  signals.close();
  if (signals.exitCode !== undefined && !covered.signal.aborted) return signals.exitCode;
  check.ended(outcome);
  const { difference, facts, epochs } = check;
  if (difference !== undefined) {
    throw new OperatingError(
      "E053",
      `first difference: ${difference}`,
      `seed ${scenario.run.seed}; ${facts} facts and ${epochs} epochs before it are equal; ` +
        `again: faultplane replay ${shellWord(given)}`,
      Exit.internal,
    );
  }
  const digest = recorded.isWhole ? outcome.digest : (journal.epochs.at(-1)?.digest ?? null);
  const digestText = digest === null ? "no epoch closed" : `digest ${digest}`;
  const counts = `${facts} facts, ${epochs} epochs`;
  const upTo = recorded.isWhole ? "" : `, up to ${formatTime(outcome.virtualTimePs)}`;
  await terminal.result(
    options.json === true
      ? `${JSON.stringify({ equal: true, whole: recorded.isWhole, digest, facts, epochs })}\n`
      : `replay equal: ${digestText} (${counts}${upTo})\n`,
  );
  return Exit.pass;
}

/** What the folder holds, with notes for people. */
function readRecorded(folder: string): Recorded & { readonly notes: readonly string[] } {
  const journal = readJournal(join(folder, RunFile.journal));
  const notes: string[] = [];
  const torn = (bytes: number, name: string): string =>
    `last line incomplete (${bytes} bytes) in ${name}, replaying to the line before`;
  if (journal.tornBytes > 0) notes.push(torn(journal.tornBytes, RunFile.journal));
  const lines = readText(join(folder, RunFile.events)).split("\n");
  const rest = lines.pop() ?? "";
  if (rest !== "") notes.push(torn(Buffer.byteLength(rest, "utf8"), RunFile.events));
  const end = journal.end?.end;
  const isWhole = end !== undefined && end !== "interrupted" && end !== "worker-lost";
  if (!isWhole) {
    notes.push(`the run was ${end ?? "cut off"}: comparing what it had committed`);
  }
  return { journal, lines, isWhole, notes };
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

function readText(path: string): string {
  const read = readWhole(path);
  if (read.ok) return Buffer.from(read.bytes).toString("utf8");
  throw new OperatingError(
    "E001",
    `cannot read '${path}': ${read.problem}`,
    "replay needs the whole run folder",
    Exit.noInput,
  );
}

/** Hash of what was stored; a file that was edited may be no scenario at all. */
function hashOf(scenario: Scenario): string {
  try {
    return scenarioHash(scenario);
  } catch {
    return "unreadable";
  }
}
