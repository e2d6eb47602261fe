/**
 * Sides of part (c): windows of a real run over worker processes. A run is stopped after a fixed number of
 * windows, so that starting and ending processes is not measured.
 */
import { performance } from "node:perf_hooks";
import { makeDevice } from "../../actors/catalogue.ts";
import { runCluster } from "../../cluster/run-cluster.ts";
import { processMains } from "../commands/package-files.ts";
import { windowScenario } from "./bench-scenarios.ts";
import { cpuSecondsOf, type SideFigures } from "./measure.ts";
import { makeRun } from "./one-process.ts";

/** Windows, or rounds of the barrier, that are measured, by the number of processes. */
export const MEASURED: Readonly<Record<number, number>> = { 2: 8000, 12: 3000, 40: 800 };

/** Windows before the first that is measured. */
export function warmUpOf(processes: number): number {
  return MEASURED[processes] >> 1;
}

/** Watches processes between two rounds: wall and CPU seconds of all of them. */
export class RoundClock {
  readonly #from: number;
  readonly #until: number;
  #pids: readonly number[] = [];
  #startMs = 0;
  #startCpu = 0;
  wallSeconds = 0;
  cpuSeconds = 0;

  constructor(processes: number) {
    this.#from = warmUpOf(processes);
    this.#until = this.#from + MEASURED[processes];
  }

  /** `pids` are the processes to watch, this one included. */
  watch(pids: readonly number[]): void {
    this.#pids = pids;
  }

  /** Says that a round is over; returns whether the last one to be measured was. */
  over(round: number): boolean {
    if (round === this.#from) {
      this.#startCpu = this.#cpuNow();
      this.#startMs = performance.now();
    } else if (round === this.#until) {
      this.wallSeconds = (performance.now() - this.#startMs) / 1000;
      this.cpuSeconds = this.#cpuNow() - this.#startCpu;
    }
    return round >= this.#until;
  }

  #cpuNow(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }
}

/** Times the windows of a run over `workers` processes. */
export async function runWindows(workers: number): Promise<SideFigures> {
  const scenario = windowScenario(workers);
  const clock = new RoundClock(workers);
  const stop = new AbortController();
  let events = 0;
  const outcome = await runCluster({
    scenario,
    runId: "bench-windows",
    ...processMains(),
    devices: makeDevice,
    stop: stop.signal,
    observer: {
      started: ({ pids }) => clock.watch([process.pid, ...pids]),
      committed: (window) => {
        if (window.window === warmUpOf(workers)) events = window.events;
        if (!clock.over(window.window) || stop.signal.aborted) return;
        events = window.events - events;
        stop.abort();
      },
    },
  });
  if (outcome.end !== "interrupted") throw new Error(`the run ended: ${outcome.end}`);
  return {
    rounds: MEASURED[workers],
    wallSeconds: clock.wallSeconds,
    cpuSeconds: clock.cpuSeconds,
    eventsPerRound: events / MEASURED[workers],
  };
}

/** Mean number of workers that take part in the windows that are measured; the same in every run. */
export function participantsOf(workers: number): number {
  const from = warmUpOf(workers);
  let sum = 0;
  makeRun(windowScenario(workers), {
    committed: ({ window }, participants) => {
      if (window > from) sum += participants;
      return window < from + MEASURED[workers];
    },
  }).run();
  return sum / MEASURED[workers];
}
