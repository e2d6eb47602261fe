/**
 * What a run waits for from its workers, and who of them can be blamed for waiting: a process that
 * is being rebuilt cannot, since that takes as long as it takes.
 */
import type { RunPhase } from "./member-rules.ts";
import type { WorkerSide } from "./worker-side.ts";

/** What is waited for, as a number that no other wait has, and whose it is. */
export interface Debts {
  readonly step: number;
  readonly debtors: readonly WorkerSide[];
}

/**
 * Who of those that are not there yet holds the others up: whoever owes something by itself, and
 * when there is nobody, those that have been rebuilt and wait for links. `peersOf`: how many peers
 * a worker has.
 */
export function whoHoldsUp(
  missing: readonly WorkerSide[],
  peersOf: (worker: WorkerSide) => number,
): readonly WorkerSide[] {
  const late = missing.filter(({ stage }) => stage === "starting" || stage === "linked");
  if (late.length > 0) return late;
  const isRebuilding = (worker: WorkerSide): boolean => {
    const peers = peersOf(worker);
    return worker.stage === "configured" && (peers === 0 || worker.handedOver.size < peers);
  };
  return missing.some(isRebuilding) ? [] : missing;
}

/** What a worker that holds the run up has not done, for people: `not said its totals`. */
export function whatIsOwed({ stage }: WorkerSide, phase: RunPhase): string {
  if (stage === "starting") return "not said where it listens";
  if (phase === "collecting") return "not said its totals";
  return stage === "linked" ? "not reported its window" : "not got its links to its peers";
}

/** Most workers that a sentence names. */
const NAMED_MAX = 3;

/** Workers, for people; `the run` when there are none. */
export function namesOf(workers: readonly WorkerSide[]): string {
  const names = workers.map(({ name, label, stage }) =>
    stage === "linked" ? name : `worker ${label}, which is being replaced,`,
  );
  const more = names.length - NAMED_MAX;
  if (more > 0) return `${names.slice(0, NAMED_MAX).join(", ")} and ${more} more`;
  return names.length > 0 ? names.join(" and ") : "the run";
}
