/** Threads that answer seeds, one a core; a seed that takes too long is a failure. */
import { Worker } from "node:worker_threads";
import type { SeedQuestion } from "./check-seed.ts";
import type { ThreadAnswer, ThreadQuestion } from "./seed-runner-main.ts";

/** Longest time for one seed, its shrinking included, wall ms. */
const SEED_MS = 120_000;

export interface PoolOptions {
  readonly threads: number;
  /** The next question; undefined: there is none left. */
  readonly next: () => ThreadQuestion | undefined;
  readonly answered: (answer: ThreadAnswer, question: SeedQuestion) => void;
}

/** Asks until there are no questions left, then ends all threads. */
export async function askAll(options: PoolOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.threads }, () => runThread(options)));
}

async function runThread({ next, answered }: PoolOptions): Promise<void> {
  const url = new URL("./seed-runner-main.js", import.meta.url);
  let thread = new Worker(url);
  for (;;) {
    const asked = next();
    if (asked === undefined) break;
    const answer = await ask(thread, asked);
    if (answer !== undefined) answered(answer, asked.question);
    else {
      await thread.terminate();
      thread = new Worker(url);
      answered(lateAnswer(asked.question.seed), asked.question);
    }
  }
  await thread.terminate();
}

/** The thread's answer; undefined when it is late or the thread has ended. */
function ask(thread: Worker, question: ThreadQuestion): Promise<ThreadAnswer | undefined> {
  return new Promise((resolve) => {
    const settle = (answer: ThreadAnswer | undefined): void => {
      clearTimeout(timer);
      thread.off("message", settle).off("error", giveUp).off("exit", giveUp);
      resolve(answer);
    };
    const giveUp = (): void => settle(undefined);
    const timer = setTimeout(giveUp, SEED_MS);
    thread.on("message", settle).on("error", giveUp).on("exit", giveUp);
    thread.postMessage(question);
  });
}

function lateAnswer(seed: number): ThreadAnswer {
  const detail = `no answer in ${SEED_MS / 1_000} s, or the thread ended`;
  return {
    answer: {
      ...{ seed, hash: "unknown", problems: [{ check: "timeout", detail }], vacuous: [] },
      ...{ effects: [], sometimes: [], names: [], faultsBegun: 0, events: 0 },
    },
  };
}
