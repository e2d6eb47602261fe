/**
 * A GPU: one rank of an expert-parallel group. It walks the layers of a decode step: attention, gate,
 * dispatch of token copies to the ranks that hold the chosen experts, expert compute, combine. The
 * protocol is DeepEP's low-latency one: every copy goes straight to its rank, then a count says that
 * this was all. There is no barrier between ranks: whoever has all it needs goes on.
 */
import { violated } from "../../src/base/assert.ts";
import { hex64 } from "../../src/base/hash.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
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
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { AssignmentState, Batch } from "./batch.ts";
import { Inbox } from "./inbox.ts";
import { type MaskClocks, type MaskHost, MaskPolicy, MaskTag } from "./mask-policy.ts";
import { Messenger } from "./messenger.ts";
import { Peers } from "./peers.ts";

/** Reminders of a GPU, besides those of {@link MaskTag}. */
const Tag = { attentionDone: 1, expertsDone: 2 } as const;

type Phase = "attention" | "receiving" | "experts" | "combining" | "finished";

/** SLOT of a token copy is its choice plus this times the expert. */
const EXPERT_UNIT = 256;

export class Gpu implements Actor, MaskHost {
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #batch: Batch;
  readonly #inboxes: readonly [Inbox, Inbox];
  readonly #expertsPerRank: number;
  readonly #sendCount: Int32Array;
  readonly #masks: MaskPolicy;
  readonly #expertSeen: Uint8Array;
  #phase: Phase = "attention";
  #step = 0;
  /** Place in `workload.layers`, and the MoE layers done in the run. */
  #place = 0;
  #ordinal = 0;
  #layerStartPs = 0;
  /** Start of the previous layer: how far back a fault may explain a mask. */
  lookBackPs = 0;
  #dispatchStartPs = 0;
  #combineStartPs = 0;
  #dispatched = 0;
  #combined = 0;
  #masked = 0;

  constructor(self: number, services: DeviceServices, clocks: MaskClocks) {
    const { scenario, topology } = services;
    const { epSize } = scenario.workload;
    this.#services = services;
    this.#peers = new Peers(self, topology, scenario.cluster, epSize);
    this.#messenger = new Messenger(this.#peers);
    const tokens = services.routing.tokensOf(this.#peers.rank);
    const topK = scenario.model.num_experts_per_tok;
    this.#batch = new Batch(tokens, topK, epSize, services.oracle);
    this.#inboxes = [new Inbox(epSize), new Inbox(epSize)];
    this.#expertsPerRank = scenario.model.n_routed_experts / epSize;
    this.#sendCount = new Int32Array(epSize);
    this.#expertSeen = new Uint8Array(this.#expertsPerRank);
    this.#masks = new MaskPolicy({
      peers: this.#peers,
      messenger: this.#messenger,
      host: this,
      clocks,
      idOf: (actor) => topology.actors[actor].id,
    });
  }

  start(context: ActorContext): void {
    this.#inboxes[0].reset(0, this.#peers.size);
    this.#inboxes[1].reset(1, this.#peers.size);
    this.#batch.load(this.#peers.group, this.#peers.rank, 0);
    this.#beginLayer(context);
  }

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const words = context.packets.words;
    if ((words[packet + KIND] & PacketFlag.failed) !== 0) {
      if (words[packet + ORIGIN] === context.self) this.#masks.sendFailed(context, packet);
      else this.#messenger.giveBack(context, packet);
      return;
    }
    if (words[packet + DESTINATION] !== context.self) {
      this.#messenger.relay(context, packet);
      return;
    }
    const rank = this.#peers.rankOf(words[packet + ORIGIN]);
    switch (words[packet + KIND] & KIND_MASK) {
      case PacketKind.dispatch:
      case PacketKind.dispatchCount:
        this.#tokenArrived(context, packet, rank);
        return;
      case PacketKind.combine:
        this.#resultArrived(context, packet, rank);
        return;
      default:
        this.#masks.controlArrived(context, packet, rank);
    }
  }

  remind(context: ActorContext, tag: number): void {
    switch (tag) {
      case Tag.attentionDone:
        if (this.#isDense()) this.#endLayer(context);
        else this.#dispatch(context);
        return;
      case Tag.expertsDone:
        this.#sendResults(context);
        return;
      case MaskTag.waitedLong:
        this.#masks.askWhoLives(context);
        return;
      default:
        this.#masks.maskTheSilent(context);
    }
  }

  isMissing(rank: number): boolean {
    if (this.#phase === "receiving") {
      return !this.#peers.isMasked(rank) && !this.#inboxes[this.#ordinal & 1].isWhole(rank);
    }
    return this.#phase === "combining" && this.#batch.openOf[rank] > 0;
  }

  dropRank(context: ActorContext, rank: number, fault: number): number {
    const batch = this.#batch;
    const open = batch.openOf[rank];
    for (let place = 0; open > 0 && place < batch.state.length; place += 1) {
      if (batch.state[place] !== AssignmentState.open) continue;
      if (Math.floor(batch.experts[place] / this.#expertsPerRank) !== rank) continue;
      this.#maskAssignment(context, place, fault);
      batch.open -= 1;
    }
    batch.openOf[rank] = 0;
    const actor = this.#peers.actorOf[rank];
    for (const inbox of this.#inboxes) inbox.forget(context.packets, rank, actor);
    return open;
  }

  /** Identifies an assignment of this rank in the run. */
  #assignment(place: number): number {
    return this.#ordinal * this.#batch.state.length + place;
  }

  #maskAssignment(context: ActorContext, place: number, fault: number): void {
    this.#batch.state[place] = AssignmentState.masked;
    this.#batch.masked += 1;
    context.ledger.masked(this.#assignment(place), fault);
  }

  #checkOracle(context: ActorContext): void {
    const batch = this.#batch;
    for (let token = 0; token < batch.tokens; token += 1) {
      const expected = batch.expected(token, this.#ordinal);
      const low = batch.sumLow(token);
      const high = batch.sumHigh(token);
      if (expected.low === low && expected.high === high) continue;
      context.ledger.mismatched();
      context.record({
        type: "combine.mismatched",
        layer: this.#layer(),
        step: this.#step,
        token,
        expected: hex64(expected.high, expected.low),
        actual: hex64(high, low),
      });
    }
  }

  #layer(): number {
    return this.#services.scenario.workload.layers[this.#place];
  }

  #isDense(): boolean {
    return this.#layer() < this.#services.scenario.model.first_k_dense_replace;
  }

  #beginLayer(context: ActorContext): void {
    const { compute } = this.#services;
    this.#phase = "attention";
    this.lookBackPs = this.#layerStartPs;
    this.#layerStartPs = context.nowPs;
    const span = this.#isDense()
      ? compute.attentionPs + compute.denseMlpPs
      : compute.attentionPs + compute.sharedExpertPs;
    context.remindAfter(Math.max(1, span), Tag.attentionDone, this.#place);
  }

  /** Gate and dispatch: a copy of each token to each rank that holds one of its experts. */
  #dispatch(context: ActorContext): void {
    const { scenario, routing, dispatchCopyBytes } = this.#services;
    const { packets, ledger } = context;
    const peers = this.#peers;
    const batch = this.#batch;
    const layer = this.#layer();
    routing.choose({ group: peers.group, rank: peers.rank, step: this.#step, layer }, batch);
    batch.openLayer();
    this.#sendCount.fill(0);
    this.#dispatchStartPs = context.nowPs;
    const inbox = this.#inboxes[this.#ordinal & 1];
    const topK = scenario.model.num_experts_per_tok;
    const assignments = batch.tokens * topK;
    for (let place = 0; place < assignments; place += 1) {
      const expert = batch.experts[place];
      const rank = Math.floor(expert / this.#expertsPerRank);
      ledger.dispatched(this.#assignment(place));
      const mask = peers.maskOf(rank);
      if (mask !== undefined) {
        this.#maskAssignment(context, place, mask.fault);
        continue;
      }
      batch.state[place] = AssignmentState.open;
      batch.open += 1;
      batch.openOf[rank] += 1;
      this.#sendCount[rank] += 1;
      const packet = packets.take(PacketKind.dispatch);
      const words = packets.words;
      const token = Math.floor(place / topK);
      words[packet + ORIGIN] = context.self;
      words[packet + DESTINATION] = peers.actorOf[rank];
      words[packet + SIZE_BYTES] = dispatchCopyBytes;
      words[packet + LAYER] = this.#ordinal;
      words[packet + TOKEN] = token;
      words[packet + SLOT] = (place % topK) + expert * EXPERT_UNIT;
      words[packet + PAYLOAD_LOW] = batch.low[token];
      words[packet + PAYLOAD_HIGH] = batch.high[token];
      if (rank === peers.rank) inbox.add(packets, packet, rank);
      else this.#messenger.post(context, packet);
    }
    this.#dispatched += assignments;
    inbox.announce(peers.rank, this.#sendCount[peers.rank]);
    this.#announceCounts(context);
    this.#phase = "receiving";
    this.#masks.startWait(context);
    this.progress(context);
  }

  /** Tells every rank how many copies it was sent, own neighbours first so that not all hit one rank. */
  #announceCounts(context: ActorContext): void {
    const peers = this.#peers;
    for (let distance = 1; distance < peers.size; distance += 1) {
      const rank = (peers.rank + distance) % peers.size;
      if (peers.isMasked(rank)) continue;
      const actor = peers.actorOf[rank];
      const count = this.#sendCount[rank];
      const packet = this.#messenger.control(context, PacketKind.dispatchCount, actor, count);
      context.packets.words[packet + LAYER] = this.#ordinal;
      this.#messenger.post(context, packet);
    }
  }

  #tokenArrived(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const layer = packets.words[packet + LAYER];
    if (this.#peers.isMasked(rank)) {
      packets.free(packet);
      return;
    }
    const inbox = this.#inboxes[layer & 1];
    if (inbox.layer !== layer) {
      violated("ranks-in-step", `layer ${layer} from rank ${rank}, collecting ${inbox.layer}`);
    }
    if ((packets.words[packet + KIND] & KIND_MASK) === PacketKind.dispatch) inbox.add(packets, packet, rank);
    else {
      inbox.announce(rank, packets.words[packet + SLOT]);
      packets.free(packet);
    }
    if (layer === this.#ordinal) this.progress(context);
  }

  #resultArrived(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const words = packets.words;
    const batch = this.#batch;
    if (!this.#peers.isMasked(rank)) {
      const place = words[packet + TOKEN] * batch.topK + (words[packet + SLOT] % EXPERT_UNIT);
      if (words[packet + LAYER] !== this.#ordinal || batch.state[place] !== AssignmentState.open) {
        violated("combined-once", `layer ${words[packet + LAYER]} place ${place} of rank ${rank}`);
      }
      this.#combine(context, place, rank, packet);
    }
    packets.free(packet);
    this.progress(context);
  }

  #combine(context: ActorContext, place: number, rank: number, packet: Packet): void {
    const words = context.packets.words;
    this.#batch.combine(place, words[packet + PAYLOAD_LOW], words[packet + PAYLOAD_HIGH]);
    this.#batch.open -= 1;
    this.#batch.openOf[rank] -= 1;
    context.ledger.combined(this.#assignment(place));
  }

  /** Goes on when the phase has all that it waits for. */
  progress(context: ActorContext): void {
    if (this.#phase === "receiving" && this.#inboxes[this.#ordinal & 1].missing === 0) {
      this.#computeExperts(context);
    } else if (this.#phase === "combining" && this.#batch.open === 0) {
      this.#endLayer(context);
    }
  }

  #computeExperts(context: ActorContext): void {
    const inbox = this.#inboxes[this.#ordinal & 1];
    const words = context.packets.words;
    const first = this.#peers.rank * this.#expertsPerRank;
    let used = 0;
    const seen = this.#expertSeen.fill(0);
    for (let packet = inbox.first; packet !== NO_PACKET; packet = words[packet + NEXT]) {
      const expert = Math.floor(words[packet + SLOT] / EXPERT_UNIT) - first;
      if (seen[expert] === 0) used += 1;
      seen[expert] = 1;
    }
    this.#masks.endWait(context);
    this.#phase = "experts";
    context.record({
      type: "dispatch.completed",
      layer: this.#layer(),
      step: this.#step,
      received: inbox.received,
      durationPs: context.nowPs - this.#dispatchStartPs,
    });
    const span = Math.max(1, used * this.#services.compute.perExpertPs);
    context.remindAfter(span, Tag.expertsDone, this.#ordinal);
  }

  /** Every copy goes back as the expert's output: the packet that arrived is the packet that leaves. */
  #sendResults(context: ActorContext): void {
    const { packets } = context;
    const { oracle, combineCopyBytes } = this.#services;
    const peers = this.#peers;
    const inbox = this.#inboxes[this.#ordinal & 1];
    this.#combineStartPs = context.nowPs;
    let packet = inbox.take();
    while (packet !== NO_PACKET) {
      const words = packets.words;
      const next = words[packet + NEXT];
      const home = words[packet + ORIGIN];
      const rank = peers.rankOf(home);
      const low = words[packet + PAYLOAD_LOW];
      const high = words[packet + PAYLOAD_HIGH];
      const expert = Math.floor(words[packet + SLOT] / EXPERT_UNIT);
      inbox.arrived[rank] -= 1;
      words[packet + KIND] =
        PacketKind.combine | (inbox.arrived[rank] === 0 ? PacketFlag.ackRequest : 0);
      words[packet + ORIGIN] = context.self;
      words[packet + DESTINATION] = home;
      words[packet + SIZE_BYTES] = combineCopyBytes;
      words[packet + PAYLOAD_LOW] = oracle.expertLow(expert, this.#ordinal, low, high);
      words[packet + PAYLOAD_HIGH] = oracle.expertHigh(expert, this.#ordinal, low, high);
      if (rank === peers.rank) {
        const { topK } = this.#batch;
        const place = words[packet + TOKEN] * topK + (words[packet + SLOT] % EXPERT_UNIT);
        this.#combine(context, place, rank, packet);
        packets.free(packet);
      } else this.#messenger.post(context, packet);
      packet = next;
    }
    inbox.reset(this.#ordinal + 2, peers.live);
    this.#phase = "combining";
    this.#masks.startWait(context);
    this.progress(context);
  }

  #endLayer(context: ActorContext): void {
    const layer = this.#layer();
    const step = this.#step;
    if (!this.#isDense()) {
      this.#masks.endWait(context);
      this.#checkOracle(context);
      const { combined, masked } = this.#batch;
      const durationPs = context.nowPs - this.#combineStartPs;
      context.record({ type: "combine.completed", layer, step, combined, masked, durationPs });
      this.#combined += combined;
      this.#masked += masked;
      this.#batch.closeLayer();
      this.#ordinal += 1;
    }
    const durationPs = context.nowPs - this.#layerStartPs;
    context.record({ type: "layer.completed", layer, step, durationPs });
    this.#place += 1;
    if (this.#place === this.#services.scenario.workload.layers.length) {
      this.#place = 0;
      this.#step += 1;
      if (this.#step === this.#services.scenario.workload.steps) {
        this.#finish(context);
        return;
      }
      this.#batch.load(this.#peers.group, this.#peers.rank, this.#step);
    }
    this.#beginLayer(context);
  }

  #finish(context: ActorContext): void {
    this.#phase = "finished";
    context.record({
      type: "rank.finished",
      dispatched: this.#dispatched,
      combined: this.#combined,
      masked: this.#masked,
    });
    context.finish();
  }
}
