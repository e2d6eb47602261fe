/**
 * Orders that have been written down and have not gone out to the workers yet, as the changes that
 * they are to a run.
 */
import type { Orders } from "../src/model/director.ts";
import type { FaultHeal, FaultSpec } from "../src/model/fault.ts";
import { NEVER_PS } from "../src/model/time.ts";
import { NO_CHANGES, type RunChanges } from "../src/model/window.ts";
import { faultsOf, healsOf, type JournalOrder } from "./journal-orders.ts";

/** What the next grants have to say. */
export class WaitingOrders {
  #faults: FaultSpec[] = [];
  #heals: FaultHeal[] = [];

  add(orders: readonly JournalOrder[]): void {
    for (const fault of faultsOf(orders)) this.#faults.push(fault);
    for (const heal of healsOf(orders)) this.#heals.push(heal);
  }

  /** When the first of them acts; NEVER_PS: there is none. */
  get firstPs(): number {
    if (this.#faults.length + this.#heals.length === 0) return NEVER_PS;
    const waiting = [...this.#faults, ...this.#heals];
    return waiting.reduce((first, { atPs }) => Math.min(first, atPs), NEVER_PS);
  }

  /** All of them, in the order in which they were added; none is left. */
  take(): RunChanges {
    if (this.#faults.length === 0 && this.#heals.length === 0) return NO_CHANGES;
    const changes = { faults: this.#faults, heals: this.#heals };
    this.#faults = [];
    this.#heals = [];
    return changes;
  }
}

/** A director's orders as the journal has them. */
export function journaled(orders: Orders, atPs: number): JournalOrder[] {
  const by = "drill";
  const records: JournalOrder[] = [];
  for (const fault of orders.faults) records.push({ record: "fault", by, ...fault });
  for (const heal of orders.heals) records.push({ record: "heal", by, ...heal });
  if (orders.stop !== undefined) {
    records.push({ record: "stop", by, atPs, reason: orders.stop });
  }
  return records;
}
