/**
 * Run folders made in the test's own process: a run of one process recorded as the command does it,
 * or taken up again, and looked at while it is under way.
 */
import { cpSync } from "node:fs";
import { makeDevice } from "../../actors/catalogue.ts";
import { type Journal, makeHeader } from "../../cluster/journal.ts";
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { formatResolved, planReopen, RunFile, RunFolder } from "../../cluster/run-folder.ts";
import type { RunWatcher } from "../../cluster/run-watcher.ts";
import { processMains } from "../../scripts/commands/package-files.ts";
import { RunRecorder } from "../../scripts/commands/run-recorder.ts";
import { Terminal } from "../../scripts/terminal/terminal.ts";
import type { Director, Orders } from "../../src/model/director.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

/** One for all: each listens to the process's own streams. */
const terminal = new Terminal(false);

/** How a run is recorded. */
export interface RecordOptions {
  readonly director?: Director;
  /** The journal of the folder's run, which is taken up again. */
  readonly resume?: Journal;
  /** Called when a window is written: how many windows there were. */
  readonly written?: (windows: number, recorder: RunRecorder) => void;
  /** Look on. */
  readonly watchers?: readonly RunWatcher[];
}

/** Runs `scenario` in this process and records it in the folder `path`. Throws as the run does. */
export async function recordRun(
  scenario: Scenario,
  path: string,
  { director, resume, written, watchers = [] }: RecordOptions = {},
): Promise<RunOutcome> {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const hash = scenarioHash(scenario);
  const folder = new RunFolder(resume === undefined ? { path, replace: false } : planReopen(path));
  if (resume === undefined)
    folder.write(RunFile.resolved, formatResolved({ scenario, scenarioHash: hash }));
  const { seed, placement, speed } = scenario.run;
  const recorder = new RunRecorder({
    folder,
    header: makeHeader({
      faultplane: "test",
      runId: "recorded",
      seed,
      scenarioHash: hash,
      node: process.versions.node,
      placement,
      speed,
    }),
    scenario,
    topology,
    terminal,
    loudness: "quiet",
    watchers,
    ...(resume === undefined ? {} : { resume }),
  });
  try {
    const outcome = await runCluster({
      scenario,
      runId: "recorded",
      ...processMains(),
      devices: makeDevice,
      observer: {
        started: () => undefined,
        committed: (window, status) => {
          recorder.committed(window, status);
          written?.(recorder.commits, recorder);
        },
        ordered: (orders) => recorder.ordered(orders.map(byHost)),
      },
      stop: new AbortController().signal,
      ...(director === undefined ? {} : { director }),
    });
    recorder.end(outcome);
    return outcome;
  } finally {
    recorder.close();
    folder.release();
  }
}

/** Actors are lost by hosts: a director that loses some stands in for one. */
function byHost(order: JournalOrder): JournalOrder {
  return order.record === "fault" && order.kind === "actors-lost"
    ? { ...order, by: "host" }
    : order;
}

/** What kill -9 would leave of the run in `path` at this moment, as the folder `copy`. */
export function snapshot(path: string, copy: string): void {
  cpSync(path, copy, { recursive: true, filter: (name) => !/lock-\d+-.*\.json/.test(name) });
}

/** A director with one batch of orders for each instant. */
export function directorOf(plan: readonly (readonly [atPs: number, orders: Orders])[]): Director {
  const left = [...plan];
  return {
    get nextPs() {
      return left[0]?.[0] ?? NEVER_PS;
    },
    take: () => undefined,
    at: () => left.shift()?.[1] ?? { faults: [], heals: [] },
  };
}
