/**
 * A rank as the holder of experts: token copies of all ranks come in, wait until the layer is
 * whole, go through their experts, and return as results. The packet that arrived is the packet
 * that leaves.
 */
import { violated } from "../../src/base/assert.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { expertsPerRank, firstExpertOf } from "../../src/model/expert-placement.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  NEXT,
  NO_PACKET,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketFlag,
  PacketKind,
  type PacketPool,
  SIZE_BYTES,
  SLOT,
} from "../../src/model/packet.ts";
import { Inbox } from "./inbox.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";
import { expertOf } from "./token-slot.ts";

export class ExpertSide {
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  /** By the last bit of the layer's ordinal: a faster rank may be one layer ahead. */
  readonly #inboxes: readonly [Inbox, Inbox];
  readonly #firstExpert: number;
  readonly #used: Uint8Array;

  constructor(services: DeviceServices, peers: Peers, messenger: Messenger) {
    const perRank = expertsPerRank(services.scenario.model.n_routed_experts, peers.size);
    this.#services = services;
    this.#peers = peers;
    this.#messenger = messenger;
    this.#inboxes = [new Inbox(peers.size), new Inbox(peers.size)];
    this.#inboxes[0].reset(0, peers.size);
    this.#inboxes[1].reset(1, peers.size);
    this.#firstExpert = firstExpertOf(peers.rank, perRank);
    this.#used = new Uint8Array(perRank);
  }

  /** The inbox of the layer with this ordinal, the current one or the next. */
  inbox(ordinal: number): Inbox {
    return this.#inboxes[ordinal & 1];
  }

  /** A token copy, or the count of a rank's copies; returns the ordinal of its layer. */
  tokenArrived(context: ActorContext, packet: Packet, rank: number): number {
    const { packets } = context;
    const ordinal = packets.words[packet + LAYER];
    if (this.#peers.isMasked(rank)) {
      packets.free(packet);
      return ordinal;
    }
    const inbox = this.inbox(ordinal);
    if (inbox.layer !== ordinal) {
      violated("ranks-in-step", `layer ${ordinal} from rank ${rank}, collecting ${inbox.layer}`);
    }
    if ((packets.words[packet + KIND] & KIND_MASK) === PacketKind.dispatch) {
      inbox.add(packets, packet, rank);
    } else {
      inbox.announce(rank, packets.words[packet + SLOT]);
      packets.free(packet);
    }
    return ordinal;
  }

  /** Experts of this rank that have at least one token of the layer. */
  expertsUsed(packets: PacketPool, ordinal: number): number {
    const { words } = packets;
    const used = this.#used.fill(0);
    let count = 0;
    for (let at = this.inbox(ordinal).first; at !== NO_PACKET; at = words[at + NEXT]) {
      const expert = expertOf(words[at + SLOT]) - this.#firstExpert;
      if (used[expert] === 0) count += 1;
      used[expert] = 1;
    }
    return count;
  }

  /** Sends every copy back as its expert's output; those of this rank go to `keep`. */
  sendResults(
    context: ActorContext,
    ordinal: number,
    keep: (context: ActorContext, packet: Packet) => void,
  ): void {
    const { packets } = context;
    const peers = this.#peers;
    const inbox = this.inbox(ordinal);
    let packet = inbox.take();
    while (packet !== NO_PACKET) {
      const next = packets.words[packet + NEXT];
      const home = peers.rankOf(packets.words[packet + ORIGIN]);
      inbox.arrived[home] -= 1;
      this.#turnRound(context, packet, ordinal, inbox.arrived[home] === 0);
      if (home === peers.rank) keep(context, packet);
      else this.#messenger.post(context, packet);
      packet = next;
    }
    inbox.reset(ordinal + 2, peers.live);
  }

  /** Drops what came from a rank and stops to wait for it. */
  dropRank(context: ActorContext, rank: number): void {
    const actor = this.#peers.actorOf[rank];
    for (const inbox of this.#inboxes) inbox.forget(context.packets, rank, actor);
  }

  /** Makes a copy the result of its expert; the last for a rank asks for an acknowledgement. */
  #turnRound(context: ActorContext, packet: Packet, ordinal: number, last: boolean): void {
    const { oracle, combineCopyBytes } = this.#services;
    const { words } = context.packets;
    const low = words[packet + PAYLOAD_LOW];
    const high = words[packet + PAYLOAD_HIGH];
    const expert = expertOf(words[packet + SLOT]);
    words[packet + KIND] = PacketKind.combine | (last ? PacketFlag.ackRequest : 0);
    words[packet + DESTINATION] = words[packet + ORIGIN];
    words[packet + ORIGIN] = context.self;
    words[packet + SIZE_BYTES] = combineCopyBytes;
    words[packet + PAYLOAD_LOW] = oracle.expertLow(expert, ordinal, low, high);
    words[packet + PAYLOAD_HIGH] = oracle.expertHigh(expert, ordinal, low, high);
  }
}
