/**
 * How a rank gives another up: DeepEP's rank mask. It masks a rank when the transport says that a
 * message cannot reach it, when it does not answer a probe after a long wait, or when that rank
 * says that it has given this one up. From then on nothing is sent to it, its share of every
 * combine is skipped, and weights are not renormalised. A masked rank is told by every
 * other way there is, since this rank cannot know which of them work; so it need not wait for what
 * will never come.
 *
 * With failover a message that the transport gives back is first sent again, by one detour after
 * another, and what a dead GPU was to pass on is asked for again (roll-call.ts). Where silence
 * traps, as by default in DeepEP, a rank masks nobody: it ends its own job and tells nobody, so its
 * peers find out by their own clocks.
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
import type { OpenWork } from "./open-work.ts";
import type { Peers } from "./peers.ts";
import { RollCall } from "./roll-call.ts";

/** Reminders of this policy; they share the GPU's. */
export const MaskTag = { waitedLong: 3, probesDue: 4 } as const;

/** What the policy needs of the rank that it serves. */
export interface MaskHost {
  /** Goes on if the phase is complete now. */
  progress(context: ActorContext): void;
  /** A rank was given up, and that was said. */
  rankMasked(context: ActorContext, rank: number, reason: MaskReason, fault: number): void;
  /** The rank's job is over, since some others are silent; what is open is lost to a fault. */
  trapped(context: ActorContext, ranks: readonly number[], fault: number): void;
}

export interface MaskClocks {
  /** Wait before a rank is asked whether it lives (DeepEP: 100 s), ps. */
  readonly waitTimeoutPs: number;
  /** Time that an answer may take: longer than the transport needs to fail, ps. */
  readonly probeSpanPs: number;
}

export type MaskReason = "send-failed" | "no-answer" | "notice" | "operator" | "controller";

export class MaskPolicy {
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #host: MaskHost;
  readonly #work: OpenWork;
  readonly #clocks: MaskClocks;
  readonly #idOf: (actor: number) => string;
  readonly #isNormal: boolean;
  readonly #traps: boolean;
  #hasTrapped = false;
  readonly #rollCall: RollCall;
  #timer: TimerId = NO_TIMER;
  /** Tag of the clock that ran out while the process hung; 0: none did. */
  #missed = 0;

  constructor(options: {
    readonly peers: Peers;
    readonly messenger: Messenger;
    readonly host: MaskHost;
    readonly work: OpenWork;
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
    this.#work = options.work;
    this.#clocks = options.clocks;
    this.#isNormal = options.isNormal;
    this.#traps = options.traps;
    this.#idOf = options.idOf;
    this.#rollCall = new RollCall(options);
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
    if (missed === 0 || this.#timer !== NO_TIMER || !this.#work.isWaiting) return;
    if (missed === MaskTag.waitedLong) this.askWhoLives(context);
    else this.maskTheSilent(context);
  }

  /** There is a new membership: nobody is waited for, and nobody has trapped. */
  forget(context: ActorContext): void {
    this.endWait(context);
    this.#missed = 0;
    this.#hasTrapped = false;
    this.#rollCall.forget();
  }

  /** The wait timeout has passed. */
  askWhoLives(context: ActorContext): void {
    const missing = this.#rollCall.begin(context);
    context.record({
      type: "rank.wait-timed-out",
      missing: missing.map((rank) => this.#idOf(this.#peers.actorOf[rank])),
    });
    this.#timer = context.remindAfter(this.#clocks.probeSpanPs, MaskTag.probesDue, 0);
  }

  /** Answers to the probes are due: whoever is still missing and said nothing is given up. */
  maskTheSilent(context: ActorContext): void {
    this.#timer = NO_TIMER;
    const silent = this.#rollCall.silent(context);
    if (this.#traps && silent.length > 0) {
      this.#trap(context, silent);
      return;
    }
    for (const rank of silent) {
      if (!this.#rollCall.isSilent(context, rank)) continue;
      this.mask(context, rank, "no-answer");
      if (!this.#rollCall.hasAnswered(rank)) this.#maskBeyond(context, rank);
    }
    this.#rollCall.askAgain(context, silent);
    if (this.#work.isWaiting) this.ensureWait(context);
  }

  /**
   * A silent GPU of this node may not pass anything on either: then whoever is reached through it
   * is cut off. A process that hangs leaves those be, and so does a way round.
   */
  #maskBeyond(context: ActorContext, silent: number): void {
    for (let rank = 0; rank < this.#peers.size; rank += 1) {
      if (this.#rollCall.hasAnswered(rank)) continue;
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
    const cause = fault ?? context.faults.between(context.self, actor, this.#work.lookBackPs);
    peers.mask(rank, { fault: cause, atPs: context.nowPs });
    const assignments = this.#work.dropRank(context, rank, cause);
    context.record({
      type: "rank.masked",
      rank: this.#idOf(actor),
      fault: context.faults.nameOf(cause),
      assignments,
      reason,
    });
    this.#host.rankMasked(context, rank, reason, cause);
    // Nothing is broken when the operator wants it: the usual way will do, behind what was sent.
    if (reason === "operator") this.#send(context, PacketKind.maskNotice, rank, cause);
    else if (reason !== "notice" && reason !== "controller") {
      this.#sendNotices(context, rank, cause);
    }
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

  /** A notice, a probe, an answer, or a rank that asks for what is open. */
  controlArrived(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const kind = packets.words[packet + KIND] & KIND_MASK;
    const slot = packets.words[packet + SLOT];
    packets.free(packet);
    if (this.#hasTrapped) {
      // Only with a controller does anything still answer.
      if (kind === PacketKind.probe) this.#rollCall.asked(context, rank, slot);
      return;
    }
    if (kind === PacketKind.maskNotice) this.mask(context, rank, "notice", slot);
    else if (kind === PacketKind.probeAnswer) this.#rollCall.answered(rank, slot);
    else {
      const mask = this.#peers.maskOf(rank);
      if (mask !== undefined) this.#sendNotices(context, rank, mask.fault);
      else if (kind === PacketKind.probe) this.#rollCall.asked(context, rank, slot);
      else if (!this.#rollCall.askedAgain(context, rank, slot)) {
        this.mask(context, rank, "send-failed");
      }
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
    this.#host.trapped(context, ranks, cause);
  }

  /**
   * The fault behind some ranks' silence: what cuts them off from this rank, or from any other of
   * the group, for which they may have trapped; else what cuts any two ranks off from each other.
   */
  #causeOf({ faults, self }: ActorContext, silent: readonly number[]): number {
    const { actorOf } = this.#peers;
    const since = this.#work.lookBackPs;
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
