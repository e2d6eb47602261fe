/**
 * Onsets and ends of faults in order: time, then the fault's place in the list, ends before onsets.
 */

import { NEVER_PS } from "../model/time.ts";
import type { FaultEvent } from "./fault-table.ts";

export class FaultSchedule {
  /** Instant of the first entry; NEVER_PS when there is none. */
  headPs = NEVER_PS;
  readonly #events: FaultEvent[] = [];

  add(event: FaultEvent): void {
    this.#events.push(event);
    this.#events.sort(
      (left, right) =>
        left.atPs - right.atPs ||
        Number(left.began) - Number(right.began) ||
        left.fault - right.fault,
    );
    this.#publish();
  }

  /** Removes the first entry; there must be one. */
  pop(): FaultEvent {
    const event = this.#events.shift() as FaultEvent;
    this.#publish();
    return event;
  }

  #publish(): void {
    this.headPs = this.#events[0]?.atPs ?? NEVER_PS;
  }
}
