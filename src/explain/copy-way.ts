/**
 * Why one copy of a token took as long as it did: its way from the beginning of its rank's dispatch
 * until its result was added up, or until it was given up, in parts that partition the time.
 */
import { type Fate, fateOf } from "./attempts.ts";
import { endingPart } from "./copy-ending.ts";
import {
  arrivedAt,
  assignmentOf,
  type CopyPlace,
  type CopyTrace,
  carriers,
  endOf,
  furthest,
  madePs,
  traceOf,
} from "./copy-trace.ts";
import { type Trail, trailTo } from "./critical-path.ts";
import { type Hop, HopState, type Message } from "./message-log.ts";
import { checkParts, clipped, type Part, partOf, type Share, sharesOf, UNKNOWN } from "./part.ts";
import type { RankOp } from "./rank-log.ts";
import { hungParts, opParts, postingParts, unknownPart } from "./rank-parts.ts";
import { relayWait, streamWait, wholeWait } from "./rank-waits.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

export interface CopyWay {
  readonly fromPs: number;
  readonly untilPs: number;
  readonly parts: readonly Part[];
  /** Over all parts, the largest first. */
  readonly shares: readonly Share[];
  /** The messages that it went out in and its result came back in; null: there was none. */
  readonly out: MessageSize | null;
  readonly result: MessageSize | null;
}

/** How much a message carries. */
export interface MessageSize {
  /** Copies or results that it is about. */
  readonly copies: number;
  readonly sizeBytes: number;
}

/** Works a copy's way out. Throws InvariantError when its parts do not add up. */
export function wayOf(view: RunView, place: CopyPlace): CopyWay {
  const way = new Way(view, place);
  const parts = way.find();
  const { fromPs, untilPs } = way;
  checkParts(parts, fromPs, untilPs);
  const { sent, result } = way.trace;
  const sizes = { out: sizeOf(view, sent.at(0)), result: sizeOf(view, result) };
  return { fromPs, untilPs, parts, shares: sharesOf(parts), ...sizes };
}

function sizeOf(view: RunView, message: Message | undefined): MessageSize | null {
  if (message === undefined) return null;
  return { copies: view.copiesIn(message).length / 2, sizeBytes: message.sizeBytes };
}

class Way {
  readonly fromPs: number;
  readonly untilPs: number;
  readonly trace: CopyTrace;
  readonly #view: RunView;
  readonly #place: CopyPlace;
  /** GPU of the expert. */
  readonly #holder: number;
  /** The ways of its result home, and to a relay before if there is one. */
  readonly #sum: Trail | undefined;
  readonly #share: Trail | undefined;
  /** The copy by which a rank that had computed it before was asked for its result again. */
  readonly #answered: Hop | undefined;
  readonly #parts: Part[] = [];
  #atPs: number;

  constructor(view: RunView, place: CopyPlace) {
    this.#view = view;
    this.#place = place;
    this.#holder = place.home.holders[assignmentOf(place)];
    this.fromPs = place.home.openedPs;
    this.untilPs = endOf(view, place);
    this.trace = traceOf(view, place);
    this.#atPs = this.fromPs;
    const { result, back, share, outs } = this.trace;
    const end = back ?? (result && furthest(view, [result], this.untilPs));
    this.#sum = end && trailTo(view, end);
    this.#share = share && trailTo(view, share);
    const by = view.hopOrNone((this.#share ?? this.#sum)?.made?.cause ?? NO_ROW);
    if (outs.some(({ row }) => row === by?.message)) this.#answered = by;
  }

  find(): Part[] {
    const view = this.#view;
    const { home } = this.#place;
    const { back } = this.trace;
    if (this.#holder === home.actor || this.#goOut()) this.#serve();
    if (back !== undefined) this.#addParts(hungParts(view, home.actor, this.#atPs, this.untilPs));
    if (this.#atPs < this.untilPs) {
      this.#parts.push(endingPart(view, this.#place, this.#atPs, this.untilPs));
    }
    return this.#parts;
  }

  /** Adds what of some parts is still to come; a gap before them is not known. */
  #addParts(parts: readonly Part[]): void {
    for (const part of clipped(parts, this.#atPs, this.untilPs)) {
      if (part.fromPs > this.#atPs) {
        this.#parts.push(unknownPart(this.#atPs, part.fromPs, part.where));
      }
      this.#parts.push(part);
      this.#atPs = part.untilPs;
    }
  }

  #addWait(wait: Part | undefined): void {
    if (wait !== undefined) this.#addParts([wait]);
  }

  /** From its rank to that of its expert, or as far as it came; says whether it came to the end. */
  #goOut(): boolean {
    const { out, outs } = this.trace;
    const relayed = this.#relayedWithoutShare();
    const end = relayed ?? this.#answered ?? out ?? furthest(this.#view, outs, this.untilPs);
    if (end === undefined) return false;
    const trail = trailTo(this.#view, end);
    this.#leave(trail);
    this.#addParts(trail.parts);
    return end === relayed || end === out || end === this.#answered;
  }

  /** It is posted, perhaps more than once. */
  #leave({ made, madePs: leftPs }: Trail): void {
    const view = this.#view;
    const { home } = this.#place;
    const first = this.trace.sent.at(0);
    if (first === undefined) return;
    const firstPs = madePs(view, first);
    const dispatch = view.ranks.exchangeOp(home.actor, home.exchange, "dispatch");
    if (dispatch !== undefined) {
      this.#addParts(postingParts(view, dispatch, this.#atPs, firstPs));
    }
    if (made === undefined || made.row === first.row || leftPs <= firstPs) return;
    const { words, cause } = lossBefore(view, this.#place, leftPs);
    const where = view.idOf(home.actor);
    const what = `sent again by its rank: ${words}`;
    const span = { fromPs: firstPs, untilPs: leftPs };
    this.#addParts([partOf({ kind: "again", ...span, where, of: where, what }, cause)]);
  }

  /** From its arrival at the rank of its expert until its result is home, or as far as it came. */
  #serve(): void {
    const view = this.#view;
    const { result } = this.trace;
    const [sum, part] = [this.#sum, this.#share];
    const isOwn = result?.origin === this.#holder;
    const isRelay = isOwn && part === undefined && this.#isAddedUp(result);
    if (this.#relayedWithoutShare() === undefined && this.#answered === undefined) {
      this.#compute(isRelay ? undefined : (part ?? (isOwn ? sum : undefined)));
    }
    if (part !== undefined) this.#addParts(part.parts);
    if (sum === undefined) return;
    if ((isRelay || part !== undefined || !isOwn) && sum.made !== undefined) {
      this.#addWait(relayWait(view, sum.made, sum.madePs, this.#atPs));
    }
    this.#addParts(sum.parts);
  }

  /** It waits at its expert's rank, is computed, and its result is posted as a message. */
  #compute(own: Trail | undefined): void {
    const view = this.#view;
    const { exchange } = this.#place.home;
    const dispatch = view.ranks.exchangeOp(this.#holder, exchange, "dispatch");
    const combine = view.ranks.exchangeOp(this.#holder, exchange, "combine");
    if (dispatch === undefined || !(dispatch.endedPs <= this.untilPs)) return;
    this.#addWait(wholeWait(view, dispatch, this.#atPs, this.fromPs));
    for (const number of this.#opsBetween(dispatch)) {
      const op = view.ranks.opBefore(this.#holder, number, this.untilPs);
      if (op === undefined || op.beganPs < dispatch.endedPs) return;
      this.#addWait(streamWait(view, op, this.#atPs));
      if (!(op.endedPs <= this.untilPs)) return;
      this.#addParts(opParts(view, op));
    }
    if (combine === undefined || combine.beganPs > this.untilPs) return;
    this.#addWait(streamWait(view, combine, this.#atPs));
    const isLocal = this.#holder === this.#place.home.actor;
    const postedPs = isLocal ? this.untilPs : (own?.madePs ?? combine.beganPs);
    this.#addParts(postingParts(view, combine, this.#atPs, postedPs));
  }

  /** Numbers of the operations between a dispatch and its combine. */
  #opsBetween(dispatch: RankOp): number[] {
    const { ops } = this.#view.schedule;
    const { chain, place } = dispatch.op;
    const combine = ops.findIndex(
      (op) => op.kind === "combine" && op.chain === chain && op.place === place,
    );
    const between: number[] = [];
    for (let number = ops[combine].after[0]; number !== dispatch.number; ) {
      between.unshift(number);
      number = ops[number].after[0];
    }
    return between;
  }

  /** Is a result a sum that a relay of the expert's node sends home? */
  #isAddedUp(result: Message | undefined): boolean {
    const view = this.#view;
    if (view.scenario.workload.protocol !== "normal" || result === undefined) return false;
    return view.place(result.origin).node !== view.place(this.#place.home.actor).node;
  }

  /** Where a relay sent a sum home without its expert's rank's share: how the copy came there. */
  #relayedWithoutShare(): Hop | undefined {
    const { share, result, outs } = this.trace;
    if (share !== undefined || result === undefined || result.origin === this.#holder)
      return undefined;
    return arrivedAt(this.#view, outs, result.origin, this.untilPs);
  }
}

/** What of a copy or its result had been lost by an instant, so that it was sent again. */
function lossBefore(view: RunView, place: CopyPlace, untilPs: number): Fate {
  const ends = carriers(view, place).flatMap(({ last }) => view.hopOrNone(last) ?? []);
  const lost = ends.findLast(
    ({ state, handledPs }) => state === HopState.dropped && handledPs <= untilPs,
  );
  if (lost === undefined)
    return { words: "what became of the one before is not known", cause: UNKNOWN };
  return fateOf(view, lost, untilPs);
}
