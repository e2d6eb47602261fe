/** When each activity of a list is due: the pauses before it, added up. Virtual time. */
import type { Activity } from "./drill.ts";

export interface MethodClock {
  /** By activity: instant at which it is due, ps. */
  readonly duePs: readonly number[];
  /** The last activity with the pause after it, ps. */
  readonly endPs: number;
  /** The first action, else the first activity, ps; undefined: there is none. */
  readonly beginsAtPs: number | undefined;
}

/** The clock of activities whose first pause begins at the beginning of the run. */
export function methodClock(activities: readonly Activity[]): MethodClock {
  const duePs: number[] = [];
  let nowPs = 0;
  for (const { pauseBeforePs, pauseAfterPs } of activities) {
    duePs.push(nowPs + pauseBeforePs);
    nowPs += pauseBeforePs + pauseAfterPs;
  }
  const first = activities.findIndex(({ type }) => type === "action");
  return { duePs, endPs: nowPs, beginsAtPs: duePs[Math.max(0, first)] };
}
