/**
 * A blind drill: what began is hidden from operators until the drill is over, and what they name is
 * noted. The log of the run is written as ever; only the terminal and the status are veiled, so
 * whoever opens the files cheats.
 */
import type { Diagnosis } from "../src/drill/diagnosis.ts";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import type { EventLine } from "../src/observe/event-line.ts";
import { entryOf } from "../src/observe/fact-catalogue.ts";
import { journalEntryOf } from "../src/observe/journal-line.ts";
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
   * Names of faults in force as operators may see them: `?` before their own, all the time, so that
   * nothing tells when the drill breaks something or ends it.
   */
  inForce(names: readonly string[]): string[] {
    return [VEILED, ...names.filter((name) => this.isOpen(name))];
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
    if (!("fault" in fact)) return fact;
    const fault = veiledFault(fact.type, fact.fault, (name) => this.isOpen(name));
    if (fault === undefined) return undefined;
    return fault === fact.fault ? fact : { ...fact, fault };
  }
}

/** What of a log may be seen while its blind run is up: what the terminal of the run shows. */
export class BlindReader {
  /** Faults that operators asked for themselves. */
  readonly #open = new Set<string>();
  /** By actor: facts of it that were shown. */
  readonly #shown = new Map<string, number>();

  /**
   * The next line as operators may see it; undefined: not at all. What the drill orders or does to
   * hosts stays hidden, and so does the end that an operator made of something hidden. Facts are
   * counted anew: a number that is left out would tell who has something to hide.
   */
  veil(given: EventLine): EventLine | undefined {
    const line = this.#veiled(given);
    if (line === undefined || journalEntryOf(line.fact) !== undefined) return line;
    const index = this.#shown.get(line.actor) ?? 0;
    this.#shown.set(line.actor, index + 1);
    return line.index === index ? line : { ...line, index };
  }

  #veiled(line: EventLine): EventLine | undefined {
    const { fact, by, fault } = line;
    const isOrdered = by === "operator" || by === undefined;
    if (journalEntryOf(fact) !== undefined) {
      if (!isOrdered || fact === "host.host-fault") return undefined;
      if (fact === "order.fault") this.#open.add(String(fault));
      return fault === undefined || this.#open.has(String(fault)) ? line : undefined;
    }
    if (entryOf(fact) === undefined) return undefined;
    if (fault === undefined) return line;
    const seen = veiledFault(fact, String(fault), (name) => this.#open.has(name));
    if (seen === undefined) return undefined;
    return seen === fault ? line : { ...line, fault: seen };
  }
}

/**
 * What operators may see in place of the fault that a fact of a type names; undefined: they may not
 * see that fact.
 */
function veiledFault(
  type: string,
  fault: string,
  isOpen: (fault: string) => boolean,
): string | undefined {
  if (fault === "" || isOpen(fault)) return fault;
  if (type.startsWith("fault.") || type === "combine.mismatched") return undefined;
  // It names the link that something hidden lies on.
  if (type === "packet.dropped") return undefined;
  return VEILED;
}
