/**
 * Something that goes on in rounds, stopped and let go in turns: after its warm-up it stands still,
 * and runs a given number of rounds each time it is told to. Says what a turn took, wall and CPU
 * seconds of all its processes.
 */
import { performance } from "node:perf_hooks";
import { cpuSecondsOf, type Duration } from "./measure.ts";

export class Turns {
  /** Resolves when the warm-up is over. */
  readonly warm: Promise<void>;
  #left: number;
  #pids: readonly number[] = [];
  #reached: () => void = () => undefined;
  #resume: () => void = () => undefined;
  #endMs = 0;
  #endCpu = 0;

  constructor(warmUp: number) {
    this.#left = warmUp;
    this.warm = new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  /** The processes whose CPU time counts. */
  watch(pids: readonly number[]): void {
    this.#pids = pids;
  }

  /** A round is over. The next may begin at once, or when the promise resolves. */
  over(): Promise<void> | undefined {
    this.#left -= 1;
    if (this.#left > 0) return undefined;
    this.#endMs = performance.now();
    this.#endCpu = this.#cpuNow();
    this.#reached();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /** Runs some rounds and stands still again. */
  async take(rounds: number): Promise<Duration> {
    const reached = new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    this.#left = rounds;
    const startCpu = this.#cpuNow();
    const startMs = performance.now();
    this.#resume();
    await reached;
    const wallSeconds = (this.#endMs - startMs) / 1000;
    return { wallSeconds, cpuSeconds: this.#endCpu - startCpu };
  }

  /** Lets it go on, to its end. */
  release(): void {
    this.#left = Number.POSITIVE_INFINITY;
    this.#resume();
  }

  #cpuNow(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }
}
