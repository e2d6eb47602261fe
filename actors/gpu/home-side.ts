/**
 * A rank as the home of its tokens: the gate assigns them to experts, copies go out, results come
 * back and are added up, every assignment is accounted for, and the sum is checked against the
 * oracle.
 */
import { violated } from "../../src/base/assert.ts";
import { hex64 } from "../../src/base/hash.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { expertsPerRank, rankOfExpert } from "../../src/model/expert-placement.ts";
import {
  DESTINATION,
  LAYER,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { AssignmentState, Batch } from "./batch.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";
import { choiceOf, slotOf } from "./token-slot.ts";

/** A moment in the run's schedule: the MoE layer by number in the run and in the model. */
export interface LayerPlace {
  readonly ordinal: number;
  readonly layer: number;
  readonly step: number;
}

export class HomeSide {
  readonly batch: Batch;
  /** Copies sent to each rank in the current layer, this rank included. */
  readonly sent: Int32Array;
  /** Assignments of the whole run. */
  dispatched = 0;
  combined = 0;
  masked = 0;
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #expertsPerRank: number;
  #ordinal = 0;

  constructor(services: DeviceServices, peers: Peers, messenger: Messenger) {
    const { scenario, routing, oracle } = services;
    const tokens = routing.tokensOf(peers.rank);
    this.#services = services;
    this.#peers = peers;
    this.#messenger = messenger;
    this.#expertsPerRank = expertsPerRank(scenario.model.n_routed_experts, peers.size);
    this.batch = new Batch(tokens, scenario.model.num_experts_per_tok, peers.size, oracle);
    this.sent = new Int32Array(peers.size);
  }

  /** Gives every token the payload that it starts a step with. */
  load(step: number): void {
    this.batch.load(this.#peers.group, this.#peers.rank, step);
  }

  /** Gate and dispatch: a copy of each token to each rank that holds one of its experts. */
  dispatch(
    context: ActorContext,
    place: LayerPlace,
    keep: (context: ActorContext, packet: Packet) => void,
  ): void {
    const { group, rank } = this.#peers;
    const { batch } = this;
    this.#ordinal = place.ordinal;
    this.#services.routing.choose({ group, rank, step: place.step, layer: place.layer }, batch);
    batch.openLayer();
    this.sent.fill(0);
    for (let at = 0; at < batch.state.length; at += 1) {
      context.ledger.dispatched(this.#assignment(at));
      const holder = rankOfExpert(batch.experts[at], this.#expertsPerRank);
      const mask = this.#peers.maskOf(holder);
      if (mask !== undefined) {
        this.#mask(context, at, mask.fault);
        continue;
      }
      batch.state[at] = AssignmentState.open;
      batch.open += 1;
      batch.openOf[holder] += 1;
      this.sent[holder] += 1;
      const packet = this.#copy(context, at, holder);
      if (holder === rank) keep(context, packet);
      else this.#messenger.post(context, packet);
    }
    this.dispatched += batch.state.length;
    this.#announce(context);
  }

  /** An expert's result; from a masked rank it comes too late and counts for nothing. */
  resultArrived(context: ActorContext, packet: Packet, holder: number): void {
    const { packets } = context;
    const { words } = packets;
    const { batch } = this;
    if (!this.#peers.isMasked(holder)) {
      const at = words[packet + TOKEN] * batch.topK + choiceOf(words[packet + SLOT]);
      if (words[packet + LAYER] !== this.#ordinal || batch.state[at] !== AssignmentState.open) {
        violated("combined-once", `layer ${words[packet + LAYER]} place ${at} of rank ${holder}`);
      }
      batch.combine(at, words[packet + PAYLOAD_LOW], words[packet + PAYLOAD_HIGH]);
      batch.open -= 1;
      batch.openOf[holder] -= 1;
      context.ledger.combined(this.#assignment(at));
    }
    packets.free(packet);
  }

  /** Ends the open assignments to a rank as masked; returns how many. */
  dropRank(context: ActorContext, rank: number, fault: number): number {
    const { batch } = this;
    const open = batch.openOf[rank];
    for (let at = 0; open > 0 && at < batch.state.length; at += 1) {
      if (batch.state[at] !== AssignmentState.open) continue;
      if (rankOfExpert(batch.experts[at], this.#expertsPerRank) !== rank) continue;
      this.#mask(context, at, fault);
      batch.open -= 1;
    }
    batch.openOf[rank] = 0;
    return open;
  }

  /** Ends the layer: the sums are checked, and become the next layer's input. */
  close(context: ActorContext, place: LayerPlace): void {
    const { batch } = this;
    for (let token = 0; token < batch.tokens; token += 1) {
      const expected = batch.expected(token, place.ordinal);
      const low = batch.sumLow(token);
      const high = batch.sumHigh(token);
      if (expected.low === low && expected.high === high) continue;
      context.ledger.mismatched();
      context.record({
        type: "combine.mismatched",
        layer: place.layer,
        step: place.step,
        token,
        expected: hex64(expected.high, expected.low),
        actual: hex64(high, low),
      });
    }
    this.combined += batch.combined;
    this.masked += batch.masked;
    batch.closeLayer();
  }

  #copy(context: ActorContext, at: number, holder: number): Packet {
    const { batch } = this;
    const packet = context.packets.take(PacketKind.dispatch);
    const { words } = context.packets;
    const token = Math.floor(at / batch.topK);
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = this.#peers.actorOf[holder];
    words[packet + SIZE_BYTES] = this.#services.dispatchCopyBytes;
    words[packet + LAYER] = this.#ordinal;
    words[packet + TOKEN] = token;
    words[packet + SLOT] = slotOf(at % batch.topK, batch.experts[at]);
    words[packet + PAYLOAD_LOW] = batch.low[token];
    words[packet + PAYLOAD_HIGH] = batch.high[token];
    return packet;
  }

  /**
   * Tells every rank how many copies it was sent; own neighbours first, so that not all hit one
   * rank.
   */
  #announce(context: ActorContext): void {
    const peers = this.#peers;
    for (let distance = 1; distance < peers.size; distance += 1) {
      const rank = (peers.rank + distance) % peers.size;
      if (peers.isMasked(rank)) continue;
      const actor = peers.actorOf[rank];
      const count = this.sent[rank];
      const packet = this.#messenger.control(context, PacketKind.dispatchCount, actor, count);
      context.packets.words[packet + LAYER] = this.#ordinal;
      this.#messenger.post(context, packet);
    }
  }

  #mask(context: ActorContext, at: number, fault: number): void {
    this.batch.state[at] = AssignmentState.masked;
    this.batch.masked += 1;
    context.ledger.masked(this.#assignment(at), fault);
  }

  /** Identifies an assignment of this rank in the run. */
  #assignment(at: number): number {
    return this.#ordinal * this.batch.state.length + at;
  }
}
