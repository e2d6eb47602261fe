/**
 * One rank of an expert-parallel group: what the process on a GPU does. It runs the schedule of a
 * step: attention, gate, dispatch of token copies to the ranks that hold the chosen experts, expert
 * compute, combine, for each chain of tokens. There is no barrier between ranks: whoever has all it
 * needs goes on.
 */
import type { ActorContext, Condition } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import {
  KIND,
  KIND_MASK,
  LAYER,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
} from "../../src/model/packet.ts";
import type { ScheduleOp } from "../../src/model/schedule.ts";
import { Chains } from "./chains.ts";
import { ComputeStream } from "./compute-stream.ts";
import type { Exchange } from "./exchange.ts";
import { ExpertHolders } from "./expert-holders.ts";
import type { HeldHost } from "./held.ts";
import { LayerClock } from "./layer-clock.ts";
import { type MaskClocks, type MaskHost, MaskPolicy, MaskTag } from "./mask-policy.ts";
import type { Messenger } from "./messenger.ts";
import { Operator } from "./operator.ts";
import { Payloads } from "./payloads.ts";
import type { Peers } from "./peers.ts";
import { type ScheduleHost, ScheduleRunner } from "./schedule-runner.ts";

/** Reminders of a rank, besides those of {@link MaskTag}. */
const Tag = { computed: 1, pump: 2 } as const;

export interface RankParts {
  readonly services: DeviceServices;
  readonly peers: Peers;
  readonly messenger: Messenger;
  readonly clocks: MaskClocks;
}

export class Rank implements MaskHost, ScheduleHost, HeldHost {
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #payloads: Payloads;
  readonly #chains: Chains;
  readonly #exchanges: readonly Exchange[];
  readonly #holders: ExpertHolders;
  readonly #operator: Operator;
  readonly #compute: ComputeStream;
  /** By chain: the operation that its exchange carries out. */
  readonly #running: Int32Array;
  readonly #runner: ScheduleRunner;
  readonly #masks: MaskPolicy;
  readonly #clock: LayerClock;
  #step = 0;
  #isOver = false;
  /** The job goes on; this rank has left it in good order; or its process is gone. */
  #job: "runs" | "left" | "gone" = "runs";

  constructor({ services, peers, messenger, clocks }: RankParts) {
    const { scenario, topology, schedule } = services;
    this.#services = services;
    this.#peers = peers;
    this.#messenger = messenger;
    this.#clock = new LayerClock(schedule);
    this.#payloads = new Payloads(services, () => this.#clock.lookBackPs);
    const payloads = this.#payloads;
    this.#chains = new Chains({ services, peers, messenger, payloads, pumpTag: Tag.pump });
    this.#exchanges = this.#chains.exchanges;
    this.#holders = new ExpertHolders(services, peers);
    this.#compute = new ComputeStream(services, Tag.computed);
    this.#running = new Int32Array(schedule.chains.length).fill(-1);
    this.#runner = new ScheduleRunner(schedule, this);
    this.#masks = new MaskPolicy({
      peers,
      messenger,
      host: this,
      clocks,
      isNormal: scenario.workload.protocol === "normal",
      traps: scenario.recovery.onSilence === "trap",
      idOf: (actor) => topology.actors[actor].id,
    });
    this.#operator = new Operator(peers, messenger, this.#masks);
  }

  /** Is there no process any more, nor what it did for others? */
  get isGone(): boolean {
    return this.#job === "gone";
  }

  start(context: ActorContext): void {
    this.#beginStep(context);
  }

  /** A message that ends here. */
  arrived(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    if (this.#job !== "runs") {
      context.packets.free(packet);
      return;
    }
    if ((words[packet + KIND] & PacketFlag.failed) !== 0) {
      this.#masks.sendFailed(context, packet);
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

  reminded(context: ActorContext, tag: number, value: number): void {
    if (this.#job !== "runs") return;
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

  /** Takes a reminder while the process hangs; false when it is to be handled afterwards. */
  missed(tag: number): boolean {
    const isClock = tag === MaskTag.waitedLong || tag === MaskTag.probesDue;
    if (isClock) this.#masks.missed(tag);
    return isClock;
  }

  /** The process goes on, and has handled what came meanwhile: the clocks that ran out count. */
  resumed(context: ActorContext): void {
    if (this.#job === "runs") this.#masks.resumed(context);
  }

  /** What ails this GPU has changed. */
  takeCondition({ slowdown, flipsPerMillion }: Condition): void {
    this.#compute.slowdown = slowdown;
    this.#payloads.flipsPerMillion = flipsPerMillion;
  }

  /** Does what operators want by now. */
  heedOperator(context: ActorContext): void {
    if (this.#job === "runs") this.#operator.heedMasks(context);
  }

  /** The rank's part in the run is over, and what is open is lost to a fault. */
  endJob(context: ActorContext, fault: number): void {
    this.#chains.loseOpen(context, fault);
    this.leave(context);
  }

  /** The process is gone: nothing is handled or passed on any more. */
  leave(context: ActorContext): void {
    this.#job = "gone";
    this.#running.fill(-1);
    this.#compute.stop(context);
    for (const exchange of this.#exchanges) exchange.stop(context);
    this.#masks.endWait(context);
    context.finish();
  }

  /** Carries out an operation of the schedule. */
  begin(context: ActorContext, op: ScheduleOp, number: number): void {
    if (this.#job !== "runs") return;
    this.#clock.began(op, context.nowPs);
    if (op.kind === "compute" || op.kind === "align") {
      this.#compute.begin(context, op, number, this.#exchanges[op.chain]);
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
    this.#finish(context);
  }

  get lookBackPs(): number {
    return this.#clock.lookBackPs;
  }

  get isWaiting(): boolean {
    return this.#chains.isWaiting;
  }

  isMissing(rank: number): boolean {
    if (rank === this.#peers.rank || this.#peers.isMasked(rank)) return false;
    return this.#chains.isMissing(rank);
  }

  dropRank(context: ActorContext, rank: number, fault: number): number {
    return this.#chains.dropRank(context, rank, fault);
  }

  rankMasked(context: ActorContext, rank: number, fault: number): void {
    this.#holders.rankMasked(context, rank, fault);
  }

  /** Goes on with every chain that has all it waits for. */
  progress(context: ActorContext): void {
    for (let chain = 0; chain < this.#exchanges.length; chain += 1) this.#settle(context, chain);
  }

  #finish(context: ActorContext): void {
    this.#isOver = true;
    context.record({ type: "rank.finished", ...this.#chains.totals });
    context.finish();
  }

  #beginStep(context: ActorContext): void {
    if (this.#operator.heedDrains(context)) {
      this.#job = "left";
      this.#masks.endWait(context);
      this.#finish(context);
      return;
    }
    this.#exchanges.forEach(({ home }, chain) => {
      home.load(this.#step, chain);
    });
    this.#clock.beginStep(context.nowPs);
    this.#runner.start(context);
  }

  /**
   * A message of an exchange; one of a masked rank comes too late and counts for nothing, and so
   * does what comes again when all is done.
   */
  #exchanged(context: ActorContext, packet: Packet, rank: number): void {
    const { words } = context.packets;
    const chain = words[packet + LAYER] % this.#exchanges.length;
    const exchange = this.#exchanges[chain];
    const isStale = this.#messenger.resends && exchange.isPast(words, packet);
    if (isStale || this.#peers.isMasked(rank)) {
      context.packets.free(packet);
      return;
    }
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
    this.#running[chain] = -1;
    exchange.end(context, this.#services.schedule.chains[chain]);
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
}
