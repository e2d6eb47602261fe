/**
 * Accounting of (token, expert) assignments: each that a gate makes ends combined, masked by a
 * named fault, or lost to a named fault. Counts by rank, and sums of hashes, so that one assignment
 * combined twice and another never do not cancel out.
 */
import { avalanche32 } from "../base/hash.ts";
import type { LedgerPort } from "../model/actor.ts";
import { NO_FAULT } from "../model/fault.ts";

/** What the ledger says of one actor. */
export interface ActorBalance {
  readonly dispatched: number;
  readonly combined: number;
  readonly masked: number;
  /** Given up with the rank's part in the run. */
  readonly lost: number;
  /** Dispatched and not ended. */
  readonly open: number;
  /** The hashes of what was dispatched equal those of what ended, given that nothing is open. */
  readonly sumsAgree: boolean;
}

export class Ledger implements LedgerPort {
  /** The actor whose event is being handled; the kernel sets it. */
  self = 0;
  mismatches = 0;
  /** Combines that differ because a fault flipped bits. */
  corrupted = 0;
  /** Masked assignments that no fault explains. */
  unexplained = 0;
  readonly #dispatched: Float64Array;
  readonly #combined: Float64Array;
  readonly #masked: Float64Array;
  readonly #balance: Int32Array;
  readonly #lost: Float64Array;
  readonly #maskedByFault: number[] = [];
  readonly #lostByFault: number[] = [];

  constructor(actors: number) {
    this.#dispatched = new Float64Array(actors);
    this.#combined = new Float64Array(actors);
    this.#masked = new Float64Array(actors);
    this.#lost = new Float64Array(actors);
    this.#balance = new Int32Array(actors);
  }

  dispatched(assignment: number): void {
    this.#dispatched[this.self] += 1;
    this.#balance[this.self] += avalanche32(assignment + 1);
  }

  combined(assignment: number): void {
    this.#combined[this.self] += 1;
    this.#balance[this.self] -= avalanche32(assignment + 1);
  }

  masked(assignment: number, fault: number): void {
    this.#masked[this.self] += 1;
    this.#balance[this.self] -= avalanche32(assignment + 1);
    if (fault === NO_FAULT) this.unexplained += 1;
    else this.#maskedByFault[fault] = (this.#maskedByFault[fault] ?? 0) + 1;
  }

  lost(assignment: number, fault: number): void {
    this.#lost[this.self] += 1;
    this.#balance[this.self] -= avalanche32(assignment + 1);
    if (fault === NO_FAULT) this.unexplained += 1;
    else this.#lostByFault[fault] = (this.#lostByFault[fault] ?? 0) + 1;
  }

  mismatched(fault: number): void {
    if (fault === NO_FAULT) this.mismatches += 1;
    else this.corrupted += 1;
  }

  /** What the actor has open is lost to a fault that it did not survive. */
  abandon(fault: number): void {
    const { open } = this.balanceOf(this.self);
    this.#lost[this.self] += open;
    this.#balance[this.self] = 0;
    if (open > 0) this.#lostByFault[fault] = (this.#lostByFault[fault] ?? 0) + open;
  }

  balanceOf(actor: number): ActorBalance {
    const dispatched = this.#dispatched[actor];
    const combined = this.#combined[actor];
    const masked = this.#masked[actor];
    const lost = this.#lost[actor];
    const open = dispatched - combined - masked - lost;
    return {
      dispatched,
      combined,
      masked,
      lost,
      open,
      sumsAgree: open !== 0 || this.#balance[actor] === 0,
    };
  }

  /** Masked assignments of this process by the place of the fault in the run's list. */
  maskedBy(fault: number): number {
    return this.#maskedByFault[fault] ?? 0;
  }

  /** Likewise the lost ones. */
  lostBy(fault: number): number {
    return this.#lostByFault[fault] ?? 0;
  }
}
