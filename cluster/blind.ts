/**
 * A blind drill: what began is hidden from operators until the drill is over, and what they name is
 * noted. The log of the run is written as ever; only the terminal and the status are veiled, so
 * whoever opens the files cheats.
 */
import type { Diagnosis } from "../src/drill/diagnosis.ts";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import { faultsOf, type JournalOrder } from "./journal-orders.ts";

/** Stands for what must not be known. */
export const VEILED = "?";

/**
 * Before the names of all that operators do to a blind drill: names of their own, so that none is
 * refused or gets a number because something hidden is called so.
 */
export const BLIND_PREFIX = "operator.";

export class BlindSession {
  readonly #attempts: Diagnosis[] = [];
  /** Faults that operators asked for themselves. */
  readonly #open = new Set<string>();

  /** What responders have named so far, in order. */
  get attempts(): readonly Diagnosis[] {
    return this.#attempts;
  }

  note(diagnosis: Diagnosis): void {
    this.#attempts.push(diagnosis);
  }

  /** Notes whose orders are no secret. */
  ordered(orders: readonly JournalOrder[]): void {
    const own = orders.filter(({ by }) => by === "operator");
    for (const { name } of faultsOf(own)) this.#open.add(name);
  }

  /** Whether operators may know of a fault. */
  isOpen(fault: string): boolean {
    return this.#open.has(fault);
  }

  /**
   * The facts as operators may see them: onsets and ends of what is hidden are left out, and wrong
   * results that only the oracle knows of.
   */
  veil(records: readonly FactRecord[]): FactRecord[] {
    return records.flatMap((record) => {
      const fact = this.#veiled(record.fact);
      if (fact === undefined) return [];
      return [fact === record.fact ? record : { ...record, fact }];
    });
  }

  #veiled(fact: Fact): Fact | undefined {
    if (!("fault" in fact) || fact.fault === "" || this.#open.has(fact.fault)) return fact;
    if (fact.type.startsWith("fault.") || fact.type === "combine.mismatched") return undefined;
    return { ...fact, fault: VEILED };
  }
}
