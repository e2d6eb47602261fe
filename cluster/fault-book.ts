/**
 * Every fault of a run that is up, whoever asked for it, and how long each lasts: what operators
 * are shown, and what tells whether there is anything to heal. It knows orders, not facts.
 */
import type { FaultKind, FaultSpec } from "../src/model/fault.ts";
import { faultsOf, healsOf, type JournalOrder } from "./journal-orders.ts";

/** How a fault stands at an instant. */
export type FaultPhase = "to-come" | "in-force" | "over";

/** One fault of the run. */
export interface BookedFault {
  readonly spec: FaultSpec;
  /** When it ends: its lease, or an earlier heal; undefined: with the run. */
  readonly untilPs: number | undefined;
}

export class FaultBook {
  readonly #faults = new Map<string, BookedFault>();

  readonly #planned: ReadonlySet<string>;

  /** `planned`: names of faults that will be ordered, which nobody else may take. */
  constructor(faults: readonly FaultSpec[], planned: readonly string[] = []) {
    this.#planned = new Set(planned);
    for (const spec of faults) this.#add(spec);
  }

  /** Notes what was ordered. A heal that comes after the end of a fault changes nothing. */
  take(orders: readonly JournalOrder[]): void {
    for (const spec of faultsOf(orders)) this.#add(spec);
    for (const { fault, atPs } of healsOf(orders)) {
      const booked = this.#faults.get(fault);
      if (booked === undefined) continue;
      const untilPs = Math.min(booked.untilPs ?? Number.POSITIVE_INFINITY, atPs);
      this.#faults.set(fault, { spec: booked.spec, untilPs });
    }
  }

  get(name: string): BookedFault | undefined {
    return this.#faults.get(name);
  }

  get names(): Iterable<string> {
    return this.#faults.keys();
  }

  /** Faults that are in force at `atPs`, in the order in which they were given. */
  inForce(atPs: number): BookedFault[] {
    return [...this.#faults.values()].filter((booked) => phaseOf(booked, atPs) === "in-force");
  }

  /** Those of a kind that are in force on any of `targets`. */
  onTargets(kind: FaultKind, targets: readonly string[], atPs: number): BookedFault[] {
    return this.inForce(atPs).filter(
      ({ spec }) => spec.kind === kind && spec.targets.some((target) => targets.includes(target)),
    );
  }

  /** Whether a new fault must have another name. */
  isTaken(name: string): boolean {
    // `heal all` means every fault.
    return name === "all" || this.#faults.has(name) || this.#planned.has(name);
  }

  /** `stem`, or with the first number behind it that makes it a name of its own. */
  freeName(stem: string): string {
    if (!this.isTaken(stem)) return stem;
    let number = 2;
    while (this.isTaken(`${stem}-${number}`)) number += 1;
    return `${stem}-${number}`;
  }

  #add(spec: FaultSpec): void {
    this.#faults.set(spec.name, { spec, untilPs: spec.healAtPs });
  }
}

/** How a fault stands at `atPs`; a fault that was healed before it began is over. */
export function phaseOf({ spec, untilPs }: BookedFault, atPs: number): FaultPhase {
  if (untilPs !== undefined && untilPs <= Math.max(atPs, spec.atPs)) return "over";
  return spec.atPs <= atPs ? "in-force" : "to-come";
}
