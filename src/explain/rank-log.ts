/**
 * What the ranks of a watched run did: their operations one after another, each with the event in
 * which it began and ended, and whom they gave up. Only the latest are kept until the exchange that
 * is looked at begins.
 */
import type { Fact } from "../model/fact.ts";
import type { Schedule, ScheduleOp } from "../model/schedule.ts";
import type { EventClock, EventKind } from "./event-clock.ts";
import { NO_ROW } from "./row-store.ts";

/** Operations of a rank that are kept. */
const KEPT = 256;

/** An event of the run, as far as it is the cause of something. */
export interface CauseEvent {
  readonly number: number;
  readonly kind: EventKind;
  /** The hop that was delivered; NO_ROW: none. */
  readonly hop: number;
}

/** One operation of a rank's schedule, as it ran. Instants in ps; NaN: not yet. */
export interface RankOp {
  readonly actor: number;
  /** Number in the schedule. */
  readonly number: number;
  readonly op: ScheduleOp;
  readonly step: number;
  /** Of an all-to-all: number of its exchange; -1: not known. */
  exchange: number;
  readonly beganPs: number;
  readonly beganBy: CauseEvent;
  /** The operation of this rank that ended in that event, if one did. */
  after: RankOp | undefined;
  endedPs: number;
  endedBy: CauseEvent | undefined;
  /** Of a computation: how long it takes here, and on a GPU that is well, ps. */
  spanPs: number;
  healthyPs: number;
}

/** A rank was given up. */
export interface GivenUp {
  readonly atPs: number;
  readonly eventNumber: number;
  readonly rank: string;
  readonly fault: string;
  readonly reason: string;
}

/** Ranks that were missed for too long; "none": they were not given up. */
export interface Missed {
  readonly ranks: readonly string[];
  readonly fault: string;
}

export class RankLog {
  readonly #schedule: Schedule;
  readonly #clock: EventClock;
  readonly #ops: RankOp[][];
  readonly #givenUp: GivenUp[][];
  /** Whom a rank missed when its wait timeout had passed. */
  readonly #missing: { readonly eventNumber: number; readonly ranks: readonly string[] }[][];
  readonly #lastEnded: (RankOp | undefined)[];
  /** Keep everything from now on. */
  isPinned = false;

  constructor(schedule: Schedule, clock: EventClock, actors: number) {
    this.#schedule = schedule;
    this.#clock = clock;
    this.#ops = Array.from({ length: actors }, () => []);
    this.#givenUp = Array.from({ length: actors }, () => []);
    this.#missing = Array.from({ length: actors }, () => []);
    this.#lastEnded = Array.from({ length: actors }, () => undefined);
  }

  began(actor: number, atPs: number, number: number, step: number): void {
    const ops = this.#ops[actor];
    if (!this.isPinned && ops.length >= 2 * KEPT) this.#forget(actor);
    const op = this.#schedule.ops[number];
    const beganBy = this.#event();
    const last = this.#lastEnded[actor];
    const dispatch = op.kind === "combine" ? this.#dispatchBefore(actor, op.chain) : undefined;
    this.#ops[actor].push({
      actor,
      number,
      op,
      step,
      exchange: dispatch?.exchange ?? -1,
      beganPs: atPs,
      beganBy,
      after: last?.endedBy?.number === beganBy.number ? last : undefined,
      endedPs: Number.NaN,
      endedBy: undefined,
      spanPs: 0,
      healthyPs: 0,
    });
  }

  computes(actor: number, number: number, spanPs: number, healthyPs: number): void {
    const op = this.#open(actor, number);
    if (op === undefined) return;
    op.spanPs = spanPs;
    op.healthyPs = healthyPs;
  }

  /** The dispatch of a chain that began last has this number. */
  opened(actor: number, chain: number, exchange: number): void {
    const dispatch = this.#dispatchBefore(actor, chain);
    if (dispatch !== undefined) dispatch.exchange = exchange;
  }

  ended(actor: number, atPs: number, number: number): RankOp | undefined {
    const op = this.#open(actor, number);
    if (op === undefined) return undefined;
    op.endedPs = atPs;
    op.endedBy = this.#event();
    this.#lastEnded[actor] = op;
    return op;
  }

  said(actor: number, atPs: number, fact: Fact): void {
    if (fact.type === "rank.wait-timed-out") {
      this.#missing[actor].push({ eventNumber: this.#clock.number, ranks: fact.missing });
    }
    if (fact.type !== "rank.masked") return;
    const { rank, fault, reason } = fact;
    this.#givenUp[actor].push({ atPs, eventNumber: this.#clock.number, rank, fault, reason });
  }

  /** A rank's all-to-all of an exchange, the latest of that number. */
  exchangeOp(actor: number, exchange: number, kind: "dispatch" | "combine"): RankOp | undefined {
    return this.#ops[actor].findLast(
      (one) => one.op.kind === kind && one.exchange === exchange && exchange >= 0,
    );
  }

  /** The latest operation with a number in the schedule that had begun by an instant. */
  opBefore(actor: number, number: number, untilPs: number): RankOp | undefined {
    return this.#ops[actor].findLast((one) => one.number === number && one.beganPs <= untilPs);
  }

  /** Whom a rank gave up in an event. */
  givenUpIn(actor: number, eventNumber: number): readonly GivenUp[] {
    return this.#givenUp[actor].filter((one) => one.eventNumber === eventNumber);
  }

  /** Whom a rank missed when its wait timeout passed in an event, and why it gave them up later. */
  missedIn(actor: number, eventNumber: number): Missed | undefined {
    const found = this.#missing[actor].find((one) => one.eventNumber === eventNumber);
    if (found === undefined) return undefined;
    const later = this.#givenUp[actor].find(
      (one) => one.eventNumber > eventNumber && found.ranks.includes(one.rank),
    );
    return { ranks: found.ranks, fault: later?.fault ?? "none" };
  }

  #event(): CauseEvent {
    const { number, kind, hop } = this.#clock;
    return { number, kind, hop: kind === "delivery" ? hop : NO_ROW };
  }

  #open(actor: number, number: number): RankOp | undefined {
    return this.#ops[actor].findLast((one) => one.number === number && Number.isNaN(one.endedPs));
  }

  #dispatchBefore(actor: number, chain: number): RankOp | undefined {
    return this.#ops[actor].findLast(({ op }) => op.kind === "dispatch" && op.chain === chain);
  }

  #forget(actor: number): void {
    const kept = this.#ops[actor].slice(-KEPT);
    const isKept = new Set(kept);
    for (const op of kept) {
      if (op.after !== undefined && !isKept.has(op.after)) op.after = undefined;
    }
    this.#ops[actor] = kept;
  }
}
