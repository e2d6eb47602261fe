/**
 * A NIC: InfiniBand reliable connections. It keeps every message until it is acknowledged, sends
 * again when the ACK timeout (4.096 us x 2^n) passes or the responder complains of a gap, and after
 * the last retry fails the queue pair and returns its messages to their GPU. It delivers each
 * message once and in order, or says that it could not. Where switches route adaptively, or the NIC
 * has several ports (spray.ts), the responder takes messages in any order, as ConnectX places RDMA
 * writes: each once and at once, acknowledged up to the first that is missing. A gap says nothing
 * then, so what is lost shows when the requester's timeout has passed, or its port goes down.
 */
import { violated } from "../../src/base/assert.ts";
import { type Actor, type ActorContext, NO_TIMER } from "../../src/model/actor.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  NEXT_HOP,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
  PSN,
  requestsOf,
  SLOT,
  SOURCE,
} from "../../src/model/packet.ts";
import { PS_PER_NS } from "../../src/model/time.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { PlaneSuspicion } from "./plane-suspicion.ts";
import {
  FIRST_INCARNATION,
  INCARNATION_MAX,
  type QueuePair,
  QueuePairs,
  UNCONNECTED,
} from "./queue-pairs.ts";
import { Responder } from "./responder.ts";
import { NO_PORT, Spray } from "./spray.ts";

/** A requester asks for an acknowledgement at least this often, in packets. */
const ACK_EVERY = 64;
/** Whatever the port by which a message went last. */
const ANY_PORT = -1;

export interface NicSpec {
  /** InfiniBand local ACK timeout exponent n. */
  readonly ackTimeoutExponent: number;
  readonly retryCount: number;
  /** Does the network deliver the messages of a queue pair in any order? */
  readonly anyOrder: boolean;
  /** Ports to the network; with several, messages are sprayed over them. */
  readonly networkPorts: number;
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
  #pairs: QueuePairs;
  /** Undefined when there is one port. */
  readonly #spray: Spray | undefined;
  readonly #timeoutPs: number;
  readonly #retryCount: number;
  readonly #anyOrder: boolean;
  readonly #responder: Responder;
  readonly #idOf: (actor: number) => string;

  constructor(spec: NicSpec) {
    if (spec.networkPorts > 1) this.#spray = new Spray(spec.networkPorts);
    this.#pairs = new QueuePairs(FIRST_INCARNATION, this.#spray !== undefined);
    this.#timeoutPs = ackTimeoutPs(spec.ackTimeoutExponent);
    this.#retryCount = spec.retryCount;
    this.#anyOrder = spec.anyOrder || this.#spray !== undefined;
    this.#responder = new Responder(this.#spray);
    this.#idOf = spec.idOf;
  }

  start(): void {}

  receive(context: ActorContext, port: number, packet: Packet): void {
    const kind = context.packets.words[packet + KIND] & KIND_MASK;
    if (port === DevicePort.nicToGpu) {
      if (kind === PacketKind.qpReset) this.#reset(context, packet);
      else this.#post(context, packet);
    } else if (kind === PacketKind.ack) this.#acknowledged(context, packet, 1);
    else if (kind === PacketKind.nak) this.#complainedOf(context, packet);
    else {
      const pair = this.#pairs.to(context.packets.words[packet + SOURCE]);
      if (this.#anyOrder) this.#responder.arrivedInAnyOrder(context, pair, port, packet);
      else this.#responder.arrived(context, pair, port, packet);
    }
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
    if (this.#spray !== undefined) this.#suspect(context, pair, this.#spray);
    this.#resend(context, pair, "timeout", ANY_PORT);
  }

  /**
   * Several ports: what went by a port that has gone down is sent again at once, by another. Of a
   * NIC with one port the ACK clock decides.
   */
  affected(context: ActorContext): void {
    const spray = this.#spray;
    if (spray === undefined) return;
    for (const port of spray.look(context)) {
      if (!spray.hasPortUp) return;
      for (const pair of this.#pairs.all) this.#resend(context, pair, "port-down", port);
    }
  }

  /**
   * The NIC was dead: its queue pairs are gone. Those at the far ends know nothing of it, so a pair
   * takes no message, from either side, until the GPU has it reset.
   */
  revived(context: ActorContext): void {
    for (const pair of this.#pairs.all) pair.release(context.packets);
    this.#pairs = new QueuePairs(UNCONNECTED, this.#spray !== undefined);
    this.#spray?.look(context);
  }

  /**
   * The GPU wants the queue pair to the NIC in NEXT_HOP to begin anew, in the incarnation in SLOT;
   * in one that is not newer it is already. The request goes back as its answer.
   */
  #reset(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const pair = this.#pairs.to(words[packet + NEXT_HOP]);
    const incarnation = words[packet + SLOT];
    if (incarnation > INCARNATION_MAX) {
      violated("incarnation-fits", `${incarnation}, at most ${INCARNATION_MAX}`);
    }
    if (incarnation > pair.incarnation) {
      const dropped = pair.reset(context, incarnation);
      const peer = this.#idOf(pair.remote);
      context.record({ type: "qp.reset", peer, incarnation, dropped });
    }
    words[packet + KIND] = PacketKind.qpResetDone;
    words[packet + DESTINATION] = words[packet + ORIGIN];
    context.send(DevicePort.nicToGpu, packet);
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
    words[packet + PSN] = pair.takePsn();
    const waiting = pair.unrequested + 1;
    if (waiting >= ACK_EVERY) words[packet + KIND] |= PacketFlag.ackRequest;
    if ((words[packet + KIND] & PacketFlag.ackRequest) !== 0) pair.asks(words[packet + PSN]);
    else pair.unrequested = waiting;
    pair.sent.add(context.packets, packet);
    const port = this.#portFor(context, pair, pair.sent.count - 1, NO_PORT);
    context.send(port, packet, requestsOf(words, packet));
    if (pair.timer === NO_TIMER) this.#arm(context, pair);
  }

  /** Requester: everything before PSN + `inclusive` has arrived. */
  #acknowledged(context: ActorContext, packet: Packet, inclusive: number): void {
    const { packets } = context;
    const pair = this.#pairs.to(packets.words[packet + SOURCE]);
    const psn = packets.words[packet + PSN];
    packets.free(packet);
    const until = psn + inclusive;
    if (until > pair.nextPsn) {
      // A NIC that was dead may hear of what it sent before it died.
      if (pair.isOfNow(psn)) violated("ack-of-something-sent", `psn ${until - 1}`);
      return;
    }
    const acknowledged = until - pair.firstPsn;
    if (pair.isOfNow(until)) pair.wasAnswered = true;
    if (acknowledged <= 0) return;
    if (pair.suspicion !== undefined) this.#trust(context, pair, acknowledged);
    pair.sent.release(context.packets, acknowledged);
    pair.retries = 0;
    context.cancel(pair.timer);
    pair.timer = NO_TIMER;
    if (pair.sent.count > 0) this.#arm(context, pair);
  }

  /** Requester: the responder saw a gap; it has everything before PSN. */
  #complainedOf(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const pair = this.#pairs.to(words[packet + SOURCE]);
    const isOfNow = pair.isOfNow(words[packet + PSN]);
    this.#acknowledged(context, packet, 0);
    if (isOfNow) this.#resend(context, pair, "nak", ANY_PORT);
  }

  /**
   * Sends what is unacknowledged again (go-back-N), or what of it went by `port` last; the last
   * asks for an acknowledgement.
   */
  #resend(
    context: ActorContext,
    pair: QueuePair,
    cause: "timeout" | "nak" | "port-down",
    port: number,
  ): void {
    const { packets } = context;
    const { sent } = pair;
    let last = sent.count - 1;
    while (port !== ANY_PORT && last >= 0 && sent.portOf(last) !== port) last -= 1;
    if (last < 0) return;
    let count = 0;
    for (let index = 0; index <= last; index += 1) {
      const before = sent.portOf(index);
      if (port !== ANY_PORT && before !== port) continue;
      const copy = sent.copyOf(packets, index);
      if (index === last) packets.words[copy + KIND] |= PacketFlag.ackRequest;
      const by = this.#portFor(context, pair, index, before);
      context.send(by, copy, requestsOf(packets.words, copy));
      count += 1;
    }
    pair.asks(pair.firstPsn + last);
    const peer = this.#idOf(pair.remote);
    context.record({ type: "qp.retransmitted", peer, packets: count, cause });
    context.cancel(pair.timer);
    this.#arm(context, pair);
  }

  /** Port for the `index`-th unacknowledged message of a pair, which went by `last` before. */
  #portFor(context: ActorContext, pair: QueuePair, index: number, last: number): number {
    if (this.#spray === undefined) return DevicePort.nicToLeaf;
    const port = this.#spray.portFor(context, pair, last);
    pair.sent.setPort(index, port, last !== NO_PORT);
    return DevicePort.nicToLeaf + port;
  }

  /**
   * The plane by which a message went has lost it, or its acknowledgement: this queue pair avoids
   * it for a while.
   */
  #suspect(context: ActorContext, pair: QueuePair, spray: Spray): void {
    if (pair.blamed < 0) return;
    const plane = pair.sent.portOf(pair.blamed);
    if (!spray.isUp(plane)) return;
    pair.suspicion ??= new PlaneSuspicion(spray.ports);
    const spanPs = pair.suspicion.suspect(plane, context.nowPs, this.#timeoutPs);
    context.record({ type: "plane.suspected", peer: this.#idOf(pair.remote), plane, spanPs });
  }

  /** The oldest messages have arrived: the planes by which they went work. */
  #trust(context: ActorContext, { sent, suspicion }: QueuePair, count: number): void {
    if (suspicion === undefined) return;
    for (let index = 0; index < count; index += 1) {
      // One that was sent twice may have come by either plane.
      if (!sent.wasRepeated(index)) suspicion.arrivedBy(sent.portOf(index), context.nowPs);
    }
  }

  /** Gives every unacknowledged message back; the queue pair takes no more. */
  #fail(context: ActorContext, pair: QueuePair): void {
    const { count } = pair.sent;
    pair.failed = true;
    for (let index = 0; index < count; index += 1) {
      this.#giveBack(context, pair.sent.copyOf(context.packets, index));
    }
    pair.release(context.packets);
  }

  #giveBack(context: ActorContext, packet: Packet): void {
    context.packets.words[packet + KIND] |= PacketFlag.failed;
    context.send(DevicePort.nicToGpu, packet);
  }

  #arm(context: ActorContext, pair: QueuePair): void {
    pair.timer = context.remindAfter(this.#timeoutPs, 0, pair.place);
  }
}
