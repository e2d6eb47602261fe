/**
 * How a rank gives another up: DeepEP's rank mask. It masks a rank when the transport says that a
 * message cannot reach it, when it does not answer a probe after a long wait, or when that rank
 * says that it has given this one up. From then on nothing is sent to it, its share of every
 * combine is skipped, and weights are not renormalised. A masked rank is told by every
 * other way there is, since this rank cannot know which of them work; so it need not wait for what
 * will never come.
 *
 * With failover a message that the transport gives back is first sent again, by one detour after
 * another. Where silence traps, as by default in DeepEP, a rank masks nobody: it ends its own job
 * and tells nobody, so its peers find out by their own clocks.
 */
import { type ActorContext, NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  type Packet,
  PacketKind,
  SLOT,
} from "../../src/model/packet.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";

/** Reminders of this policy; they share the GPU's. */
export const MaskTag = { waitedLong: 3, probesDue: 4 } as const;

/** What the policy needs of the rank that it serves. */
export interface MaskHost {
  /** Is this rank still needed for the current phase? */
  isMissing(rank: number): boolean;
  /** Does anything wait for other ranks? */
  readonly isWaiting: boolean;
  /** Start of the previous layer, ps: how far back a fault may explain a mask. */
  readonly lookBackPs: number;
  /** Ends the open assignments to a rank as masked, forgets what came from it; returns how many. */
  dropRank(context: ActorContext, rank: number, fault: number): number;
  /** Goes on if the phase is complete now. */
  progress(context: ActorContext): void;
  /** A rank was given up, and that was said. */
  rankMasked(context: ActorContext, rank: number, fault: number): void;
  /** The rank's part in the run is over; what is open is lost to a fault. */
  endJob(context: ActorContext, fault: number): void;
}

export interface MaskClocks {
  /** Wait before a rank is asked whether it lives (DeepEP: 100 s), ps. */
  readonly waitTimeoutPs: number;
  /** Time that an answer may take: longer than the transport needs to fail, ps. */
  readonly probeSpanPs: number;
}

/**
 * Rounds of probes that a rank may answer and still be missing, when a fault lies between the two:
 * ours; enough for those whom it waits for to be given up first.
 */
const HOPELESS_ROUNDS = 3;

type MaskReason = "send-failed" | "no-answer" | "notice" | "operator";

export class MaskPolicy {
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #host: MaskHost;
  readonly #clocks: MaskClocks;
  readonly #idOf: (actor: number) => string;
  readonly #isNormal: boolean;
  readonly #traps: boolean;
  #hasTrapped = false;
  readonly #answered: Uint8Array;
  /** By rank: rounds of probes in a row after which it was still missing. */
  readonly #rounds: Int32Array;
  #timer: TimerId = NO_TIMER;
  /** Tag of the clock that ran out while the process hung; 0: none did. */
  #missed = 0;
  #suspects: number[] = [];

  constructor(options: {
    readonly peers: Peers;
    readonly messenger: Messenger;
    readonly host: MaskHost;
    readonly clocks: MaskClocks;
    /** The normal protocol, in which copies and results pass through other ranks. */
    readonly isNormal: boolean;
    /** Does a rank end its job in place of masking a silent one? */
    readonly traps: boolean;
    readonly idOf: (actor: number) => string;
  }) {
    this.#peers = options.peers;
    this.#messenger = options.messenger;
    this.#host = options.host;
    this.#clocks = options.clocks;
    this.#isNormal = options.isNormal;
    this.#traps = options.traps;
    this.#idOf = options.idOf;
    this.#answered = new Uint8Array(options.peers.size);
    this.#rounds = new Int32Array(options.peers.size);
  }

  /** A wait begins: after the wait timeout the missing ranks are asked whether they live. */
  startWait(context: ActorContext): void {
    if (this.#hasTrapped) return;
    context.cancel(this.#timer);
    this.#timer = context.remindAfter(this.#clocks.waitTimeoutPs, MaskTag.waitedLong, 0);
  }

  /** Something waits; a wait that has begun goes on. */
  ensureWait(context: ActorContext): void {
    if (this.#timer === NO_TIMER) this.startWait(context);
  }

  endWait(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
  }

  /** A clock ran out while the rank's process hung. */
  missed(tag: number): void {
    this.#timer = NO_TIMER;
    this.#missed = tag;
  }

  /**
   * The process goes on and has handled what came meanwhile: the clock that it missed counts,
   * unless what it measured is over.
   */
  resumed(context: ActorContext): void {
    const missed = this.#missed;
    this.#missed = 0;
    if (missed === 0 || this.#timer !== NO_TIMER || !this.#host.isWaiting) return;
    if (missed === MaskTag.waitedLong) this.askWhoLives(context);
    else this.maskTheSilent(context);
  }

  /** The wait timeout has passed. */
  askWhoLives(context: ActorContext): void {
    const peers = this.#peers;
    this.#timer = NO_TIMER;
    this.#suspects = [];
    for (let rank = 0; rank < peers.size; rank += 1) {
      if (this.#isSuspect(rank)) this.#suspects.push(rank);
    }
    const missing = this.#suspects
      .filter((rank) => this.#host.isMissing(rank))
      .map((rank) => this.#idOf(peers.actorOf[rank]));
    context.record({ type: "rank.wait-timed-out", missing });
    for (const rank of this.#suspects) {
      this.#answered[rank] = 0;
      this.#send(context, PacketKind.probe, rank, 0);
    }
    this.#timer = context.remindAfter(this.#clocks.probeSpanPs, MaskTag.probesDue, 0);
  }

  /** Answers to the probes are due: whoever is still missing and said nothing is given up. */
  maskTheSilent(context: ActorContext): void {
    this.#timer = NO_TIMER;
    for (let rank = 0; rank < this.#rounds.length; rank += 1) {
      this.#rounds[rank] = this.#isSuspect(rank) ? this.#rounds[rank] + 1 : 0;
    }
    const isSilent = (rank: number): boolean =>
      this.#isSuspect(rank) && (this.#answered[rank] === 0 || this.#isHopeless(context, rank));
    const silent = this.#suspects.filter(isSilent);
    if (this.#traps && silent.length > 0) {
      this.#trap(context, silent);
      return;
    }
    for (const rank of silent) {
      if (!isSilent(rank)) continue;
      this.mask(context, rank, "no-answer");
      this.#maskBeyond(context, rank);
    }
    if (this.#host.isWaiting) this.ensureWait(context);
  }

  /**
   * It answers, round after round, and what is missing does not come: a fault between the two has
   * swallowed it. NVLink has no transport that would send it again.
   */
  #isHopeless(context: ActorContext, rank: number): boolean {
    if (this.#rounds[rank] < HOPELESS_ROUNDS) return false;
    const actor = this.#peers.actorOf[rank];
    return context.faults.between(context.self, actor, this.#host.lookBackPs) !== NO_FAULT;
  }

  /** A rank that is missing, or through which copies or results of a missing one pass. */
  #isSuspect(rank: number): boolean {
    const peers = this.#peers;
    if (rank === peers.rank || peers.isMasked(rank)) return false;
    if (this.#host.isMissing(rank)) return true;
    return this.#isNormal && peers.behind(rank).some((other) => this.#host.isMissing(other));
  }

  /** A silent GPU of this node relays nothing either: whoever is reached through it is cut off. */
  #maskBeyond(context: ActorContext, silent: number): void {
    for (let rank = 0; rank < this.#peers.size; rank += 1) {
      if (this.#messenger.isReachedThrough(rank, silent)) this.mask(context, rank, "send-failed");
    }
  }

  /**
   * Gives a rank up; the second time nothing happens. `fault` is known when the other side said it.
   */
  mask(context: ActorContext, rank: number, reason: MaskReason, fault?: number): void {
    const peers = this.#peers;
    if (peers.isMasked(rank) || this.#hasTrapped) return;
    // What the operator wants, or a peer says, is no trap: nobody was found silent.
    if (this.#traps && fault === undefined) {
      this.#trap(context, [rank]);
      return;
    }
    const actor = peers.actorOf[rank];
    const cause = fault ?? context.faults.between(context.self, actor, this.#host.lookBackPs);
    peers.mask(rank, { fault: cause, atPs: context.nowPs });
    const assignments = this.#host.dropRank(context, rank, cause);
    context.record({
      type: "rank.masked",
      rank: this.#idOf(actor),
      fault: context.faults.nameOf(cause),
      assignments,
      reason,
    });
    this.#host.rankMasked(context, rank, cause);
    // Nothing is broken when the operator wants it: the usual way will do, behind what was sent.
    if (reason === "operator") this.#send(context, PacketKind.maskNotice, rank, cause);
    else if (reason !== "notice") this.#sendNotices(context, rank, cause);
    if (this.#isNormal) {
      for (const other of peers.behind(rank)) this.mask(context, other, "send-failed", cause);
    }
    this.#host.progress(context);
  }

  /**
   * A message of this rank came back: the transport could not deliver it. It goes again by another
   * way if there is one; notices went by all of them.
   */
  sendFailed(context: ActorContext, packet: Packet): void {
    const { packets } = context;
    const words = packets.words;
    const rank = this.#peers.rankOf(words[packet + DESTINATION]);
    const isNotice = (words[packet + KIND] & KIND_MASK) === PacketKind.maskNotice;
    const isNeeded = !isNotice && !this.#peers.isMasked(rank) && !this.#hasTrapped;
    if (isNeeded && this.#messenger.sendAgain(context, packet)) return;
    packets.free(packet);
    if (isNeeded) this.mask(context, rank, "send-failed");
  }

  /** A notice, a probe or an answer from a rank. */
  controlArrived(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const kind = packets.words[packet + KIND] & KIND_MASK;
    const fault = packets.words[packet + SLOT];
    packets.free(packet);
    if (this.#hasTrapped) return;
    if (kind === PacketKind.maskNotice) this.mask(context, rank, "notice", fault);
    else if (kind === PacketKind.probeAnswer) this.#answered[rank] = 1;
    else {
      const mask = this.#peers.maskOf(rank);
      if (mask === undefined) this.#send(context, PacketKind.probeAnswer, rank, 0);
      else this.#sendNotices(context, rank, mask.fault);
    }
  }

  /** Ends the job of this rank, which cannot work with some others. */
  #trap(context: ActorContext, ranks: readonly number[]): void {
    const { actorOf } = this.#peers;
    const cause = this.#causeOf(context, ranks);
    this.#hasTrapped = true;
    this.endWait(context);
    context.record({
      type: "rank.trapped",
      missing: ranks.map((rank) => this.#idOf(actorOf[rank])),
      fault: context.faults.nameOf(cause),
    });
    this.#host.endJob(context, cause);
  }

  /**
   * The fault behind some ranks' silence: what cuts them off from this rank, or from any other of
   * the group, for which they may have trapped; else what cuts any two ranks off from each other.
   */
  #causeOf({ faults, self }: ActorContext, silent: readonly number[]): number {
    const { actorOf } = this.#peers;
    const since = this.#host.lookBackPs;
    const missing = silent.map((rank) => actorOf[rank]);
    for (const [some, others] of [
      [missing, [self]],
      [missing, actorOf],
      [actorOf, actorOf],
    ]) {
      for (const one of some) {
        for (const other of others) {
          const fault = one === other ? NO_FAULT : faults.between(other, one, since);
          if (fault !== NO_FAULT) return fault;
        }
      }
    }
    return NO_FAULT;
  }

  #send(context: ActorContext, kind: number, rank: number, slot: number): void {
    const actor = this.#peers.actorOf[rank];
    this.#messenger.post(context, this.#messenger.control(context, kind, actor, slot));
  }

  /** Tells a rank by every detour; it heeds the first notice that gets through. */
  #sendNotices(context: ActorContext, rank: number, fault: number): void {
    const actor = this.#peers.actorOf[rank];
    const ways = this.#peers.isLocal(actor) ? 1 : this.#peers.detours;
    // A rank behind another may well be reached on the usual way, and on no other.
    if (this.#isNormal) this.#send(context, PacketKind.maskNotice, rank, fault);
    for (let way = 0; way < ways; way += 1) {
      const packet = this.#messenger.control(context, PacketKind.maskNotice, actor, fault);
      this.#messenger.detour(context, packet, way);
    }
  }
}
