/**
 * The all-to-alls of one chain, seen from one rank: dispatch its tokens' copies and collect those
 * of others, later send results and collect its own. Posting goes on while the ports keep up, and
 * is taken up again by a reminder, so a batch of thousands of tokens is never in flight at once.
 */
import { violated } from "../../src/base/assert.ts";
import { type ActorContext, NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import { KIND, KIND_MASK, LAYER, type Packet, PacketKind, SLOT } from "../../src/model/packet.ts";
import { PS_PER_NS } from "../../src/model/time.ts";
import type { ExchangePlace, HomeSide } from "./home-side.ts";
import type { Inbox } from "./inbox.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";
import type { Protocol } from "./protocol.ts";
import { expertOf, isRefused } from "./token-slot.ts";

/** Work that waits at a port before posting stops, and at which it goes on. */
const STOP_PS = 10_000 * PS_PER_NS;
const RESUME_PS = 5_000 * PS_PER_NS;

export interface ExchangeParts {
  readonly chain: number;
  /** Chains of the schedule. */
  readonly chains: number;
  readonly experts: number;
  readonly peers: Peers;
  readonly messenger: Messenger;
  readonly home: HomeSide;
  makeInbox(): Inbox;
  /** Makes the protocol, which reads this exchange's inboxes. */
  protocol(inboxOf: (exchange: number) => Inbox): Protocol;
  /** Tag of the reminder that {@link Exchange.pump} wants; its value is the chain. */
  readonly pumpTag: number;
}

export class Exchange {
  readonly home: HomeSide;
  readonly protocol: Protocol;
  phase: "idle" | "dispatch" | "compute" | "combine" = "idle";
  /** Where in the run it is; set by `beginDispatch`. */
  at: ExchangePlace | undefined;
  startPs = 0;
  /** Assignments and experts of the last whole dispatch: what the experts compute. */
  copies = 0;
  expertsUsed = 0;
  readonly #parts: ExchangeParts;
  /** By the exchange's number among those of its chain: even and odd. */
  readonly #inboxes: readonly [Inbox, Inbox];
  readonly #used: Uint8Array;
  /** Number of the first exchange, in the run or since it began anew. */
  #start: number;
  #part = 0;
  #partCount = 0;
  #isPosting = false;
  #pumpTimer: TimerId = NO_TIMER;

  constructor(parts: ExchangeParts) {
    const { peers, chain, chains } = parts;
    this.#parts = parts;
    this.home = parts.home;
    this.#inboxes = [parts.makeInbox(), parts.makeInbox()];
    this.#start = chain;
    this.#inboxes[0].reset(chain, peers.size);
    this.#inboxes[1].reset(chains + chain, peers.size);
    this.#used = new Uint8Array(parts.experts);
    this.protocol = parts.protocol((exchange) => this.inboxOf(exchange));
  }

  /** The inbox that collects an exchange of this chain: the current one or the next. */
  inboxOf(exchange: number): Inbox {
    const inbox = this.#inboxes[this.#numberOf(exchange) & 1];
    if (inbox.exchange !== exchange) {
      violated("ranks-in-step", `exchange ${exchange} arrives, collecting ${inbox.exchange}`);
    }
    return inbox;
  }

  /**
   * Is a message of an exchange that has ended here, or of copies whose results are being sent?
   * With failover late duplicates are.
   */
  isPast(words: Int32Array, packet: Packet): boolean {
    const exchange = words[packet + LAYER];
    if ((words[packet + KIND] & KIND_MASK) === PacketKind.combine) {
      return exchange < this.home.exchange;
    }
    const inbox = this.#inboxes[this.#numberOf(exchange) & 1];
    return exchange < inbox.exchange || (exchange === inbox.exchange && inbox.isPosting);
  }

  /**
   * Takes such a message: whoever sends a copy again has not got its result. What a masked rank
   * sends counts for nothing.
   */
  past(context: ActorContext, packet: Packet, rank: number): void {
    const kind = context.packets.words[packet + KIND] & KIND_MASK;
    const isMasked = this.#parts.peers.isMasked(rank);
    if (kind === PacketKind.dispatch && !isMasked)
      this.protocol.receivedAgain(context, packet, rank);
    else context.packets.free(packet);
  }

  /** Number of the chain's next exchange in the run. */
  get next(): number {
    return this.at === undefined ? this.#start : this.at.exchange + this.#parts.chains;
  }

  /** Has the phase all that it waits for? */
  get isDone(): boolean {
    if (this.#isPosting || this.at === undefined) return false;
    if (this.phase === "dispatch") return this.inboxOf(this.at.exchange).missing === 0;
    return this.phase === "combine" && this.home.batch.open === 0;
  }

  get isWaiting(): boolean {
    return this.phase === "dispatch" || this.phase === "combine";
  }

  /** Is a rank still needed for the current phase? */
  isMissing(rank: number): boolean {
    if (this.at === undefined || this.#parts.peers.isMasked(rank)) return false;
    if (this.phase === "dispatch") return !this.inboxOf(this.at.exchange).isWhole(rank);
    return this.phase === "combine" && this.home.batch.openOf[rank] > 0;
  }

  beginDispatch(context: ActorContext, at: ExchangePlace): void {
    this.at = at;
    this.phase = "dispatch";
    this.startPs = context.nowPs;
    this.home.open(context, at);
    this.#post(context, this.protocol.prepareCopies());
  }

  beginCombine(context: ActorContext): void {
    const inbox = this.inboxOf((this.at as ExchangePlace).exchange);
    this.phase = "combine";
    this.startPs = context.nowPs;
    inbox.isPosting = true;
    this.#post(context, this.protocol.prepareResults(inbox));
  }

  /** Posts what the ports will take. */
  pump(context: ActorContext): void {
    const { chain, pumpTag } = this.#parts;
    const isDispatch = this.phase === "dispatch";
    while (this.#part < this.#partCount) {
      const backlogPs = this.protocol.backlogPs(context, isDispatch ? "copies" : "results");
      if (backlogPs > STOP_PS) {
        this.#pumpTimer = context.remindAfter(backlogPs - RESUME_PS, pumpTag, chain);
        return;
      }
      const part = this.#part;
      this.#part += 1;
      if (isDispatch) this.protocol.postCopies(context, part);
      else this.protocol.postResults(context, part);
    }
    this.#isPosting = false;
    if (isDispatch) this.#announce(context);
    else this.#collectNext();
  }

  /** Nothing that was begun goes on; what is open is lost to a fault. */
  abandon(context: ActorContext, fault: number): void {
    context.cancel(this.#pumpTimer);
    this.#isPosting = false;
    if (this.phase !== "idle") this.home.abandon(context, fault);
    this.phase = "idle";
  }

  /** Forgets everything; the next exchange has the number `start`. */
  beginAnew(context: ActorContext, start: number): void {
    const { chains, peers } = this.#parts;
    context.cancel(this.#pumpTimer);
    this.#isPosting = false;
    this.phase = "idle";
    this.at = undefined;
    this.#start = start;
    this.home.forget();
    this.protocol.forget();
    for (const exchange of [start, start + chains]) {
      this.#inboxes[this.#numberOf(exchange) & 1].reset(exchange, peers.live);
    }
  }

  /** The phase has all that it waits for; `chain`: its name, for facts. */
  end(context: ActorContext, chain: string): void {
    const at = this.at as ExchangePlace;
    const { layer, step } = at;
    const durationPs = context.nowPs - this.startPs;
    if (this.phase === "dispatch") {
      this.#endDispatch();
      const received = this.copies;
      context.record({ type: "dispatch.completed", layer, step, chain, received, durationPs });
      return;
    }
    const { combined, masked } = this.home.batch;
    this.phase = "idle";
    this.home.close(context, at);
    context.record({ type: "combine.completed", layer, step, chain, combined, masked, durationPs });
  }

  /** Everything dispatched to this rank is here; counts what its experts have to compute. */
  #endDispatch(): void {
    const inbox = this.inboxOf((this.at as ExchangePlace).exchange);
    const used = this.#used.fill(0);
    this.phase = "compute";
    this.copies = 0;
    this.expertsUsed = 0;
    for (let row = 0; row < inbox.count; row += 1) {
      if (isRefused(inbox.slot[row])) continue;
      this.copies += 1;
      const expert = expertOf(inbox.slot[row]);
      if (used[expert] === 0) this.expertsUsed += 1;
      used[expert] = 1;
    }
  }

  /** The count of a rank's copies: "that was all". */
  counted(context: ActorContext, packet: Packet, rank: number): void {
    const { words } = context.packets;
    this.inboxOf(words[packet + LAYER]).announce(rank, words[packet + SLOT]);
    context.packets.free(packet);
  }

  /**
   * Sends a rank again what it may still need and not have: open copies, and their count. A rank
   * that still waits for the count of an exchange that is over here was sent no copies in it.
   */
  sendAgain(context: ActorContext, rank: number): void {
    if (this.at === undefined) return;
    const { exchange } = this.at;
    const before = exchange - this.#parts.chains;
    if (this.phase === "idle") this.#tellCount(context, rank, exchange, 0);
    else {
      if (this.phase === "dispatch" && before >= 0) this.#tellCount(context, rank, before, 0);
      this.protocol.sendAgain(context, rank);
      const isTold = this.phase !== "dispatch" || !this.#isPosting;
      if (isTold) this.#tellCount(context, rank, exchange, this.home.sent[rank]);
    }
  }

  /** Drops what came from a rank and masks what it held; returns how many assignments. */
  dropRank(context: ActorContext, rank: number, fault: number): number {
    for (const inbox of this.#inboxes) inbox.forget(rank);
    this.protocol.dropRank(context, rank, fault);
    return this.home.dropRank(context, rank, fault);
  }

  #post(context: ActorContext, parts: number): void {
    this.#part = 0;
    this.#partCount = parts;
    this.#isPosting = true;
    this.pump(context);
  }

  /**
   * Tells every rank how many copies it was sent; next neighbours first, so that not all hit one
   * rank.
   */
  #announce(context: ActorContext): void {
    const { peers } = this.#parts;
    const { exchange } = this.at as ExchangePlace;
    this.inboxOf(exchange).announce(peers.rank, this.home.sent[peers.rank]);
    for (let distance = 1; distance < peers.size; distance += 1) {
      const rank = peers.around(distance);
      if (!peers.isMasked(rank)) this.#tellCount(context, rank, exchange, this.home.sent[rank]);
    }
  }

  #tellCount(context: ActorContext, rank: number, exchange: number, count: number): void {
    const { peers, messenger } = this.#parts;
    const actor = peers.actorOf[rank];
    const packet = messenger.control(context, PacketKind.dispatchCount, actor, count);
    context.packets.words[packet + LAYER] = exchange;
    messenger.post(context, packet);
  }

  /** All results of this exchange are posted: its inbox is for the one after the next. */
  #collectNext(): void {
    const { exchange } = this.at as ExchangePlace;
    const { chains, peers } = this.#parts;
    this.inboxOf(exchange).reset(exchange + 2 * chains, peers.live);
  }

  #numberOf(exchange: number): number {
    return Math.floor(exchange / this.#parts.chains);
  }
}
