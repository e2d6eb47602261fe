/**
 * Who is waited for too long, and what comes of asking them whether they live. Asked is whoever is
 * missing, whoever passes on what a missing one sends here, and whoever is reached through one of
 * these: a GPU that is silent may still pass on, or not.
 *
 * With failover probes and answers go by every way there is. Who lives and does not get through by
 * the way that it uses is told so: it takes another one, and both send again what is open.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { PacketKind } from "../../src/model/packet.ts";
import { USUAL_WAY } from "./fallback.ts";
import type { Messenger } from "./messenger.ts";
import type { OpenWork } from "./open-work.ts";
import type { Peers } from "./peers.ts";

/**
 * In SLOT a way is a number above 0: 0 is the way in use (of a probe or answer), or none (of what
 * asks for things again).
 */
const FIRST_WAY = 1 - USUAL_WAY;

/** What a rank has answered: nothing, by another way only, or by the way that it uses. */
const Answer = { none: 0, astray: 1, straight: 2 } as const;

/**
 * Rounds of probes that a rank may answer and still be missing, when a fault lies between the two:
 * ours; enough for those whom it waits for to be given up first.
 */
const HOPELESS_ROUNDS = 3;

export class RollCall {
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #work: OpenWork;
  /** The normal protocol, in which copies and results pass through other ranks. */
  readonly #isNormal: boolean;
  readonly #answers: Uint8Array;
  /** By rank that answered by another way: the way that it uses, which does not work. */
  readonly #lost: Int16Array;
  /** By rank: rounds of probes in a row after which it was still missing. */
  readonly #rounds: Int32Array;
  /** Whoever is missing, or passes on for those. */
  #suspects: number[] = [];

  constructor(options: {
    readonly peers: Peers;
    readonly messenger: Messenger;
    readonly work: OpenWork;
    readonly isNormal: boolean;
  }) {
    this.#peers = options.peers;
    this.#messenger = options.messenger;
    this.#work = options.work;
    this.#isNormal = options.isNormal;
    this.#answers = new Uint8Array(options.peers.size);
    this.#lost = new Int16Array(options.peers.size);
    this.#rounds = new Int32Array(options.peers.size);
  }

  /** Asks everybody who may be to blame; returns the ranks that are missing. */
  begin(context: ActorContext): number[] {
    const { size } = this.#peers;
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    this.#suspects = ranks.filter((rank) => this.#isSuspect(rank));
    for (const rank of ranks) {
      if (this.#suspects.includes(rank) || this.#isBeyond(rank)) this.#ask(context, rank);
    }
    return this.#suspects.filter((rank) => this.#work.isMissing(rank));
  }

  /** Answers are due: who is to be given up. */
  silent(context: ActorContext): number[] {
    for (let rank = 0; rank < this.#rounds.length; rank += 1) {
      this.#rounds[rank] = this.#isMissed(rank) ? this.#rounds[rank] + 1 : 0;
    }
    return this.#suspects.filter((rank) => this.isSilent(context, rank));
  }

  /** Is a suspect still one, and has it said nothing, or is it no use to wait for it? */
  isSilent(context: ActorContext, rank: number): boolean {
    return this.#isSuspect(rank) && (!this.hasAnswered(rank) || this.#isHopeless(context, rank));
  }

  hasAnswered(rank: number): boolean {
    return this.#answers[rank] !== Answer.none;
  }

  /**
   * With failover nothing is lost for good on the way between ranks that live: they send each other
   * again what is open. Whose messages pass through one of the silent is told to go round it.
   */
  askAgain(context: ActorContext, silent: readonly number[]): void {
    if (!this.#messenger.resends) return;
    for (let rank = 0; rank < this.#peers.size; rank += 1) {
      if (this.#peers.isMasked(rank)) continue;
      if (silent.some((relay) => this.#messenger.isReachedFrom(rank, relay))) {
        this.#send(context, PacketKind.sendAgain, rank, USUAL_WAY + FIRST_WAY);
      } else if (this.#suspects.includes(rank) && this.#isMissed(rank)) {
        const isAstray = this.#answers[rank] === Answer.astray;
        const slot = isAstray ? this.#lost[rank] + FIRST_WAY : 0;
        this.#send(context, PacketKind.sendAgain, rank, slot);
      } else continue;
      this.#work.sendAgain(context, rank);
    }
  }

  /** A rank asks: it is answered by the way in use, and by the one by which its probe came. */
  asked(context: ActorContext, rank: number, slot: number): void {
    this.#send(context, PacketKind.probeAnswer, rank, 0);
    const way = slot - FIRST_WAY;
    const used = this.#messenger.wayTo(rank);
    if (slot === 0 || way === used) return;
    this.#send(context, PacketKind.probeAnswer, rank, used + FIRST_WAY, way);
  }

  /** Forgets who was waited for. */
  forget(): void {
    this.#answers.fill(Answer.none);
    this.#rounds.fill(0);
    this.#suspects = [];
  }

  /** A rank answers. */
  answered(rank: number, slot: number): void {
    if (slot === 0) this.#answers[rank] = Answer.straight;
    else if (this.#answers[rank] === Answer.none) {
      this.#answers[rank] = Answer.astray;
      this.#lost[rank] = slot - FIRST_WAY;
    }
  }

  /** A rank asks for what is open; false when no way to it is left. */
  askedAgain(context: ActorContext, rank: number, slot: number): boolean {
    if (slot !== 0 && !this.#messenger.leave(context, rank, slot - FIRST_WAY)) return false;
    this.#work.sendAgain(context, rank);
    return true;
  }

  /** A rank that is missed, or that passes on what a missing one sends here. */
  #isSuspect(rank: number): boolean {
    if (this.#isMissed(rank)) return true;
    const peers = this.#peers;
    if (rank === peers.rank || peers.isMasked(rank)) return false;
    const passesOn = (other: number): boolean => this.#messenger.isReachedFrom(other, rank);
    return peers.actorOf.some((_, other) => passesOn(other) && this.#work.isMissing(other));
  }

  /** A rank that is missing; normal protocol: or through which what is missing passes. */
  #isMissed(rank: number): boolean {
    const peers = this.#peers;
    if (rank === peers.rank || peers.isMasked(rank)) return false;
    if (this.#work.isMissing(rank)) return true;
    return this.#isNormal && peers.behind(rank).some((other) => this.#work.isMissing(other));
  }

  /** Do messages to a rank pass through a suspect of this node? */
  #isBeyond(rank: number): boolean {
    if (this.#peers.isMasked(rank)) return false;
    return this.#suspects.some((suspect) => this.#messenger.isReachedThrough(rank, suspect));
  }

  /**
   * It answers, round after round, and what is missing does not come: a fault between the two has
   * swallowed it. NVLink has no transport that would send it again.
   */
  #isHopeless(context: ActorContext, rank: number): boolean {
    if (this.#rounds[rank] < HOPELESS_ROUNDS || !this.#isMissed(rank)) return false;
    const actor = this.#peers.actorOf[rank];
    return context.faults.between(context.self, actor, this.#work.lookBackPs) !== NO_FAULT;
  }

  /** Asks a rank; what it answered before is forgotten. */
  #ask(context: ActorContext, rank: number): void {
    this.#answers[rank] = Answer.none;
    this.#send(context, PacketKind.probe, rank, 0);
    const { detours, actorOf } = this.#peers;
    if (!this.#messenger.resends || this.#peers.isLocal(actorOf[rank])) return;
    const used = this.#messenger.wayTo(rank);
    for (let way = 0; way < detours; way += 1) {
      if (way !== used) this.#send(context, PacketKind.probe, rank, way + FIRST_WAY, way);
    }
  }

  /** Sends a message without token data by the way in use, or by a detour. */
  #send(context: ActorContext, kind: number, rank: number, slot: number, way = USUAL_WAY): void {
    const packet = this.#messenger.control(context, kind, this.#peers.actorOf[rank], slot);
    if (way === USUAL_WAY) this.#messenger.post(context, packet);
    else this.#messenger.detour(context, packet, way);
  }
}
