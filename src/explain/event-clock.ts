/** Which event of a watched run is being handled: what is done in it has it as its cause. */
import { NO_ROW } from "./row-store.ts";

/** How an actor came to act. */
export type EventKind = "start" | "delivery" | "reminder" | "faults";

/** The numbers that stand for them in rows. */
export const EVENT_KINDS: readonly EventKind[] = ["start", "delivery", "reminder", "faults"];

export class EventClock {
  /** Counts the events that were watched. */
  number = 0;
  kind: EventKind = "start";
  /** The hop whose message is being delivered; NO_ROW: none is, or it is not known. */
  hop = NO_ROW;

  begin(kind: EventKind, hop = NO_ROW): void {
    this.number += 1;
    this.kind = kind;
    this.hop = hop;
  }
}
