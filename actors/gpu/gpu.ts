/**
 * A GPU: one rank of an expert-parallel group. It walks the layers of a decode step: attention,
 * gate, dispatch of token copies to the ranks that hold the chosen experts, expert compute,
 * combine. The protocol is DeepEP's low-latency one: every copy goes straight to its rank, then a
 * count says that this was all. There is no barrier between ranks: whoever has all it needs goes
 * on.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
} from "../../src/model/packet.ts";
import { ExpertSide } from "./expert-side.ts";
import { HomeSide, type LayerPlace } from "./home-side.ts";
import { type MaskClocks, type MaskHost, MaskPolicy, MaskTag } from "./mask-policy.ts";
import { Messenger } from "./messenger.ts";
import { Peers } from "./peers.ts";

/** Reminders of a GPU, besides those of {@link MaskTag}. */
const Tag = { attentionDone: 1, expertsDone: 2 } as const;

type Phase = "attention" | "receiving" | "experts" | "combining" | "finished";

export class Gpu implements Actor, MaskHost {
  /** Start of the previous layer: how far back a fault may explain a mask. */
  lookBackPs = 0;
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #home: HomeSide;
  readonly #experts: ExpertSide;
  readonly #masks: MaskPolicy;
  #phase: Phase = "attention";
  #step = 0;
  /** Place in `workload.layers`, and the MoE layers done in the run. */
  #place = 0;
  #ordinal = 0;
  #layerStartPs = 0;
  #dispatchStartPs = 0;
  #combineStartPs = 0;

  constructor(self: number, services: DeviceServices, clocks: MaskClocks) {
    const { scenario, topology } = services;
    this.#services = services;
    this.#peers = new Peers(self, topology, scenario.cluster, scenario.workload.epSize);
    this.#messenger = new Messenger(this.#peers);
    this.#home = new HomeSide(services, this.#peers, this.#messenger);
    this.#experts = new ExpertSide(services, this.#peers, this.#messenger);
    this.#masks = new MaskPolicy({
      peers: this.#peers,
      messenger: this.#messenger,
      host: this,
      clocks,
      idOf: (actor) => topology.actors[actor].id,
    });
  }

  start(context: ActorContext): void {
    this.#home.load(0);
    this.#beginLayer(context);
  }

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const { words } = context.packets;
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
        if (this.#experts.tokenArrived(context, packet, rank) === this.#ordinal) {
          this.progress(context);
        }
        return;
      case PacketKind.combine:
        this.#home.resultArrived(context, packet, rank);
        this.progress(context);
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
      return !this.#peers.isMasked(rank) && !this.#experts.inbox(this.#ordinal).isWhole(rank);
    }
    return this.#phase === "combining" && this.#home.batch.openOf[rank] > 0;
  }

  dropRank(context: ActorContext, rank: number, fault: number): number {
    this.#experts.dropRank(context, rank);
    return this.#home.dropRank(context, rank, fault);
  }

  /** Goes on when the phase has all that it waits for. */
  progress(context: ActorContext): void {
    if (this.#phase === "receiving" && this.#experts.inbox(this.#ordinal).missing === 0) {
      this.#computeExperts(context);
    } else if (this.#phase === "combining" && this.#home.batch.open === 0) {
      this.#endLayer(context);
    }
  }

  #isDense(): boolean {
    return this.#layer() < this.#services.scenario.model.first_k_dense_replace;
  }

  #layer(): number {
    return this.#services.scenario.workload.layers[this.#place];
  }

  #layerPlace(): LayerPlace {
    return { ordinal: this.#ordinal, layer: this.#layer(), step: this.#step };
  }

  #beginLayer(context: ActorContext): void {
    const { compute } = this.#services;
    this.#phase = "attention";
    this.lookBackPs = this.#layerStartPs;
    this.#layerStartPs = context.nowPs;
    const densePs = this.#isDense() ? compute["dense-forward"].fixedPs : 0;
    const spanPs = Math.max(1, compute["attention-forward"].fixedPs + densePs);
    context.remindAfter(spanPs, Tag.attentionDone, this.#place);
  }

  #dispatch(context: ActorContext): void {
    const { rank } = this.#peers;
    const inbox = this.#experts.inbox(this.#ordinal);
    this.#dispatchStartPs = context.nowPs;
    this.#home.dispatch(context, this.#layerPlace(), (_, packet) =>
      inbox.add(context.packets, packet, rank),
    );
    inbox.announce(rank, this.#home.sent[rank]);
    this.#phase = "receiving";
    this.#masks.startWait(context);
    this.progress(context);
  }

  #computeExperts(context: ActorContext): void {
    this.#masks.endWait(context);
    this.#phase = "experts";
    context.record({
      type: "dispatch.completed",
      layer: this.#layer(),
      step: this.#step,
      received: this.#experts.inbox(this.#ordinal).received,
      durationPs: context.nowPs - this.#dispatchStartPs,
    });
    const used = this.#experts.expertsUsed(context.packets, this.#ordinal);
    const spanPs = Math.max(1, used * this.#services.compute["mlp-forward"].perExpertPs);
    context.remindAfter(spanPs, Tag.expertsDone, this.#ordinal);
  }

  #sendResults(context: ActorContext): void {
    const { rank } = this.#peers;
    this.#combineStartPs = context.nowPs;
    this.#experts.sendResults(context, this.#ordinal, (_, packet) =>
      this.#home.resultArrived(context, packet, rank),
    );
    this.#phase = "combining";
    this.#masks.startWait(context);
    this.progress(context);
  }

  #endLayer(context: ActorContext): void {
    const place = this.#layerPlace();
    const { layer, step } = place;
    if (!this.#isDense()) {
      this.#masks.endWait(context);
      const { combined, masked } = this.#home.batch;
      this.#home.close(context, place);
      const durationPs = context.nowPs - this.#combineStartPs;
      context.record({ type: "combine.completed", layer, step, combined, masked, durationPs });
      this.#ordinal += 1;
    }
    const durationPs = context.nowPs - this.#layerStartPs;
    context.record({ type: "layer.completed", layer, step, durationPs });
    this.#place += 1;
    if (this.#place === this.#services.scenario.workload.layers.length) this.#endStep(context);
    else this.#beginLayer(context);
  }

  #endStep(context: ActorContext): void {
    this.#place = 0;
    this.#step += 1;
    if (this.#step < this.#services.scenario.workload.steps) {
      this.#home.load(this.#step);
      this.#beginLayer(context);
      return;
    }
    const { dispatched, combined, masked } = this.#home;
    this.#phase = "finished";
    context.record({ type: "rank.finished", dispatched, combined, masked });
    context.finish();
  }
}
