/**
 * A NIC with one network port: InfiniBand reliable connections. It keeps every message until it is
 * acknowledged, sends again when the ACK timeout (4.096 us x 2^n) passes or the responder complains
 * of a gap, and after the last retry fails the queue pair and returns its messages to their GPU.
 * It delivers each message once and in order, or says that it could not.
 */
import { violated } from "../../src/base/assert.ts";
import { type Actor, type ActorContext, NO_TIMER } from "../../src/model/actor.ts";
import {
  KIND,
  KIND_MASK,
  NEXT,
  NEXT_HOP,
  NO_PACKET,
  type Packet,
  PacketFlag,
  PacketKind,
  PSN,
  SIZE_BYTES,
  SOURCE,
} from "../../src/model/packet.ts";
import { PS_PER_NS } from "../../src/model/time.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { QueuePairs } from "./queue-pairs.ts";

/**
 * Bytes of an acknowledgement on the wire: LRH 8, BTH 12, AETH 4, ICRC 4, VCRC 2 (InfiniBand 1.4).
 */
const ACK_BYTES = 30;
/** A requester asks for an acknowledgement at least this often, in packets. */
const ACK_EVERY = 64;

export interface NicSpec {
  /** InfiniBand local ACK timeout exponent n. */
  readonly ackTimeoutExponent: number;
  readonly retryCount: number;
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
  readonly #idOf: (actor: number) => string;

  constructor(spec: NicSpec) {
    this.#timeoutPs = ackTimeoutPs(spec.ackTimeoutExponent);
    this.#retryCount = spec.retryCount;
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
    else this.#arrived(context, packet);
  }

  /** The ACK timeout of a queue pair has passed without progress. */
  remind(context: ActorContext, _tag: number, pair: number): void {
    const pairs = this.#pairs;
    pairs.timer[pair] = NO_TIMER;
    const peer = this.#idOf(pairs.remote[pair]);
    const outstanding = pairs.outstanding[pair];
    if (pairs.retries[pair] === this.#retryCount) {
      context.record({ type: "qp.failed", peer, outstanding });
      this.#fail(context, pair);
      return;
    }
    pairs.retries[pair] += 1;
    context.record({ type: "qp.timed-out", peer, retry: pairs.retries[pair], outstanding });
    this.#resend(context, pair, "timeout");
  }

  /** A message from the GPU for the NIC in NEXT_HOP. */
  #post(context: ActorContext, packet: Packet): void {
    const pairs = this.#pairs;
    const pair = pairs.to(context.packets.words[packet + NEXT_HOP]);
    if (pairs.failed[pair]) {
      this.#giveBack(context, packet);
      return;
    }
    const words = context.packets.words;
    const psn = pairs.nextPsn[pair];
    pairs.nextPsn[pair] = psn + 1;
    words[packet + SOURCE] = context.self;
    words[packet + PSN] = psn;
    const waiting = pairs.unrequested[pair] + 1;
    if (waiting >= ACK_EVERY) words[packet + KIND] |= PacketFlag.ackRequest;
    pairs.unrequested[pair] = (words[packet + KIND] & PacketFlag.ackRequest) !== 0 ? 0 : waiting;
    pairs.hold(context.packets, pair, packet);
    context.send(DevicePort.nicToLeaf, context.packets.clone(packet));
    if (pairs.timer[pair] === NO_TIMER) this.#arm(context, pair);
  }

  /** Requester: everything before PSN + `inclusive` has arrived. */
  #acknowledged(context: ActorContext, packet: Packet, inclusive: number): void {
    const pairs = this.#pairs;
    const { packets } = context;
    const pair = pairs.to(packets.words[packet + SOURCE]);
    const until = packets.words[packet + PSN] + inclusive;
    packets.free(packet);
    if (until > pairs.nextPsn[pair]) violated("ack-of-something-sent", `psn ${until - 1}`);
    let progress = false;
    while (pairs.head[pair] !== NO_PACKET && packets.words[pairs.head[pair] + PSN] < until) {
      packets.free(pairs.release(packets, pair));
      progress = true;
    }
    if (!progress) return;
    pairs.retries[pair] = 0;
    context.cancel(pairs.timer[pair]);
    pairs.timer[pair] = NO_TIMER;
    if (pairs.outstanding[pair] > 0) this.#arm(context, pair);
  }

  /** Requester: the responder saw a gap; it has everything before PSN. */
  #complainedOf(context: ActorContext, packet: Packet): void {
    const pair = this.#pairs.to(context.packets.words[packet + SOURCE]);
    this.#acknowledged(context, packet, 0);
    if (this.#pairs.outstanding[pair] > 0) this.#resend(context, pair, "nak");
  }

  /** Responder: a message from the network. */
  #arrived(context: ActorContext, packet: Packet): void {
    const pairs = this.#pairs;
    const words = context.packets.words;
    const pair = pairs.to(words[packet + SOURCE]);
    const psn = words[packet + PSN];
    const expected = pairs.expectedPsn[pair];
    const wantsAck = (words[packet + KIND] & PacketFlag.ackRequest) !== 0;
    if (psn === expected) {
      pairs.expectedPsn[pair] = expected + 1;
      pairs.complained[pair] = false;
      words[packet + KIND] &= ~PacketFlag.ackRequest;
      context.send(DevicePort.nicToGpu, packet);
      if (wantsAck) this.#answer(context, pair, PacketKind.ack, psn);
      return;
    }
    context.packets.free(packet);
    if (psn < expected) {
      if (wantsAck) this.#answer(context, pair, PacketKind.ack, expected - 1);
      return;
    }
    if (pairs.complained[pair]) return;
    pairs.complained[pair] = true;
    this.#answer(context, pair, PacketKind.nak, expected);
  }

  #answer(context: ActorContext, pair: number, kind: number, psn: number): void {
    const packet = context.packets.take(kind);
    const words = context.packets.words;
    words[packet + NEXT_HOP] = this.#pairs.remote[pair];
    words[packet + SOURCE] = context.self;
    words[packet + SIZE_BYTES] = ACK_BYTES;
    words[packet + PSN] = psn;
    context.send(DevicePort.nicToLeaf, packet);
  }

  /** Sends everything unacknowledged again (go-back-N); the last asks for an acknowledgement. */
  #resend(context: ActorContext, pair: number, cause: "timeout" | "nak"): void {
    const pairs = this.#pairs;
    const { packets } = context;
    let count = 0;
    for (let held = pairs.head[pair]; held !== NO_PACKET; held = packets.words[held + NEXT]) {
      const copy = packets.clone(held);
      if (packets.words[held + NEXT] === NO_PACKET) {
        packets.words[copy + KIND] |= PacketFlag.ackRequest;
      }
      context.send(DevicePort.nicToLeaf, copy);
      count += 1;
    }
    pairs.unrequested[pair] = 0;
    context.record({
      type: "qp.retransmitted",
      peer: this.#idOf(pairs.remote[pair]),
      packets: count,
      cause,
    });
    context.cancel(pairs.timer[pair]);
    this.#arm(context, pair);
  }

  #fail(context: ActorContext, pair: number): void {
    this.#pairs.failed[pair] = true;
    while (this.#pairs.outstanding[pair] > 0) {
      this.#giveBack(context, this.#pairs.release(context.packets, pair));
    }
  }

  #giveBack(context: ActorContext, packet: Packet): void {
    context.packets.words[packet + KIND] |= PacketFlag.failed;
    context.send(DevicePort.nicToGpu, packet);
  }

  #arm(context: ActorContext, pair: number): void {
    this.#pairs.timer[pair] = context.remindAfter(this.#timeoutPs, 0, pair);
  }
}
