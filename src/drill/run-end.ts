/** How a run ended and what it came to, as far as drills and verdicts need it. Only data. */
import type { HostFaultRun } from "../model/host-fault.ts";
import type { AssignmentTotals, FaultTotals } from "../model/window.ts";

export interface RunEnd {
  /** `stopped`: by its drill or an operator. */
  readonly end: "finished" | "stopped" | "interrupted" | "time-limit" | "worker-lost" | "stuck";
  /** More about the end, for people. */
  readonly detail?: string | undefined;
  /** Instant of the last event, ps. */
  readonly virtualTimePs: number;
  readonly assignments: AssignmentTotals;
  readonly byFault: readonly FaultTotals[];
  /** Results that differ from the oracle, and no fault explains it. */
  readonly mismatches: number;
  /** Results that differ because a fault corrupted them, unseen by the fleet. */
  readonly corrupted: number;
  /** Masked assignments that no fault explains. */
  readonly unexplained: number;
  readonly violations: readonly string[];
  /** Counters of the kernel, by their names there. */
  readonly fabric: Readonly<Record<string, number>>;
  readonly faultsBegun: readonly string[];
  /** Most that a paced run was late, wall seconds. */
  readonly maxLagSeconds: number;
  /** Real faults in the order in which the run came to them; missing: there were none. */
  readonly hostFaults?: readonly HostFaultRun[] | undefined;
}
