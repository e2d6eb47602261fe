/**
 * What faults will do when, in order: time, then ends before levels before onsets, then the fault's
 * place in the list.
 */

import { NEVER_PS } from "../model/time.ts";

/** Onset of a fault, a later level of it, or its end; `permille` is 0 at the end. */
export interface FaultEvent {
  readonly atPs: number;
  readonly fault: number;
  readonly type: "end" | "level" | "onset";
  readonly permille: number;
}

const RANK = { end: 0, level: 1, onset: 2 } as const;

export class FaultSchedule {
  /** Instant of the first entry; NEVER_PS when there is none. */
  headPs = NEVER_PS;
  #events: FaultEvent[] = [];

  add(event: FaultEvent): void {
    this.#events.push(event);
    this.#events.sort(
      (left, right) =>
        left.atPs - right.atPs || RANK[left.type] - RANK[right.type] || left.fault - right.fault,
    );
    this.#publish();
  }

  /** Removes the first entry; there must be one. */
  pop(): FaultEvent {
    const event = this.#events.shift() as FaultEvent;
    this.#publish();
    return event;
  }

  /** Removes all that is to come of a fault. */
  forget(fault: number): void {
    this.#events = this.#events.filter((event) => event.fault !== fault);
    this.#publish();
  }

  #publish(): void {
    this.headPs = this.#events[0]?.atPs ?? NEVER_PS;
  }
}
