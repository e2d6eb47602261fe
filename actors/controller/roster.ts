/**
 * What the controller knows of the ranks of a group: who is in, what they said, and what follows
 * from it: who has to leave and who can come in. It orders nothing.
 */
import { NO_FAULT } from "../../src/model/fault.ts";
import { COMES_IN, IS_IN } from "../../src/model/membership.ts";
import { Exclusion, type GroupShape } from "./exclusion.ts";

/** What a rank says. */
export interface RankReport {
  readonly rank: number;
  /** One of Report in model/membership.ts. */
  readonly what: number;
  readonly epoch: number;
  /** A rank or a step. */
  readonly about: number;
  readonly fault: number;
  /** The last epoch that it was ordered into. */
  readonly ordered: number;
  /** Its own ports say that it is cut off. */
  readonly isSick: boolean;
}

export class Roster {
  /** By rank: IS_IN, or the fault for which it is out. */
  readonly members: Int32Array;
  readonly #exclusion: Exclusion;
  /** By rank: it wants to come in; it has stopped; it has finished. */
  readonly #hello: Uint8Array;
  readonly #stopped: Uint8Array;
  readonly #finished: Uint8Array;
  /** By rank: it did not answer the controller itself. */
  readonly #silent: Uint8Array;
  /** By rank: it was told to leave, and does whatever is found out after that. */
  readonly #leaving: Uint8Array;

  constructor(shape: GroupShape) {
    this.members = new Int32Array(shape.size).fill(IS_IN);
    this.#exclusion = new Exclusion(shape);
    this.#hello = new Uint8Array(shape.size);
    this.#stopped = new Uint8Array(shape.size);
    this.#finished = new Uint8Array(shape.size);
    this.#silent = new Uint8Array(shape.size);
    this.#leaving = new Uint8Array(shape.size);
  }

  isIn(rank: number): boolean {
    return this.members[rank] === IS_IN;
  }

  /** A rank gave another up, or itself; if it has stopped it waits to begin again. */
  gaveUp({ rank, about, fault, isSick }: RankReport, hasStopped: boolean): void {
    if (!this.isIn(rank) || !this.isIn(about)) return;
    if (hasStopped) this.#stopped[rank] = 1;
    this.#exclusion.add({ by: rank, about, fault }, isSick);
  }

  /** A rank wants to come in. If nobody has missed it, it has forgotten everything all the same. */
  hello(rank: number): void {
    this.#hello[rank] = 1;
    if (this.isIn(rank)) this.#exclusion.add({ by: rank, about: rank, fault: NO_FAULT });
  }

  /** A rank did not answer: it has to leave, or may not come in. */
  silent(rank: number): void {
    this.#hello[rank] = 0;
    this.#silent[rank] = 1;
    this.#exclusion.add({ by: rank, about: rank, fault: NO_FAULT });
  }

  finished(rank: number): void {
    this.#finished[rank] = 1;
  }

  /** Has anybody stopped who cannot go on without beginning the step again? */
  get hasStopped(): boolean {
    return this.#stopped.includes(1);
  }

  /** Have all finished who are in and need not leave? */
  get isOver(): boolean {
    if (!this.#finished.includes(1)) return false;
    const isIn = this.#isIn();
    for (const rank of this.leavers()) isIn[rank] = 0;
    return isIn.includes(1) && isIn.every((flag, rank) => flag === 0 || this.#finished[rank] !== 0);
  }

  /** Ranks that are in and have to leave, ascending: those that were told so first of all. */
  leavers(): number[] {
    const leaving = [...this.#leaving.keys()].filter((rank) => this.#leaving[rank] !== 0);
    return this.#exclusion.leavers(this.#isIn(), leaving);
  }

  /** These are told to leave. */
  toldToLeave(ranks: readonly number[]): void {
    for (const rank of ranks) this.#leaving[rank] = 1;
  }

  /** Ranks that can come in when some leave; one that leaves may come back at once. */
  comers(leavers: readonly number[]): number[] {
    const isIn = this.#isIn();
    for (const rank of leavers) isIn[rank] = 0;
    const wants = [...this.#hello.keys()].filter((rank) => this.#hello[rank] !== 0);
    return this.#exclusion.fit(
      wants.filter((rank) => isIn[rank] === 0),
      isIn,
    );
  }

  /** The fault that ranks give for one of them; undefined: none, or it is silent by now. */
  faultOf(rank: number): number | undefined {
    return this.#silent[rank] !== 0 ? undefined : this.#exclusion.faultOf(rank);
  }

  /** There is a new membership, and what was reported in the old one is settled. */
  takeUp(next: Int32Array): void {
    for (const [rank, member] of next.entries()) {
      if (member === COMES_IN) this.#hello[rank] = 0;
      this.members[rank] = member === COMES_IN ? IS_IN : member;
    }
    this.#exclusion.clear();
    this.#stopped.fill(0);
    this.#finished.fill(0);
    this.#silent.fill(0);
    this.#leaving.fill(0);
  }

  #isIn(): Uint8Array {
    return Uint8Array.from(this.members, (member) => Number(member === IS_IN));
  }
}
