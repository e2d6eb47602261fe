/**
 * What a worker and the coordinator say to each other about windows of virtual time. Plain data,
 * the same in one process and over sockets. A window is a matter of the placement: nothing in here
 * but facts, epochs and totals may reach a result.
 */
import type { FactRecord } from "./fact.ts";
import type { FaultHeal, FaultSpec } from "./fault.ts";

/** What a run learns from outside: it goes out to every worker with the next grants. */
export interface RunChanges {
  readonly faults: readonly FaultSpec[];
  readonly heals: readonly FaultHeal[];
}

/** Nothing was learnt. */
export const NO_CHANGES: RunChanges = { faults: [], heals: [] };

/**
 * Leave to run events strictly before `endPs`. Granting window k+1 says that window k is committed.
 */
export interface Grant {
  readonly window: number;
  readonly endPs: number;
  /**
   * Data frames that must be there before the window runs, by peer worker: how many since the run
   * began, the earliest packet that reports told of in those that no grant has named before, and
   * those of them that came with reports and go on with this grant.
   */
  readonly frames: readonly {
    readonly peer: number;
    readonly count: number;
    readonly earliestPs: number;
    readonly carried: readonly Uint8Array[];
  }[];
  /** Faults that the run learnt of since the last grant; all at or after the window's start. */
  readonly faults: readonly FaultSpec[];
  /** Faults that end before their leases do; likewise. */
  readonly heals: readonly FaultHeal[];
}

/**
 * Digest contribution of one worker to one epoch: sums over its actors, so the placement cancels
 * out.
 */
export interface EpochPart {
  readonly epoch: number;
  readonly low: number;
  readonly high: number;
}

/** EP groups by number, as far as a worker holds their ranks; see engine/group-watch.ts. */
export interface GroupStates {
  /** Groups with ranks that have no part in the run for now, and may have one again. */
  readonly paused: readonly number[];
  /** Groups with ranks whose part is over. */
  readonly done: readonly number[];
}

/**
 * A data frame that a window sent a peer, and the earliest packet in it. A small frame is carried
 * by the report, a larger one went straight to the peer (`carried` is null).
 */
export interface SentFrame {
  readonly peer: number;
  readonly earliestPs: number;
  readonly sizeBytes: number;
  readonly carried: Uint8Array | null;
}

/**
 * What arrived over lanes in one bin, a fixed slice of virtual time: lanes by number, ascending,
 * and the bytes of each. Lanes with nothing are left out.
 */
export interface TrafficBin {
  /** Number of the bin, from 0. */
  readonly bin: number;
  readonly lanes: readonly number[];
  readonly bytes: readonly number[];
}

/** What a worker did in a window. */
export interface WindowReport {
  readonly window: number;
  /** Its next event (packet or reminder), NEVER_PS when there is none. */
  readonly nextEventPs: number;
  /** Its next onset or end of a fault, NEVER_PS when there is none. */
  readonly nextFaultPs: number;
  /** Data frames of this window, at most one for each peer. */
  readonly sent: readonly SentFrame[];
  readonly facts: readonly FactRecord[];
  /** Events handled since the run began. */
  readonly events: number;
  /** Instant of the last event handled, ps. */
  readonly lastEventPs: number;
  /** GPUs of this worker that have finished, are dead, or hang for good. */
  readonly finishedGpus: number;
  /** Of these the ones that hang for good: as long as the run learns of no other fault. */
  readonly hungGpus: number;
  readonly groups: GroupStates;
  readonly epochs: readonly EpochPart[];
  /** Bins that ended, and when the one that it counts in ends; NEVER_PS: nothing is in it. */
  readonly traffic: readonly TrafficBin[];
  readonly trafficDuePs: number;
}

/**
 * Where the replacement of a lost worker takes its place in the run: what it works out again from
 * the beginning, and how many frames the lost one had exchanged by then (decision 0027).
 */
export interface Resumption {
  /** Everything before has happened, nothing at it or later; -1: the start is still to come. */
  readonly atPs: number;
  /** The last committed window, whose work it contains; -1 likewise. */
  readonly window: number;
  /** All that was granted up to that window, in the order in which the run learnt of it. */
  readonly faults: readonly FaultSpec[];
  readonly heals: readonly FaultHeal[];
  /** The lost one had said all bins of traffic that ended by then, and no others. */
  readonly trafficSaidPs: number;
  /** Data frames exchanged with each of the other workers up to that window. */
  readonly frames: readonly {
    readonly peer: number;
    readonly sent: number;
    readonly received: number;
  }[];
}

/** (token, expert) assignments, by where they ended. */
export interface AssignmentTotals {
  readonly dispatched: number;
  readonly combined: number;
  readonly masked: number;
  readonly lost: number;
}

/** Assignments that one fault, by its name, had masked or lost. */
export interface FaultTotals {
  readonly fault: string;
  readonly masked: number;
  readonly lost: number;
}

/** What a worker knows when the run is over. */
export interface WorkerSummary {
  readonly assignments: AssignmentTotals;
  /** Masked and lost by the name of the fault. */
  readonly byFault: readonly FaultTotals[];
  /** Combines that differ from the oracle, and no fault explains it. */
  readonly mismatches: number;
  /** Combines that differ from the oracle because a fault flipped bits, and nobody noticed. */
  readonly corrupted: number;
  /** Masked assignments that no fault explains: the clocks gave up on a healthy network. */
  readonly unexplained: number;
  /** The rest of the last epoch. */
  readonly epochs: readonly EpochPart[];
  /** The rest of the traffic. */
  readonly traffic: readonly TrafficBin[];
  /** Counters of the fabric: packets and bytes sent, received, dropped; retransmissions. */
  readonly fabric: Readonly<Record<string, number>>;
  /** Invariants that did not hold at the end (each a sentence); empty in a good run. */
  readonly violations: readonly string[];
  /** What was still held (each a sentence); a violation when nothing is under way any more. */
  readonly leftovers: readonly string[];
  /** Names of the faults that began. */
  readonly faultsBegun: readonly string[];
  readonly finishedGpus: number;
}
