/**
 * A NIC with one network port: InfiniBand reliable connections. It keeps every message until it is
 * acknowledged, sends again when the ACK timeout (4.096 us x 2^n) passes or the responder complains
 * of a gap, and after the last retry fails the queue pair and returns its messages to their GPU.
 * It delivers each message once and in order, or says that it could not. Where switches route
 * adaptively the responder takes messages in any order, as ConnectX places RDMA writes: each once
 * and at once, acknowledged up to the first that is missing. A gap says nothing then, so what is
 * lost shows when the requester's timeout has passed.
 */
import { violated } from "../../src/base/assert.ts";
import { type Actor, type ActorContext, NO_TIMER } from "../../src/model/actor.ts";
import {
  KIND,
  KIND_MASK,
  NEXT_HOP,
  type Packet,
  PacketFlag,
  PacketKind,
  PSN,
  requestsOf,
  SIZE_BYTES,
  SOURCE,
} from "../../src/model/packet.ts";
import { PS_PER_NS } from "../../src/model/time.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { NO_PSN, type QueuePair, QueuePairs } from "./queue-pairs.ts";

/**
 * Bytes of an acknowledgement on the wire: LRH 8, BTH 12, AETH 4, ICRC 4, VCRC 2 (InfiniBand 1.4).
 */
const ACK_BYTES = 30;
/** A requester asks for an acknowledgement at least this often, in packets. */
const ACK_EVERY = 64;
/** An acknowledgement is the NIC's own: no work request stands behind it. */
const ACK_REQUESTS = 0;

export interface NicSpec {
  /** InfiniBand local ACK timeout exponent n. */
  readonly ackTimeoutExponent: number;
  readonly retryCount: number;
  /** Does the responder take messages of a queue pair in any order? */
  readonly anyOrder: boolean;
  /** Name of an actor, for facts. */
  readonly idOf: (actor: number) => string;
}

/** ACK timeout of InfiniBand RC, 4.096 us x 2^n, ps. */
export function ackTimeoutPs(exponent: number): number {
  let timeoutPs = 4_096 * PS_PER_NS;
  for (let doubling = 0; doubling < exponent; doubling += 1) timeoutPs *= 2;
  return timeoutPs;
}

export class Nic implements Actor {
  readonly #pairs = new QueuePairs();
  readonly #timeoutPs: number;
  readonly #retryCount: number;
  readonly #anyOrder: boolean;
  readonly #idOf: (actor: number) => string;

  constructor(spec: NicSpec) {
    this.#timeoutPs = ackTimeoutPs(spec.ackTimeoutExponent);
    this.#retryCount = spec.retryCount;
    this.#anyOrder = spec.anyOrder;
    this.#idOf = spec.idOf;
  }

  start(): void {}

  receive(context: ActorContext, port: number, packet: Packet): void {
    if (port === DevicePort.nicToGpu) {
      this.#post(context, packet);
      return;
    }
    const kind = context.packets.words[packet + KIND] & KIND_MASK;
    if (kind === PacketKind.ack) this.#acknowledged(context, packet, 1);
    else if (kind === PacketKind.nak) this.#complainedOf(context, packet);
    else if (this.#anyOrder) this.#arrivedInAnyOrder(context, packet);
    else this.#arrived(context, packet);
  }

  /** The ACK timeout of a queue pair has passed without progress. */
  remind(context: ActorContext, _tag: number, place: number): void {
    const pair = this.#pairs.at(place);
    pair.timer = NO_TIMER;
    const peer = this.#idOf(pair.remote);
    const outstanding = pair.sent.count;
    if (pair.retries === this.#retryCount) {
      context.record({ type: "qp.failed", peer, outstanding });
      this.#fail(context, pair);
      return;
    }
    pair.retries += 1;
    context.record({ type: "qp.timed-out", peer, retry: pair.retries, outstanding });
    this.#resend(context, pair, "timeout");
  }

  /** A message from the GPU for the NIC in NEXT_HOP. */
  #post(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const pair = this.#pairs.to(words[packet + NEXT_HOP]);
    if (pair.failed) {
      this.#giveBack(context, packet);
      return;
    }
    words[packet + SOURCE] = context.self;
    words[packet + PSN] = pair.nextPsn;
    pair.nextPsn += 1;
    const waiting = pair.unrequested + 1;
    if (waiting >= ACK_EVERY) words[packet + KIND] |= PacketFlag.ackRequest;
    pair.unrequested = (words[packet + KIND] & PacketFlag.ackRequest) !== 0 ? 0 : waiting;
    pair.sent.add(context.packets, packet);
    context.send(DevicePort.nicToLeaf, packet, requestsOf(words, packet));
    if (pair.timer === NO_TIMER) this.#arm(context, pair);
  }

  /** Requester: everything before PSN + `inclusive` has arrived. */
  #acknowledged(context: ActorContext, packet: Packet, inclusive: number): void {
    const { packets } = context;
    const pair = this.#pairs.to(packets.words[packet + SOURCE]);
    const until = packets.words[packet + PSN] + inclusive;
    packets.free(packet);
    if (until > pair.nextPsn) violated("ack-of-something-sent", `psn ${until - 1}`);
    const acknowledged = until - pair.firstPsn;
    if (acknowledged <= 0) return;
    pair.sent.release(context.packets, acknowledged);
    pair.retries = 0;
    context.cancel(pair.timer);
    pair.timer = NO_TIMER;
    if (pair.sent.count > 0) this.#arm(context, pair);
  }

  /** Requester: the responder saw a gap; it has everything before PSN. */
  #complainedOf(context: ActorContext, packet: Packet): void {
    const pair = this.#pairs.to(context.packets.words[packet + SOURCE]);
    this.#acknowledged(context, packet, 0);
    if (pair.sent.count > 0) this.#resend(context, pair, "nak");
  }

  /** Responder: a message from the network. */
  #arrived(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const pair = this.#pairs.to(words[packet + SOURCE]);
    const psn = words[packet + PSN];
    const expected = pair.expectedPsn;
    const wantsAck = (words[packet + KIND] & PacketFlag.ackRequest) !== 0;
    if (psn === expected) {
      pair.expectedPsn = expected + 1;
      pair.complained = false;
      this.#deliver(context, packet);
      if (wantsAck) this.#answer(context, pair, PacketKind.ack, psn);
      return;
    }
    context.packets.free(packet);
    if (psn < expected) {
      if (wantsAck) this.#answer(context, pair, PacketKind.ack, expected - 1);
      return;
    }
    if (pair.complained) return;
    pair.complained = true;
    this.#answer(context, pair, PacketKind.nak, expected);
  }

  /**
   * Responder: a message from a network in which others may have overtaken it. When it asks for an
   * acknowledgement it gets one for what is whole so far, and another when the gap before it is
   * closed.
   */
  #arrivedInAnyOrder(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const pair = this.#pairs.to(words[packet + SOURCE]);
    const psn = words[packet + PSN];
    const wantsAck = (words[packet + KIND] & PacketFlag.ackRequest) !== 0;
    if (psn === pair.expectedPsn) {
      pair.expectedPsn = pair.early.pass(psn + 1);
      this.#deliver(context, packet);
    } else if (psn > pair.expectedPsn && pair.early.add(psn, pair.expectedPsn)) {
      this.#deliver(context, packet);
    } else context.packets.free(packet);
    if (wantsAck && psn > pair.owedPsn) pair.owedPsn = psn;
    const isPaid = pair.owedPsn !== NO_PSN && pair.owedPsn < pair.expectedPsn;
    if (isPaid) pair.owedPsn = NO_PSN;
    if ((isPaid || wantsAck) && pair.expectedPsn > 0) {
      this.#answer(context, pair, PacketKind.ack, pair.expectedPsn - 1);
    }
  }

  /** Responder: hands a message to the GPU. */
  #deliver(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    words[packet + KIND] &= ~PacketFlag.ackRequest;
    context.send(DevicePort.nicToGpu, packet, requestsOf(words, packet));
  }

  #answer(context: ActorContext, pair: QueuePair, kind: number, psn: number): void {
    const packet = context.packets.take(kind);
    const { words } = context.packets;
    words[packet + NEXT_HOP] = pair.remote;
    words[packet + SOURCE] = context.self;
    words[packet + SIZE_BYTES] = ACK_BYTES;
    words[packet + PSN] = psn;
    context.send(DevicePort.nicToLeaf, packet, ACK_REQUESTS);
  }

  /** Sends everything unacknowledged again (go-back-N); the last asks for an acknowledgement. */
  #resend(context: ActorContext, pair: QueuePair, cause: "timeout" | "nak"): void {
    const { packets } = context;
    const { count } = pair.sent;
    for (let index = 0; index < count; index += 1) {
      const copy = pair.sent.copyOf(packets, index);
      if (index === count - 1) packets.words[copy + KIND] |= PacketFlag.ackRequest;
      context.send(DevicePort.nicToLeaf, copy, requestsOf(packets.words, copy));
    }
    pair.unrequested = 0;
    const peer = this.#idOf(pair.remote);
    context.record({ type: "qp.retransmitted", peer, packets: count, cause });
    context.cancel(pair.timer);
    this.#arm(context, pair);
  }

  /** Gives every unacknowledged message back; the queue pair takes no more. */
  #fail(context: ActorContext, pair: QueuePair): void {
    const { count } = pair.sent;
    pair.failed = true;
    for (let index = 0; index < count; index += 1) {
      this.#giveBack(context, pair.sent.copyOf(context.packets, index));
    }
    pair.sent.release(context.packets, count);
  }

  #giveBack(context: ActorContext, packet: Packet): void {
    context.packets.words[packet + KIND] |= PacketFlag.failed;
    context.send(DevicePort.nicToGpu, packet);
  }

  #arm(context: ActorContext, pair: QueuePair): void {
    pair.timer = context.remindAfter(this.#timeoutPs, 0, pair.place);
  }
}
