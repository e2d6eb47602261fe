/**
 * The change of a group's membership that is being made, or was made last: its epoch, what it makes
 * of each rank, and the step that they begin with. It knows when changes lead nowhere. It orders
 * nothing.
 */
import { NO_FAULT } from "../../src/model/fault.ts";
import { EPOCH_MAX, IS_IN } from "../../src/model/membership.ts";
import type { OrderText } from "./order-sender.ts";

/** No change is begun later, since one may need several epochs. */
const DECISION_EPOCH_MAX = EPOCH_MAX - 27;
/**
 * A group that begins the same step again so often is given up; Kubernetes' backoffLimit is 6, too.
 */
const TRIES_MAX = 6;
/**
 * A controller that begins anew counts on from here, so that it does not use an incarnation again
 * that only a NIC remembers, when every rank has forgotten.
 */
const EPOCHS_A_LIFE = 16;

export class Change implements OrderText {
  epoch = 0;
  /** The epoch that ranks took up last. */
  takenUp = 0;
  /** The step before which all hold. */
  step = 0;
  /** Ranks stop at once, and begin the step again. */
  isAbort = false;
  /** What is lost by it is lost to this fault. */
  fault = NO_FAULT;
  /** By rank, what becomes of it: IS_IN, COMES_IN, or the fault for which it is out. */
  readonly members: Int32Array;
  /** There were changes before that this controller knows nothing of. */
  hasForgotten = false;
  /** The step that the last change began with. */
  #stepTakenUp = 0;
  /** Changes in a row after which the group did no step. */
  #triesInVain = 0;

  /** `life`: how often the controller has begun anew. */
  constructor(ranks: number, life: number) {
    this.epoch = life * EPOCHS_A_LIFE;
    this.members = new Int32Array(ranks).fill(IS_IN);
  }

  /** The step that the group is in, as far as is known. */
  get stepTakenUp(): number {
    return this.#stepTakenUp;
  }

  /** Have changes led nowhere, or are there no epochs left? */
  get isHopeless(): boolean {
    return this.epoch === EPOCH_MAX || this.#triesInVain === TRIES_MAX;
  }

  get mayBeDecided(): boolean {
    return this.epoch < DECISION_EPOCH_MAX;
  }

  /** Begins anew, in the next epoch, from the members that there are. */
  begin(members: Int32Array): void {
    this.epoch += 1;
    this.fault = NO_FAULT;
    this.step = this.#stepTakenUp;
    this.members.set(members);
  }

  /** A rank has to leave for a fault. */
  leaves(rank: number, fault: number): void {
    this.fault = fault;
    this.members[rank] = fault;
  }

  /** There was a later epoch. */
  remember(epoch: number): void {
    this.epoch = epoch;
    this.hasForgotten = true;
  }

  /** Ranks take it up. */
  takeUp(): void {
    const isFirst = this.takenUp === 0;
    this.#triesInVain = isFirst || this.step > this.#stepTakenUp ? 0 : this.#triesInVain + 1;
    this.takenUp = this.epoch;
    this.#stepTakenUp = this.step;
    this.hasForgotten = false;
  }

  /** Does it leave a rank as it was, in? */
  keeps(rank: number): boolean {
    return this.members[rank] === IS_IN;
  }

  /** Ranks that were in and stay. */
  get stayers(): number[] {
    return [...this.members.keys()].filter((rank) => this.keeps(rank));
  }

  /** These with those that come in. */
  get expected(): number[] {
    return [...this.members.keys()].filter((rank) => this.members[rank] < NO_FAULT);
  }
}
