/** Sends the orders of the controller: one message to every rank of a group, all alike. */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { ORDER_ABORT, ORDER_FAULT, ORDER_RANKS, ORDER_STEP } from "../../src/model/membership.ts";
import {
  DESTINATION,
  LAYER,
  ORIGIN,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";

/** Bytes of a message on a management link beside its words: headers of Ethernet, IP and TCP. */
export const HEADER_BYTES = 64;
const WORD_BYTES = 4;

/** What an order says; see model/membership.ts. */
export interface OrderText {
  readonly epoch: number;
  readonly step: number;
  readonly isAbort: boolean;
  readonly fault: number;
  /** By rank. */
  readonly members: Int32Array;
}

export class OrderSender {
  /** Number of the group's first GPU, which is also the port to it. */
  readonly #first: number;
  /** Of the controller: orders of an earlier one are told by it. */
  readonly #life: number;
  /** Actor index by rank. */
  readonly actorOf: Int32Array;

  constructor({ topology, scenario }: DeviceServices, group: number, life: number) {
    this.#life = life;
    const { epSize } = scenario.workload;
    const { gpusPerNode } = scenario.cluster;
    this.#first = group * epSize;
    this.actorOf = new Int32Array(epSize);
    for (const [actor, { kind, node, ordinal }] of topology.actors.entries()) {
      const rank = node * gpusPerNode + ordinal - this.#first;
      if (kind === "gpu" && rank >= 0 && rank < epSize) this.actorOf[rank] = actor;
    }
  }

  /** Orders something of all ranks, the dead and those that are out included. */
  toAll(context: ActorContext, order: number, text: OrderText): void {
    for (let rank = 0; rank < this.actorOf.length; rank += 1) this.to(context, rank, order, text);
  }

  to(context: ActorContext, rank: number, order: number, text: OrderText): void {
    const { packets } = context;
    const packet = packets.take(PacketKind.order);
    const cargo = packets.load(packet, ORDER_RANKS + text.members.length);
    const first = packets.cargo.first(cargo);
    const content = packets.cargo.words;
    content[first + ORDER_STEP] = text.step;
    content[first + ORDER_ABORT] = Number(text.isAbort);
    content[first + ORDER_FAULT] = text.fault;
    content.set(text.members, first + ORDER_RANKS);
    const { words } = packets;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = this.actorOf[rank];
    words[packet + LAYER] = text.epoch;
    words[packet + SLOT] = order;
    words[packet + TOKEN] = this.#life;
    words[packet + SIZE_BYTES] = HEADER_BYTES + WORD_BYTES * (ORDER_RANKS + text.members.length);
    packets.seal(packet);
    context.send(this.#first + rank, packet);
  }
}
