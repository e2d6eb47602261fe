/**
 * A director that repeats what a journal says was done to a run: its heals and its stop, each at
 * its instant. Its faults are data from the start (`faultsOf`), so a replay also shows that a fault
 * does the same whether the run knew of it or learnt of it.
 */
import type { Director, Orders } from "../src/model/director.ts";
import type { FactRecord } from "../src/model/fact.ts";
import type { FaultHeal, FaultSpec } from "../src/model/fault.ts";
import { NEVER_PS } from "../src/model/time.ts";
import { faultsOf, healsOf, type JournalOrder } from "./journal-orders.ts";

/** Undefined when there is nothing to repeat. */
export function makeJournalDirector(orders: readonly JournalOrder[]): Director | undefined {
  const heals = healsOf(orders);
  const stops = orders.filter((order) => order.record === "stop");
  if (heals.length === 0 && stops.length === 0) return undefined;
  const stop = stops.at(0);
  return new JournalDirector(heals, stop?.atPs ?? NEVER_PS, stop?.reason ?? "");
}

/**
 * Repeats everything, faults included, each at its instant, so that a run which is taken up again
 * learns of it as it did before. Undefined when there is nothing to repeat.
 */
export function makeRepeatingDirector(orders: readonly JournalOrder[]): Director | undefined {
  const heals = makeJournalDirector(orders);
  const faults = faultsOf(orders).filter(({ atPs }) => atPs < NEVER_PS);
  if (faults.length === 0) return heals;
  const giver = new FaultGiver(faults);
  return heals === undefined ? giver : new TwoDirectors(giver, heals);
}

/** Gives faults at their onsets; of one instant in the order in which they were given. */
class FaultGiver implements Director {
  readonly #faults: FaultSpec[];

  constructor(faults: readonly FaultSpec[]) {
    this.#faults = [...faults].sort((left, right) => left.atPs - right.atPs);
  }

  get nextPs(): number {
    return this.#faults[0]?.atPs ?? NEVER_PS;
  }

  take(): void {
    // As the journal director: what happens cannot matter.
  }

  at(atPs: number): Orders {
    const due = this.#faults.filter((fault) => fault.atPs <= atPs);
    this.#faults.splice(0, due.length);
    return { faults: due, heals: [] };
  }
}

/** Two directors of one run; at one instant the first has the first word. */
export class TwoDirectors implements Director {
  readonly #both: readonly [Director, Director];

  constructor(first: Director, second: Director) {
    this.#both = [first, second];
  }

  get nextPs(): number {
    return Math.min(this.#both[0].nextPs, this.#both[1].nextPs);
  }

  take(facts: readonly FactRecord[]): void {
    for (const one of this.#both) one.take(facts);
  }

  at(atPs: number): Orders {
    const orders = this.#both.filter(({ nextPs }) => nextPs <= atPs).map((one) => one.at(atPs));
    const stop = orders.find((one) => one.stop !== undefined)?.stop;
    return {
      faults: orders.flatMap(({ faults }) => faults),
      heals: orders.flatMap(({ heals }) => heals),
      ...(stop === undefined ? {} : { stop }),
    };
  }
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
