/** How a drill went, in Chaos Toolkit's words, from how its method and its run ended. */
import type { DrillStatus } from "./drill-record.ts";
import type { RunEnd } from "./run-end.ts";

/** What decides on the status. */
export interface DrillCourse {
  /** Why the method was cut short. */
  readonly cut: "deviated" | "failed" | "aborted" | undefined;
  readonly isPlanned: boolean;
  readonly deviated: boolean;
  /** Every activity of the method came. */
  readonly isDone: boolean;
}

/** Whether a run ended by its work or by the drill itself. */
export function isPlannedEnd({ end }: RunEnd, isStopped: boolean): boolean {
  return end === "finished" || (end === "stopped" && isStopped);
}

/** The status of a drill that is over. */
export function statusOf({ cut, isPlanned, deviated, isDone }: DrillCourse): DrillStatus {
  if (cut === "failed" || cut === "aborted") return cut;
  if (!isPlanned) return "interrupted";
  if (deviated) return "deviated";
  return isDone ? "completed" : "interrupted";
}
