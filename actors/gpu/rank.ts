/**
 * One rank of an expert-parallel group: what the process on a GPU does. It runs the schedule of a
 * step: attention, gate, dispatch of token copies, expert compute, combine, for each chain of
 * tokens. There is no barrier between ranks: whoever has all it needs goes on.
 */
import type { ActorContext, Condition } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import {
  KIND,
  KIND_MASK,
  LAYER,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
} from "../../src/model/packet.ts";
import { Part } from "../../src/model/part.ts";
import { Chains } from "./chains.ts";
import type { Membership } from "./controller-line.ts";
import { ExchangeNumbers } from "./exchange-numbers.ts";
import { ExpertHolders } from "./expert-holders.ts";
import type { HeldHost } from "./held.ts";
import { HELLO_TAG } from "./hello.ts";
import { LayerClock } from "./layer-clock.ts";
import {
  type MaskClocks,
  type MaskHost,
  MaskPolicy,
  type MaskReason,
  MaskTag,
} from "./mask-policy.ts";
import { Member, type MemberHost } from "./member.ts";
import type { Messenger } from "./messenger.ts";
import { OpenWork } from "./open-work.ts";
import { Operator } from "./operator.ts";
import { Payloads } from "./payloads.ts";
import type { Peers } from "./peers.ts";
import { type StepHost, StepRun } from "./step-run.ts";

/** Reminders of a rank, besides those of {@link MaskTag} and {@link HELLO_TAG}. */
const Tag = { computed: 1, pump: 2 } as const;

export interface RankParts {
  readonly services: DeviceServices;
  readonly peers: Peers;
  readonly messenger: Messenger;
  readonly clocks: MaskClocks;
}

export class Rank implements MaskHost, MemberHost, StepHost, HeldHost {
  /** The step that it is in or will begin next; when it has finished, the number of steps. */
  step = 0;
  /** Has it finished? */
  isOver = false;
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #payloads: Payloads;
  readonly #numbers: ExchangeNumbers;
  readonly #chains: Chains;
  readonly #holders: ExpertHolders;
  readonly #operator: Operator;
  readonly #run: StepRun;
  readonly #masks: MaskPolicy;
  readonly #clock: LayerClock;
  /** Undefined where there is no controller. */
  readonly #member: Member | undefined;
  /** Steps begun, counted to the furthest. */
  #begun = 0;
  /**
   * The job goes on; it has stopped, and the controller will have it begin again; this rank has no
   * part in it, but passes on what others send; or its process is gone.
   */
  #job: "runs" | "stopped" | "out" | "gone" = "runs";

  constructor({ services, peers, messenger, clocks }: RankParts) {
    const { scenario, topology, schedule } = services;
    const { recovery, workload } = scenario;
    this.#services = services;
    this.#peers = peers;
    this.#messenger = messenger;
    this.#clock = new LayerClock(schedule);
    this.#numbers = new ExchangeNumbers(schedule, workload.steps);
    this.#payloads = new Payloads(services, this.#numbers, () => this.#clock.lookBackPs);
    this.#holders = new ExpertHolders(services, peers);
    this.#chains = new Chains({
      ...{ services, peers, messenger, payloads: this.#payloads, holders: this.#holders },
      pumpTag: Tag.pump,
    });
    this.#run = new StepRun({
      ...{ services, chains: this.#chains, clock: this.#clock, host: this },
      computedTag: Tag.computed,
    });
    this.#masks = new MaskPolicy({
      peers,
      messenger,
      host: this,
      work: new OpenWork(this.#chains, this.#clock, peers),
      clocks,
      isNormal: workload.protocol === "normal",
      traps: recovery.onSilence === "trap",
      idOf: (actor) => topology.actors[actor].id,
    });
    this.#operator = new Operator(peers, messenger, this.#masks);
    if (recovery.controller !== "none") {
      this.#member = new Member(services, peers, messenger, this);
    }
  }

  /** Is there no process any more, nor what it did for others? */
  get isGone(): boolean {
    return this.#job === "gone";
  }

  get hasStopped(): boolean {
    return this.#job === "stopped";
  }

  start(context: ActorContext): void {
    this.goOn(context);
  }

  /** A message that ends here; what is left of an earlier epoch counts for nothing. */
  arrived(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const kind = words[packet + KIND] & KIND_MASK;
    if (kind === PacketKind.order || kind === PacketKind.qpResetDone) {
      this.#member?.received(context, packet);
      return;
    }
    const mayAnswer = this.#job === "stopped" && kind === PacketKind.probe;
    if ((this.#job !== "runs" && !mayAnswer) || words[packet + LAYER] < this.#numbers.first) {
      context.packets.free(packet);
      return;
    }
    if ((words[packet + KIND] & PacketFlag.failed) !== 0) {
      this.#masks.sendFailed(context, packet);
      return;
    }
    const rank = this.#peers.rankOf(words[packet + ORIGIN]);
    switch (kind) {
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
    if (tag === HELLO_TAG) this.#member?.reminded(context);
    if (this.#job !== "runs") return;
    switch (tag) {
      case Tag.computed:
        this.#run.computed(context, value);
        return;
      case Tag.pump:
        this.#run.pump(context, value);
        return;
      case MaskTag.waitedLong:
        this.#masks.askWhoLives(context);
        return;
      case MaskTag.probesDue:
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
    this.#member?.resumed(context);
  }

  /** What ails this GPU has changed. */
  takeCondition({ slowdown, flipsPerMillion }: Condition): void {
    this.#run.slowdown = slowdown;
    this.#payloads.flipsPerMillion = flipsPerMillion;
  }

  /** Does what operators want by now, and looks whether it can come in. */
  heed(context: ActorContext): void {
    if (this.#job === "runs") this.#operator.heedMasks(context);
    this.#member?.heed(context);
  }

  /** The device lives again and knows nothing: without a controller its part is over. */
  reborn(context: ActorContext): void {
    // What was open is accounted for already.
    this.#chains.beginAnew(context, this.#numbers);
    this.#stopAs(context, this.#member === undefined ? "gone" : "out", NO_FAULT);
    context.setPart(this.#member === undefined ? Part.over : Part.paused);
    this.#member?.reborn(context);
  }

  trapped(context: ActorContext, ranks: readonly number[], fault: number): void {
    this.#stopAs(context, this.#member === undefined ? "gone" : "stopped", fault);
    if (this.#member === undefined) context.setPart(Part.over);
    else this.#member.trapped(context, ranks, fault);
  }

  stop(context: ActorContext, fault: number): void {
    this.#stopAs(context, "stopped", fault);
  }

  goOut(context: ActorContext, fault: number): void {
    this.#stopAs(context, "out", fault);
    context.setPart(Part.paused);
  }

  giveUp(context: ActorContext, rank: number, fault: number): void {
    this.#masks.mask(context, rank, "controller", fault === NO_FAULT ? undefined : fault);
  }

  takeUp(context: ActorContext, membership: Membership): void {
    this.#peers.takeUp(membership.members, context.nowPs);
    this.#numbers.begin(membership.epoch, membership.step);
    this.#messenger.takeUp(this.#numbers.first);
    this.#holders.takeUp();
    this.#masks.forget(context);
    this.#run.stop(context);
    this.#chains.beginAnew(context, this.#numbers);
    this.step = membership.step;
    this.#job = "runs";
    this.isOver = false;
    context.setPart(Part.goesOn);
  }

  goOn(context: ActorContext): void {
    if (this.#operator.heedDrains(context)) {
      this.#masks.endWait(context);
      this.#job = "out";
      if (this.#member === undefined) this.#finish(context);
      else this.#member.left(context);
      return;
    }
    if (this.step < this.#begun) context.record({ type: "step.restarted", step: this.step });
    this.#begun = Math.max(this.#begun, this.step + 1);
    this.#run.start(context, this.step);
  }

  exchangeBegan(context: ActorContext): void {
    this.#masks.startWait(context);
  }

  exchangeEnded(context: ActorContext): void {
    if (!this.#chains.isWaiting) this.#masks.endWait(context);
  }

  stepDone(context: ActorContext): void {
    this.step += 1;
    if (this.step === this.#services.scenario.workload.steps) this.#finish(context);
    else if (this.#member?.mayBegin(context, this.step) ?? true) this.goOn(context);
  }

  rankMasked(context: ActorContext, rank: number, reason: MaskReason, fault: number): void {
    this.#holders.rankMasked(context, rank, fault);
    if (reason !== "controller") this.#member?.gaveUp(context, rank, fault);
  }

  progress(context: ActorContext): void {
    this.#run.progress(context);
  }

  /** Nothing that was begun goes on. */
  #stopAs(context: ActorContext, job: "stopped" | "out" | "gone", fault: number): void {
    this.#job = job;
    this.#run.stop(context);
    this.#chains.abandon(context, fault);
    this.#masks.endWait(context);
  }

  #finish(context: ActorContext): void {
    this.isOver = true;
    context.record({ type: "rank.finished", ...this.#chains.totals });
    context.setPart(Part.over);
    this.#member?.finished(context);
  }

  #exchanged(context: ActorContext, packet: Packet, rank: number): void {
    const exchange = this.#chains.received(context, packet, rank);
    if (exchange === undefined) return;
    if (exchange.isDone) this.#run.settle(context, exchange.home.chain);
    else if (exchange.protocol.isWaiting) this.#masks.ensureWait(context);
    else if (this.isOver && !this.#chains.isWaiting) this.#masks.endWait(context);
  }
}
