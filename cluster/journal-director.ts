/**
 * A director that repeats what a journal says was done to a run: its heals and its stop, each at
 * its instant. Its faults are data from the start (`faultsOf`), so a replay also shows that a fault
 * does the same whether the run knew of it or learnt of it.
 */
import type { Director, Orders } from "../src/model/director.ts";
import type { FaultHeal } from "../src/model/fault.ts";
import { NEVER_PS } from "../src/model/time.ts";
import { healsOf, type JournalOrder } from "./journal-orders.ts";

/** Undefined when there is nothing to repeat. */
export function makeJournalDirector(orders: readonly JournalOrder[]): Director | undefined {
  const heals = healsOf(orders);
  const stops = orders.filter((order) => order.record === "stop");
  if (heals.length === 0 && stops.length === 0) return undefined;
  const stop = stops.at(0);
  return new JournalDirector(heals, stop?.atPs ?? NEVER_PS, stop?.reason ?? "");
}

class JournalDirector implements Director {
  readonly #heals: FaultHeal[];
  readonly #stopPs: number;
  readonly #reason: string;

  constructor(heals: readonly FaultHeal[], stopPs: number, reason: string) {
    this.#heals = [...heals].sort((left, right) => left.atPs - right.atPs);
    this.#stopPs = stopPs;
    this.#reason = reason;
  }

  get nextPs(): number {
    return Math.min(this.#heals[0]?.atPs ?? NEVER_PS, this.#stopPs);
  }

  take(): void {
    // The run is told what was done to another one: it cannot matter what happens in it.
  }

  at(atPs: number): Orders {
    const due = this.#heals.filter((heal) => heal.atPs <= atPs);
    this.#heals.splice(0, due.length);
    if (this.#stopPs > atPs) return { faults: [], heals: due };
    return { faults: [], heals: due, stop: this.#reason };
  }
}
