/**
 * The responder's half of a NIC: what it does with a message from the network. It hands each
 * message of a queue pair to the GPU once, acknowledges, and complains of gaps where order is kept.
 * Messages of another incarnation of the pair are dropped without a word: earlier ones are
 * left-overs, later ones come again when this end has been reset, too.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  KIND,
  NEXT_HOP,
  type Packet,
  PacketFlag,
  PacketKind,
  PSN,
  requestsOf,
  SIZE_BYTES,
  SOURCE,
} from "../../src/model/packet.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { NO_PSN, type QueuePair } from "./queue-pairs.ts";
import type { Spray } from "./spray.ts";

/**
 * Bytes of an acknowledgement on the wire: LRH 8, BTH 12, AETH 4, ICRC 4, VCRC 2 (InfiniBand 1.4).
 */
const ACK_BYTES = 30;
/** An acknowledgement is the NIC's own: no work request stands behind it. */
const ACK_REQUESTS = 0;

export class Responder {
  readonly #spray: Spray | undefined;

  /** `spray` of a NIC with several ports. */
  constructor(spray: Spray | undefined) {
    this.#spray = spray;
  }

  /** A message that came by `port` from a network that keeps the order of each queue pair. */
  arrived(context: ActorContext, pair: QueuePair, port: number, packet: Packet): void {
    const { words } = context.packets;
    const psn = words[packet + PSN];
    const expected = pair.expectedPsn;
    const wantsAck = (words[packet + KIND] & PacketFlag.ackRequest) !== 0;
    if (psn === expected) {
      pair.expectedPsn = expected + 1;
      pair.complained = false;
      this.#deliver(context, packet);
      if (wantsAck) this.#answer(context, pair, port, PacketKind.ack, psn);
      return;
    }
    context.packets.free(packet);
    if (!pair.isOfNow(psn)) return;
    if (psn < expected) {
      if (wantsAck) this.#answer(context, pair, port, PacketKind.ack, expected - 1);
      return;
    }
    if (pair.complained) return;
    pair.complained = true;
    this.#answer(context, pair, port, PacketKind.nak, expected);
  }

  /**
   * A message that came by `port` from a network in which others may have overtaken it. When it
   * asks for an acknowledgement it gets one for what is whole so far, and another when the gap
   * before it is closed.
   */
  arrivedInAnyOrder(context: ActorContext, pair: QueuePair, port: number, packet: Packet): void {
    const { words } = context.packets;
    const psn = words[packet + PSN];
    const wantsAck = (words[packet + KIND] & PacketFlag.ackRequest) !== 0;
    if (psn === pair.expectedPsn) {
      pair.expectedPsn = pair.early.pass(psn + 1);
      this.#deliver(context, packet);
    } else if (!pair.isOfNow(psn)) {
      context.packets.free(packet);
      return;
    } else if (psn > pair.expectedPsn && pair.early.add(psn, pair.expectedPsn)) {
      this.#deliver(context, packet);
    } else context.packets.free(packet);
    if (wantsAck && psn > pair.owedPsn) pair.owedPsn = psn;
    const isPaid = pair.owedPsn !== NO_PSN && pair.owedPsn < pair.expectedPsn;
    if (isPaid) pair.owedPsn = NO_PSN;
    // A NIC with several ports wants to hear that its question arrived, even if nothing before did.
    if (isPaid || (wantsAck && (pair.hasArrivals || this.#spray !== undefined))) {
      this.#answer(context, pair, port, PacketKind.ack, pair.expectedPsn - 1);
    }
  }

  /** Hands a message to the GPU. */
  #deliver(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    words[packet + KIND] &= ~PacketFlag.ackRequest;
    context.send(DevicePort.nicToGpu, packet, requestsOf(words, packet));
  }

  /** Answers what came by `port`. */
  #answer(context: ActorContext, pair: QueuePair, port: number, kind: number, psn: number): void {
    const packet = context.packets.take(kind);
    const { words } = context.packets;
    words[packet + NEXT_HOP] = pair.remote;
    words[packet + SOURCE] = context.self;
    words[packet + SIZE_BYTES] = ACK_BYTES;
    words[packet + PSN] = psn;
    if (this.#spray === undefined) context.send(port, packet, ACK_REQUESTS);
    else {
      const cameBy = port - DevicePort.nicToLeaf;
      const by = this.#spray.portForAnswer(context, pair, cameBy);
      context.send(DevicePort.nicToLeaf + by, packet, ACK_REQUESTS);
    }
  }
}
