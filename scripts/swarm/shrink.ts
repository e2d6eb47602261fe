/**
 * Makes a failing seed's case smaller: leaves faults and orders out one by one, then puts parts of
 * the fleet back to something plain, as long as the same check fails.
 */
import { checkSeed, type MakeDevices, type SeedAnswer, type SeedQuestion } from "./check-seed.ts";
import { PLAIN } from "./swarm-case.ts";

/** The smallest case found, and what fails in it. */
export interface Shrunk {
  readonly question: SeedQuestion;
  readonly answer: SeedAnswer;
  /** Runs of the case that it took. */
  readonly tries: number;
}

/** After this long no more cases are tried: the smallest one so far is good enough, wall ms. */
const SHRINK_MS = 60_000;

/** Tries until nothing more can be left out, or for `triesMax` cases, or for a minute. */
export function shrink(
  question: SeedQuestion,
  answer: SeedAnswer,
  makeDevices: MakeDevices | undefined,
  triesMax = 80,
): Shrunk {
  const checks = new Set(answer.problems.map(({ check }) => check));
  let best: Shrunk = { question: { ...question, only: answer.names }, answer, tries: 0 };
  let tries = 0;
  const latestMs = performance.now() + SHRINK_MS;
  const accept = (smaller: SeedQuestion): boolean => {
    if (tries >= triesMax || performance.now() > latestMs) return false;
    tries += 1;
    const found = checkSeed(smaller, makeDevices).answer;
    if (!found.problems.some(({ check }) => checks.has(check))) return false;
    best = { question: smaller, answer: found, tries };
    return true;
  };
  const without = (name: string): SeedQuestion => ({
    ...best.question,
    only: (best.question.only ?? []).filter((other) => other !== name),
  });
  for (let before = -1; before !== best.question.only?.length; ) {
    before = best.question.only?.length ?? 0;
    for (const name of best.question.only ?? []) accept(without(name));
  }
  for (const name of Object.keys(PLAIN)) {
    accept({ ...best.question, plain: [...(best.question.plain ?? []), name] });
  }
  return { ...best, tries };
}
