/**
 * What faults have taken away so far: dead actors and down lanes, brought up to date as virtual
 * time passes the onsets and ends of the schedule.
 */
import { violated } from "../base/assert.ts";
import { NO_FAULT } from "../model/fault.ts";
import { FaultSchedule } from "./fault-schedule.ts";
import type { FaultEvent, FaultTable } from "./fault-table.ts";
import { LaneFaults } from "./lane-faults.ts";

export class FaultState {
  readonly table: FaultTable;
  readonly lanes: LaneFaults;
  /** By actor: the fault that killed it; NO_FAULT while it lives. */
  readonly deadBy: Int32Array;
  /** Places of the faults that have begun, in order. */
  readonly begun: number[] = [];
  readonly #schedule = new FaultSchedule();

  constructor(table: FaultTable, actors: number, lanes: number) {
    this.table = table;
    this.lanes = new LaneFaults(lanes);
    this.deadBy = new Int32Array(actors).fill(NO_FAULT);
    table.faults.forEach((_, fault) => {
      this.schedule(table.eventsOf(fault), 0);
    });
  }

  /** Instant of the next onset or end; NEVER_PS when there is none. */
  get nextPs(): number {
    return this.#schedule.headPs;
  }

  /** Adds onsets and ends; none may be before the present. */
  schedule(events: readonly FaultEvent[], nowPs: number): void {
    for (const event of events) {
      if (event.atPs < nowPs) violated("fault-in-the-past", `${event.atPs} ps, now ${nowPs} ps`);
      this.#schedule.add(event);
    }
  }

  /** Carries out the next onset or end, and returns it. */
  applyNext(): FaultEvent {
    const event = this.#schedule.pop();
    this.table.nowPs = event.atPs;
    const { deadActors, downLanes } = this.table.faults[event.fault];
    if (event.began) this.begun.push(event.fault);
    for (const actor of deadActors) {
      if (event.began && this.deadBy[actor] === NO_FAULT) this.deadBy[actor] = event.fault;
    }
    for (const lane of downLanes) {
      if (event.began) this.lanes.begin(lane, event.fault, event.atPs);
      else this.lanes.end(lane, event.fault, event.atPs);
    }
    return event;
  }
}
