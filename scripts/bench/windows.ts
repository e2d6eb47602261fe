/**
 * Part (c): windows of a real run over worker processes against a bare barrier of as many. Both are
 * started and warmed up once and then take turns, one standing still while the other runs, so that
 * neither starting processes nor optimising code is measured.
 */

import { makeDevice } from "../../actors/catalogue.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { makeLocalRun } from "../../src/engine/local-run.ts";
import { processMains } from "../commands/package-files.ts";
import { windowScenario } from "./bench-scenarios.ts";
import { type Duration, median, type SideFigures } from "./measure.ts";
import { Turns } from "./turns.ts";
import { startBarrier } from "./websocket-barrier.ts";

/** How much is run, in windows or rounds of the barrier. */
interface Amount {
  /**
   * Before the first that is measured: V8 takes thousands of windows to optimise what a window
   * runs.
   */
  readonly warmUp: number;
  /** In one turn. */
  readonly turn: number;
}

/** By the number of processes. */
export const AMOUNTS: Readonly<Record<number, Amount>> = {
  2: { warmUp: 20_000, turn: 8_000 },
  12: { warmUp: 10_000, turn: 3_000 },
  40: { warmUp: 9_000, turn: 1_000 },
};

/**
 * Lets a run over `workers` processes and a barrier of as many take turns; medians over the turns.
 */
export async function compareWindows(workers: number, rounds: number): Promise<SideFigures> {
  const { warmUp, turn } = AMOUNTS[workers];
  const run = new Turns(warmUp);
  const barrier = new Turns(warmUp);
  const stop = new AbortController();
  let events = 0;
  const ended = runToStop(workers, run, stop.signal, (handled) => {
    events = handled;
  });
  await Promise.race([run.warm, ended.then(unexpectedEnd)]);
  const warmEvents = events;
  const members = startBarrier(workers, barrier);
  await Promise.race([barrier.warm, members.failed]);
  const ours: Duration[] = [];
  const theirs: Duration[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await run.take(turn));
    theirs.push(await barrier.take(turn));
  }
  const eventsPerWindow = (events - warmEvents) / (rounds * turn);
  members.end();
  stop.abort();
  run.release();
  await ended;
  return {
    eventsPerWindow,
    windowsPerSecond: turn / median(ours.map((duration) => duration.wallSeconds)),
    barrierPerSecond: turn / median(theirs.map((duration) => duration.wallSeconds)),
    windowCpuSeconds: median(ours.map((duration) => duration.cpuSeconds)) / turn,
    barrierCpuSeconds: median(theirs.map((duration) => duration.cpuSeconds)) / turn,
    participants: participantsOf(workers, rounds * turn),
  };
}

function runToStop(
  workers: number,
  turns: Turns,
  stop: AbortSignal,
  handled: (events: number) => void,
): Promise<RunOutcome> {
  return runCluster({
    scenario: windowScenario(workers),
    runId: "bench-windows",
    ...processMains(),
    devices: makeDevice,
    stop,
    observer: {
      started: ({ pids }) => turns.watch([process.pid, ...pids]),
      committed: (window) => {
        handled(window.events);
        return turns.over();
      },
    },
  });
}

function unexpectedEnd(outcome: RunOutcome): never {
  throw new Error(`the run ended: ${outcome.end} ${outcome.detail ?? ""}`);
}

/**
 * Mean number of workers that take part in the windows that are measured; the same in every run.
 */
function participantsOf(workers: number, windows: number): number {
  const { warmUp } = AMOUNTS[workers];
  let sum = 0;
  makeLocalRun(windowScenario(workers), {
    devices: makeDevice,
    committed: ({ window }, participants) => {
      if (window >= warmUp) sum += participants;
      return window + 1 < warmUp + windows;
    },
  }).run();
  return sum / windows;
}
