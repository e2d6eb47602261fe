/**
 * A GPU: one rank of an expert-parallel group. It runs the schedule of a step: attention, gate,
 * dispatch of token copies to the ranks that hold the chosen experts, expert compute, combine, for
 * each chain of tokens. There is no barrier between ranks: whoever has all it needs goes on.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { ComputeName } from "../../src/model/compute.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
} from "../../src/model/packet.ts";
import { ALIGN_PS, type ScheduleOp } from "../../src/model/schedule.ts";
import { Exchange } from "./exchange.ts";
import { HomeSide } from "./home-side.ts";
import { LayerClock } from "./layer-clock.ts";
import { LowLatency } from "./low-latency.ts";
import { type MaskClocks, type MaskHost, MaskPolicy, MaskTag } from "./mask-policy.ts";
import { Messenger } from "./messenger.ts";
import { Normal } from "./normal.ts";
import { Peers } from "./peers.ts";
import { type ScheduleHost, ScheduleRunner } from "./schedule-runner.ts";

/** Reminders of a GPU, besides those of {@link MaskTag}. */
const Tag = { computed: 1, pump: 2 } as const;

export class Gpu implements Actor, MaskHost, ScheduleHost {
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  /** By chain of the schedule. */
  readonly #exchanges: readonly Exchange[];
  /** By chain: the operation that its exchange carries out. */
  readonly #running: Int32Array;
  readonly #runner: ScheduleRunner;
  readonly #masks: MaskPolicy;
  readonly #clock: LayerClock;
  #step = 0;
  #isOver = false;

  constructor(self: number, services: DeviceServices, clocks: MaskClocks) {
    const { scenario, topology, schedule } = services;
    const { workload } = scenario;
    const isNormal = workload.protocol === "normal";
    this.#services = services;
    this.#peers = new Peers(self, topology, scenario.cluster, workload.epSize);
    this.#messenger = new Messenger(this.#peers, isNormal || workload.intraNode === "nvlink");
    this.#exchanges = schedule.chains.map((_, chain) => this.#exchange(chain));
    this.#running = new Int32Array(schedule.chains.length).fill(-1);
    this.#runner = new ScheduleRunner(schedule, this);
    this.#clock = new LayerClock(schedule);
    this.#masks = new MaskPolicy({
      peers: this.#peers,
      messenger: this.#messenger,
      host: this,
      clocks,
      isNormal,
      idOf: (actor) => topology.actors[actor].id,
    });
  }

  start(context: ActorContext): void {
    this.#beginStep(context);
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
      case PacketKind.nodeDispatch:
      case PacketKind.combine:
      case PacketKind.partial:
      case PacketKind.sharesRefused:
      case PacketKind.dispatchCount:
        this.#exchanged(context, packet, rank);
        return;
      default:
        this.#masks.controlArrived(context, packet, rank);
    }
  }

  remind(context: ActorContext, tag: number, value: number): void {
    switch (tag) {
      case Tag.computed:
        this.#done(context, value);
        return;
      case Tag.pump:
        this.#exchanges[value].pump(context);
        this.#settle(context, value);
        return;
      case MaskTag.waitedLong:
        this.#masks.askWhoLives(context);
        return;
      default:
        this.#masks.maskTheSilent(context);
    }
  }

  /** Carries out an operation of the schedule. */
  begin(context: ActorContext, op: ScheduleOp, number: number): void {
    this.#clock.began(op, context.nowPs);
    if (op.kind === "compute" || op.kind === "align") {
      const spanPs = op.kind === "align" ? ALIGN_PS - (context.nowPs % ALIGN_PS) : this.#spanOf(op);
      context.remindAfter(Math.max(1, spanPs), Tag.computed, number);
      return;
    }
    const exchange = this.#exchanges[op.chain];
    this.#running[op.chain] = number;
    if (op.kind === "dispatch") {
      const { chain, place } = op;
      const layer = this.#services.scenario.workload.layers[place];
      const at = { exchange: exchange.next, step: this.#step, layer, place, chain };
      exchange.beginDispatch(context, at);
    } else exchange.beginCombine(context);
    this.#masks.startWait(context);
    this.#settle(context, op.chain);
  }

  stepDone(context: ActorContext): void {
    const durationPs = this.#clock.endStep(context.nowPs);
    context.record({ type: "step.completed", step: this.#step, durationPs });
    this.#step += 1;
    if (this.#step < this.#services.scenario.workload.steps) {
      this.#beginStep(context);
      return;
    }
    const sum = (pick: (home: HomeSide) => number): number =>
      this.#exchanges.reduce((total, { home }) => total + pick(home), 0);
    this.#isOver = true;
    context.record({
      type: "rank.finished",
      dispatched: sum((home) => home.dispatched),
      combined: sum((home) => home.combined),
      masked: sum((home) => home.masked),
    });
    context.finish();
  }

  get lookBackPs(): number {
    return this.#clock.lookBackPs;
  }

  get isWaiting(): boolean {
    return this.#exchanges.some(({ isWaiting, protocol }) => isWaiting || protocol.isWaiting);
  }

  isMissing(rank: number): boolean {
    if (rank === this.#peers.rank || this.#peers.isMasked(rank)) return false;
    return this.#exchanges.some(
      (exchange) => exchange.isMissing(rank) || exchange.protocol.awaits(rank),
    );
  }

  dropRank(context: ActorContext, rank: number, fault: number): number {
    let assignments = 0;
    for (const exchange of this.#exchanges) {
      assignments += exchange.dropRank(context, rank, fault);
    }
    return assignments;
  }

  /** Goes on with every chain that has all it waits for. */
  progress(context: ActorContext): void {
    for (let chain = 0; chain < this.#exchanges.length; chain += 1) this.#settle(context, chain);
  }

  #exchange(chain: number): Exchange {
    const services = this.#services;
    const { scenario, schedule } = services;
    const peers = this.#peers;
    const messenger = this.#messenger;
    const home = new HomeSide(services, peers, chain);
    return new Exchange({
      chain,
      chains: schedule.chains.length,
      experts: scenario.model.n_routed_experts,
      peers,
      messenger,
      home,
      protocol: (inboxOf) => {
        const parts = { services, peers, messenger, home, inboxOf };
        return scenario.workload.protocol === "normal" ? new Normal(parts) : new LowLatency(parts);
      },
      pumpTag: Tag.pump,
    });
  }

  #beginStep(context: ActorContext): void {
    this.#exchanges.forEach(({ home }, chain) => {
      home.load(this.#step, chain);
    });
    this.#clock.beginStep(context.nowPs);
    this.#runner.start(context);
  }

  /** A message of an exchange; one of a masked rank comes too late and counts for nothing. */
  #exchanged(context: ActorContext, packet: Packet, rank: number): void {
    if (this.#peers.isMasked(rank)) {
      context.packets.free(packet);
      return;
    }
    const { words } = context.packets;
    const chain = words[packet + LAYER] % this.#exchanges.length;
    const exchange = this.#exchanges[chain];
    if ((words[packet + KIND] & KIND_MASK) === PacketKind.dispatchCount) {
      exchange.counted(context, packet, rank);
    } else exchange.protocol.received(context, packet, rank);
    if (exchange.isDone) this.#settle(context, chain);
    else if (exchange.protocol.isWaiting) this.#masks.ensureWait(context);
    else if (this.#isOver && !this.isWaiting) this.#masks.endWait(context);
  }

  /** Ends the operation of a chain's exchange if it has all that it waits for. */
  #settle(context: ActorContext, chain: number): void {
    const exchange = this.#exchanges[chain];
    const number = this.#running[chain];
    if (number < 0 || !exchange.isDone) return;
    const { at, home, startPs } = exchange;
    if (at === undefined) return;
    const { layer, step } = at;
    const durationPs = context.nowPs - startPs;
    const name = this.#services.schedule.chains[chain];
    this.#running[chain] = -1;
    if (exchange.phase === "dispatch") {
      exchange.endDispatch();
      const received = exchange.copies;
      context.record({
        type: "dispatch.completed",
        layer,
        step,
        chain: name,
        received,
        durationPs,
      });
    } else {
      const { combined, masked } = home.batch;
      exchange.endCombine(context);
      context.record({
        type: "combine.completed",
        layer,
        step,
        chain: name,
        combined,
        masked,
        durationPs,
      });
    }
    if (!this.isWaiting) this.#masks.endWait(context);
    this.#done(context, number);
  }

  /** An operation has ended. */
  #done(context: ActorContext, number: number): void {
    const op = this.#services.schedule.ops[number];
    const durationPs = this.#clock.ended(op, number, context.nowPs);
    if (durationPs >= 0) {
      const layer = this.#services.scenario.workload.layers[op.place];
      const chain = this.#services.schedule.chains[op.chain];
      context.record({ type: "layer.completed", layer, step: this.#step, chain, durationPs });
    }
    this.#runner.done(context, number);
  }

  #spanOf(op: ScheduleOp): number {
    const { fixedPs, perExpertPs, perCopyPs } = this.#services.compute[op.compute as ComputeName];
    const { expertsUsed, copies } = this.#exchanges[op.chain];
    return Math.round(fixedPs + perExpertPs * expertsUsed + perCopyPs * copies);
  }
}
