/**
 * The queue pairs of one NIC, one per remote NIC. Each is both ends of InfiniBand RC: the
 * requester's sequence numbers and unacknowledged messages, and the responder's expectation.
 *
 * A queue pair has an incarnation, a number on which the GPUs at both ends agree when they begin
 * anew. Sequence numbers begin at incarnation x 2^24, so that what is left on the way of an earlier
 * incarnation is told from what belongs to this one.
 */
import { violated } from "../../src/base/assert.ts";
import { type ActorContext, NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import type { PacketPool } from "../../src/model/packet.ts";
import { EarlyArrivals } from "./early-arrivals.ts";
import type { PlaneSuspicion } from "./plane-suspicion.ts";
import { SendRing } from "./send-ring.ts";

/** No port had its turn yet. */
const NO_TURN = -1;
/** No sequence number. */
export const NO_PSN = -1;
/** Sequence numbers of one incarnation, as many as InfiniBand has: 24 bits. */
const PSN_BITS = 24;
/** The highest incarnation: sequence numbers are below 2^31. */
export const INCARNATION_MAX = 127;
/** Incarnation of all queue pairs when a run begins: their ends know each other. */
export const FIRST_INCARNATION = 0;
/** Incarnation of a queue pair whose NIC has forgotten everything: it takes nothing until reset. */
export const UNCONNECTED = -1;

export class QueuePair {
  /** Place in the NIC's list: what a reminder names it by. */
  readonly place: number;
  /** Actor index of the remote NIC. */
  readonly remote: number;
  incarnation: number;
  /** Requester: sequence number of the next packet. */
  nextPsn: number;
  /** Retries since the last progress; given up when they are used up. */
  retries = 0;
  failed: boolean;
  timer: TimerId = NO_TIMER;
  /** Packets sent since one asked for an acknowledgement. */
  unrequested = 0;
  /** The packet that asked for an acknowledgement last; has any come since? */
  askedPsn = NO_PSN;
  wasAnswered = false;
  readonly sent: SendRing;
  /** Responder: sequence number expected next; has it complained about the gap before it? */
  expectedPsn: number;
  complained = false;
  /** Responder that takes any order: what has arrived of the messages behind a gap. */
  readonly early = new EarlyArrivals();
  /** The last message that asked for an acknowledgement and has none yet; NO_PSN: there is none. */
  owedPsn = NO_PSN;
  /** NIC with several ports: port, from 0, whose turn it is. */
  turn = NO_TURN;
  /** NIC with several ports: planes that do not seem to work; undefined while none ever did. */
  suspicion: PlaneSuspicion | undefined;

  constructor(place: number, remote: number, incarnation: number, withPorts: boolean) {
    this.place = place;
    this.remote = remote;
    this.sent = new SendRing(withPorts);
    this.incarnation = incarnation;
    this.nextPsn = firstPsnOf(incarnation);
    this.expectedPsn = this.nextPsn;
    this.failed = incarnation === UNCONNECTED;
  }

  /** Sequence number of the oldest unacknowledged packet; the next one's when there is none. */
  get firstPsn(): number {
    return this.nextPsn - this.sent.count;
  }

  /** Has the responder taken any message in this incarnation? */
  get hasArrivals(): boolean {
    return this.expectedPsn > firstPsnOf(this.incarnation);
  }

  /** Takes the next sequence number. */
  takePsn(): number {
    const psn = this.nextPsn;
    this.nextPsn = psn + 1;
    if (incarnationOf(psn) !== this.incarnation) {
      violated("sequence-numbers-suffice", `incarnation ${this.incarnation} has used them up`);
    }
    return psn;
  }

  /** Notes that a packet which is sent now asks for an acknowledgement. */
  asks(psn: number): void {
    this.unrequested = 0;
    this.askedPsn = psn;
    this.wasAnswered = false;
  }

  /**
   * The unacknowledged message that is to blame when the ACK timeout has passed: the first missing
   * one, if the responder has said which that is; else the one that asked, since it or its answer
   * was lost. -1: none has asked. Its place among the unacknowledged.
   */
  get blamed(): number {
    const asked = this.askedPsn - this.firstPsn;
    return this.wasAnswered && asked >= 0 ? 0 : asked;
  }

  /** Does a sequence number belong to the present incarnation? */
  isOfNow(psn: number): boolean {
    return incarnationOf(psn) === this.incarnation;
  }

  /** Drops all that is held and begins anew; returns how many messages were unacknowledged. */
  reset(context: ActorContext, incarnation: number): number {
    const dropped = this.sent.count;
    this.release(context.packets);
    context.cancel(this.timer);
    this.timer = NO_TIMER;
    this.incarnation = incarnation;
    this.nextPsn = firstPsnOf(incarnation);
    this.expectedPsn = this.nextPsn;
    this.retries = 0;
    this.failed = false;
    this.asks(NO_PSN);
    this.complained = false;
    this.early.clear();
    this.owedPsn = NO_PSN;
    this.suspicion = undefined;
    return dropped;
  }

  /** Gives back the cargoes of all unacknowledged messages. */
  release(packets: PacketPool): void {
    this.sent.release(packets, this.sent.count);
  }
}

export class QueuePairs {
  readonly #incarnation: number;
  readonly #withPorts: boolean;
  readonly #pairs: QueuePair[] = [];
  readonly #byRemote = new Map<number, QueuePair>();

  /**
   * `incarnation` is what queue pairs have when first used; `withPorts`: keep by which port each
   * message went.
   */
  constructor(incarnation: number, withPorts: boolean) {
    this.#incarnation = incarnation;
    this.#withPorts = withPorts;
  }

  /** In the order of their first use. */
  get all(): readonly QueuePair[] {
    return this.#pairs;
  }

  /** The queue pair to a remote NIC; made when first used. */
  to(remote: number): QueuePair {
    const known = this.#byRemote.get(remote);
    if (known !== undefined) return known;
    const pair = new QueuePair(this.#pairs.length, remote, this.#incarnation, this.#withPorts);
    this.#pairs.push(pair);
    this.#byRemote.set(remote, pair);
    return pair;
  }

  at(place: number): QueuePair {
    return this.#pairs[place];
  }
}

function firstPsnOf(incarnation: number): number {
  return incarnation * (1 << PSN_BITS);
}

function incarnationOf(psn: number): number {
  return psn >> PSN_BITS;
}
