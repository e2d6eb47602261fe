/**
 * What is to come in a run, from what its workers reported last: the next event, the next fault,
 * how many GPUs are not done, and whether that is the end. Only arithmetic.
 */
import { NEVER_PS } from "../model/time.ts";
import type { GroupStates } from "../model/window.ts";

/** A worker's last report, as far as it is about what comes next. */
export interface ReportedState {
  /** Earliest instant at which it can have an event: its own, or one on its way to it, ps. */
  readonly nextPs: number;
  readonly faultPs: number;
  readonly finishedGpus: number;
  readonly hungGpus: number;
  readonly groups: GroupStates;
}

/** The next event and onset or end of a fault anywhere, ps, and GPUs that have not finished. */
export interface Outlook {
  readonly eventPs: number;
  readonly faultPs: number;
  readonly unfinished: number;
}

/**
 * `gpus`: of the whole run. `learnsFault`: it has learnt of one that no report knows of: those who
 * hang may not do so for good, as reports would say if they knew (a replay knows from the start).
 */
export function outlookOf(
  workers: readonly ReportedState[],
  gpus: number,
  learnsFault = false,
): Outlook {
  let eventPs = NEVER_PS;
  let faultPs = NEVER_PS;
  let unfinished = gpus;
  for (const state of workers) {
    if (state.nextPs < eventPs) eventPs = state.nextPs;
    if (state.faultPs < faultPs) faultPs = state.faultPs;
    unfinished -= state.finishedGpus;
    if (learnsFault) unfinished += state.hungGpus;
  }
  return { eventPs, faultPs, unfinished };
}

/**
 * Is every rank done, or out for good? What waits for longer than the run may last is as good as
 * never. `changePs`: when something may next bring ranks back, ps.
 */
export function isRunOver(
  workers: readonly ReportedState[],
  { eventPs, unfinished }: Outlook,
  { changePs, timeLimitPs }: { readonly changePs: number; readonly timeLimitPs: number },
): boolean {
  if (unfinished > 0 || eventPs < Math.min(timeLimitPs, NEVER_PS)) return false;
  if (changePs === NEVER_PS) return true;
  const done = new Set(workers.flatMap(({ groups }) => groups.done));
  return workers.every(({ groups }) => groups.paused.every((group) => done.has(group)));
}
