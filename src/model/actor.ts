/**
 * What an emulated device is to the kernel: a synchronous handler with private state. Every effect
 * goes through the context it is handed. No clock, no await, no randomness, no I/O of its own.
 */
import type { RandomStream } from "../base/random.ts";
import type { Fact } from "./fact.ts";
import type { Packet, PacketPool } from "./packet.ts";
import type { RankWatch } from "./rank-watch.ts";

/** Names a pending reminder, to cancel it. */
export type TimerId = number;

/** No reminder. */
export const NO_TIMER: TimerId = -1;

/**
 * What an actor may do while it handles an event. One object a process; valid during the call only.
 */
export interface ActorContext {
  /** Virtual time, ps. */
  readonly nowPs: number;
  /** Index of the actor that is handling. */
  readonly self: number;
  readonly packets: PacketPool;
  /**
   * Sends `packet` out of a port: it queues behind what was sent before, and arrives at the far
   * end. The packet is no longer the sender's. `requests`: work requests that the message stands
   * for, each of which may cost time on the lane; 1 when not given.
   */
  send(port: number, packet: Packet, requests?: number): void;
  /**
   * How long a message handed to that port now would wait before its first byte leaves, ps. What is
   * stalled looks empty: who hands something over cannot know that it will not leave.
   */
  backlogPs(port: number): number;
  /** Calls `remind` of this actor after `spanPs` with the two numbers given. */
  remindAfter(spanPs: number, tag: number, value: number): TimerId;
  /** Cancels a reminder that has not fired; forgets NO_TIMER silently. */
  cancel(timer: TimerId): void;
  /** This actor's own random stream. */
  readonly random: RandomStream;
  /** Writes a fact to the event log. */
  record(fact: Fact): void;
  readonly ledger: LedgerPort;
  readonly faults: FaultBoard;
  /** What the actor's part in the run is from now on, one of Part in part.ts. */
  setPart(part: number): void;
  /** Whom ranks tell what they do, if anybody watches. */
  readonly watch?: RankWatch;
}

/** Accounting of (token, expert) assignments by the rank that owns the token. */
export interface LedgerPort {
  /**
   * The gate assigned a token to an expert. `assignment` identifies it within the actor (32 bits).
   */
  dispatched(assignment: number): void;
  combined(assignment: number): void;
  /** Given up on purpose; `fault` is the place of the fault in the run's list. */
  masked(assignment: number, fault: number): void;
  /** Will never end, since its rank gave up or began again; `fault` as for `masked`. */
  lost(assignment: number, fault: number): void;
  /**
   * A combine that differs from the oracle; `fault` explains it, NO_FAULT: nothing does, which is a
   * bug of ours.
   */
  mismatched(fault: number): void;
}

/** What ails one device now; all faults in force on it together. The object is reused. */
export interface Condition {
  /** Alive, and making no progress; and the fault behind it. */
  readonly isHung: boolean;
  readonly hungBy: number;
  /** Compute takes this many times as long. */
  readonly slowdown: number;
  /** Payloads with a flipped bit, of a million, and the fault behind them. */
  readonly flipsPerMillion: number;
  readonly flippedBy: number;
  /** The operator's mask or drain that is in force on this device; NO_FAULT: none. */
  readonly maskedBy: number;
  readonly drainedBy: number;
}

/** An expert that is more popular than its gate says. */
export interface HotExpert {
  readonly expert: number;
  readonly sharePerMillion: number;
  readonly fault: number;
}

/** The faults of the run as far as virtual time has come. The same on every process. */
export interface FaultBoard {
  /** What ails an actor now. */
  conditionOf(actor: number): Condition;
  /**
   * Does the hardware of an actor say that one of its ports is down? True from the instant on at
   * which a loud fault has its link down or the device at the far end dead, or a reroute avoids it.
   */
  isPortDown(actor: number, port: number): boolean;
  /** Does the operator have the link at a port of an actor, or the switch there, avoided? */
  isRerouted(actor: number, port: number): boolean;
  /** Experts that are hot now, in the order of the run's list of faults. */
  readonly hotExperts: readonly HotExpert[];
  /**
   * The fault that flipped bits in what a GPU sent at some moment since `sincePs`; NO_FAULT: none.
   */
  corrupterOf(gpuActor: number, sincePs: number): number;
  /** Name of the fault at a place in the list. */
  nameOf(fault: number): string;
  /**
   * The fault that explains why `rankActor` and `peerActor` (two GPUs) cannot work together,
   * looking at both directions' paths since `sincePs`; NO_FAULT when there is none.
   */
  between(rankActor: number, peerActor: number, sincePs: number): number;
}

export interface Actor {
  /** Called once at virtual time 0, before any event. */
  start(context: ActorContext): void;
  /** A packet arrived at `port`; it now belongs to this actor. */
  receive(context: ActorContext, port: number, packet: Packet): void;
  /** A reminder fired. */
  remind(context: ActorContext, tag: number, value: number): void;
  /**
   * Faults changed what the fault board says of this actor, of one of its ports, (GPUs) of a port
   * of its NIC, or (switches) of a link between switches of its plane. Before all other events of
   * the instant.
   */
  affected?(context: ActorContext): void;
  /**
   * The device was dead and works again, with nothing left of its state: it forgets everything.
   * `affected` is not called for it.
   */
  revived?(context: ActorContext): void;
}
