/**
 * A thread of the swarm: answers one seed after another. Threads, not processes: the work is pure
 * computation with plain data in and out, and each thread has a heap of its own.
 */
import { parentPort } from "node:worker_threads";
import { makeDevice } from "../../actors/catalogue.ts";
import { makeCanaryDevices } from "./canary.ts";
import { checkSeed, type SeedAnswer, type SeedQuestion } from "./check-seed.ts";
import { type Shrunk, shrink } from "./shrink.ts";

/** What a thread is asked. */
export interface ThreadQuestion {
  readonly question: SeedQuestion;
  readonly isCanary: boolean;
  /** Look for a smaller case of a failure? */
  readonly mayShrink: boolean;
}

/** What it answers. */
export interface ThreadAnswer {
  readonly answer: SeedAnswer;
  readonly shrunk?: Shrunk;
}

parentPort?.on("message", ({ question, isCanary, mayShrink }: ThreadQuestion) => {
  const makeDevices = isCanary ? makeCanaryDevices : () => makeDevice;
  const { answer } = checkSeed(question, makeDevices);
  const hasFailed = answer.problems.length > 0;
  const shrunk = hasFailed && mayShrink ? { shrunk: shrink(question, answer, makeDevices) } : {};
  parentPort?.postMessage({ answer, ...shrunk } satisfies ThreadAnswer);
});
