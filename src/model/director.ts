/**
 * Who decides, at instants of virtual time, what is done to a run: a drill, or an operator. The
 * window protocol ends a window exactly at each of its instants, so that what it orders takes
 * effect there whatever the placement.
 */
import type { FactRecord } from "./fact.ts";
import type { FaultHeal, FaultSpec } from "./fault.ts";
import type { HostFault } from "./host-fault.ts";

/** What is to be done from an instant on. */
export interface Orders {
  /** All at or after the instant. */
  readonly faults: readonly FaultSpec[];
  readonly heals: readonly FaultHeal[];
  /** Real faults: no input of the model; whoever repeats a run passes over them. */
  readonly hostFaults?: readonly HostFault[];
  /** Ends the run here; says why. */
  readonly stop?: string;
}

export interface Director {
  /** The next instant at which it wants to look, ps; NEVER_PS: none. It only rises. */
  readonly nextPs: number;
  /** Facts of a committed window, in the order of the log. */
  take(facts: readonly FactRecord[]): void;
  /** All facts before `nextPs`, which is `atPs`, have been taken. Afterwards `nextPs` is later. */
  at(atPs: number): Orders;
}
