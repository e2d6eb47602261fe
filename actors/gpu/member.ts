/**
 * This rank as a member of a group that a recovery controller looks after: it tells the controller
 * whom it gave up, holds before a step or stops when ordered to, takes up a new membership, and
 * goes on when all have. While it is out it does nothing for itself; when it is fit again it says
 * hello. What the words mean stands in src/model/membership.ts.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { COMES_IN, IS_IN, Order, Report } from "../../src/model/membership.ts";
import { KIND, KIND_MASK, type Packet, PacketKind, SLOT } from "../../src/model/packet.ts";
import { Part } from "../../src/model/part.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { Allegiance } from "./allegiance.ts";
import { Connections } from "./connections.ts";
import { ControllerLine, type Membership, type OrderText } from "./controller-line.ts";
import { Fitness } from "./fitness.ts";
import { Hello } from "./hello.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";

/** What a member needs of its rank. */
export interface MemberHost {
  /** The step that it is in or holds before; when it has finished, the number of steps. */
  readonly step: number;
  readonly isOver: boolean;
  /** It has stopped in the middle of a step, and cannot go on with it. */
  readonly hasStopped: boolean;
  /** Stops in the middle of the step: what is open is lost to a fault. */
  stop(context: ActorContext, fault: number): void;
  /** Likewise, and has no part in the run until it takes up a membership. */
  goOut(context: ActorContext, fault: number): void;
  giveUp(context: ActorContext, rank: number, fault: number): void;
  takeUp(context: ActorContext, membership: Membership): void;
  /** Begins the step that it holds before. */
  goOn(context: ActorContext): void;
}

export class Member {
  readonly #peers: Peers;
  readonly #host: MemberHost;
  readonly #connections: Connections;
  readonly #fitness: Fitness;
  readonly #line: ControllerLine;
  readonly #hello = new Hello();
  readonly #allegiance = new Allegiance();
  readonly #steps: number;
  /** Of the membership that it has taken up last. */
  #epoch = 0;
  /** It holds before this step. */
  #limit = Number.POSITIVE_INFINITY;
  #isHolding = false;
  #isOut = false;
  #hasReported = false;
  #isRunOver = false;
  /** The controller is gone. */
  #isAlone = false;
  /** Queue pairs that its NIC has still to begin anew. */
  #resets = 0;

  constructor(services: DeviceServices, peers: Peers, messenger: Messenger, host: MemberHost) {
    this.#peers = peers;
    this.#host = host;
    this.#connections = new Connections(peers, !messenger.usesNvlink);
    this.#fitness = new Fitness(services, peers);
    this.#line = new ControllerLine(services, peers.size);
    this.#steps = services.scenario.workload.steps;
  }

  /** A step is next: may the rank begin it? If not it holds, and will be told to go on. */
  mayBegin(context: ActorContext, step: number): boolean {
    if (step < this.#limit) return true;
    this.#isHolding = true;
    this.#say(context, Report.holds, this.#allegiance.ordered, step);
    return false;
  }

  /** The rank has finished; the controller cares if anything ever happened. */
  finished(context: ActorContext): void {
    if (this.#allegiance.ordered === 0 && !this.#hasReported) return;
    this.#say(context, Report.holds, this.#allegiance.ordered, this.#steps);
  }

  /** The rank gave another up. */
  gaveUp(context: ActorContext, rank: number, fault: number): void {
    this.#hasReported = true;
    this.#say(context, Report.gaveUp, this.#epoch, rank, fault);
    if (this.#host.isOver) this.finished(context);
  }

  /** The rank has stopped, since it can go no further without some others. */
  trapped(context: ActorContext, ranks: readonly number[], fault: number): void {
    this.#hasReported = true;
    this.#isHolding = true;
    for (const rank of ranks) this.#say(context, Report.trapped, this.#epoch, rank, fault);
    if (this.#isAlone) this.#goOnAlone(context);
  }

  /** An operator wants this rank out: it has left by itself. */
  left(context: ActorContext): void {
    const fault = context.faults.conditionOf(context.self).drainedBy;
    this.#isOut = true;
    this.#hello.wentOut();
    context.setPart(Part.paused);
    this.#say(context, Report.gaveUp, this.#epoch, this.#peers.rank, fault);
  }

  /** The device lives again, and knows nothing. */
  reborn(context: ActorContext): void {
    this.#epoch = 0;
    this.#allegiance.forget();
    this.#isOut = true;
    this.#isHolding = false;
    this.#isRunOver = false;
    this.#hello.reborn();
    this.#resets = 0;
    this.#limit = Number.POSITIVE_INFINITY;
    this.#isAlone = context.faults.isPortDown(context.self, DevicePort.gpuToController);
    if (this.#fitness.isFit(context)) this.#sayHello(context);
  }

  /** Something about this GPU, its NIC or the controller has changed. */
  heed(context: ActorContext): void {
    const wasAlone = this.#isAlone;
    this.#isAlone = context.faults.isPortDown(context.self, DevicePort.gpuToController);
    if (this.#isAlone) {
      this.#goOnAlone(context);
      return;
    }
    // Another controller knows nothing of what the one before it heard, or missed.
    if (wasAlone) this.#hello.forget();
    const missed = wasAlone && !this.#isOut ? this.#peers.masked() : [];
    for (const { rank, fault } of missed) this.gaveUp(context, rank, fault);
    const isIdle = this.#isOut && !this.#isRunOver;
    if (isIdle && this.#fitness.isFit(context)) this.#hello.prepare(context);
  }

  /** The process goes on after a hang: what it said before may have been given up. */
  resumed(context: ActorContext): void {
    this.#hello.forget();
    this.heed(context);
    // If the controller has changed meanwhile, nobody knows that this rank holds.
    if (this.#isHolding)
      this.#say(context, Report.holds, this.#allegiance.ordered, this.#host.step);
  }

  /** Time to say hello. */
  reminded(context: ActorContext): void {
    this.#hello.reminded();
    if (this.#isOut && !this.#isRunOver && this.#fitness.isFit(context)) this.#sayHello(context);
  }

  /** An order, or an answer of the NIC. */
  received(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    const kind = words[packet + KIND] & KIND_MASK;
    const slot = words[packet + SLOT];
    if (kind === PacketKind.qpResetDone) {
      context.packets.free(packet);
      if (slot !== this.#allegiance.ordered || this.#resets === 0) return;
      this.#resets -= 1;
      if (this.#resets === 0) this.#sayReady(context);
      return;
    }
    const text = this.#line.read(context, packet);
    context.packets.free(packet);
    const judgement = this.#allegiance.judge(slot, text);
    if (judgement === "stale") this.#say(context, Report.stale, text.epoch, 0);
    if (judgement !== "heed") return;
    this.#obey(context, slot, text);
    // The last words of one that is gone.
    if (this.#isAlone) this.#goOnAlone(context);
  }

  #obey(context: ActorContext, order: number, text: OrderText): void {
    switch (order) {
      case Order.hold:
        this.#hold(context, text);
        return;
      case Order.runTo:
        this.#runTo(context, text);
        return;
      case Order.takeUp:
        this.#takeUp(context, text);
        return;
      case Order.go:
        if (this.#isOut || !this.#isHolding || text.epoch !== this.#epoch) return;
        this.#release(context);
        return;
      default:
        this.#isRunOver = true;
        this.#goOnAlone(context);
    }
  }

  /** Asked again in the same epoch it only says that it lives. */
  #hold(context: ActorContext, text: OrderText): void {
    const { epoch, members, isAbort, fault } = text;
    const host = this.#host;
    const own = members[this.#peers.rank];
    if (epoch !== this.#allegiance.ordered) {
      this.#allegiance.ordered = epoch;
      if (own >= NO_FAULT) this.#goOut(context, own);
      else if (!this.#isOut && isAbort) {
        this.#limit = host.step;
        this.#isHolding = true;
        host.stop(context, fault);
      } else if (!this.#isOut) {
        this.#limit = this.#isHolding || host.isOver ? host.step : host.step + 1;
        for (const [rank, member] of members.entries()) {
          if (member >= NO_FAULT) host.giveUp(context, rank, member);
        }
      }
    }
    if (this.#isOut && own === IS_IN) this.#denyPart(context, epoch);
    this.#say(context, Report.heard, epoch, this.#isOut ? 0 : this.#limit);
  }

  #runTo(context: ActorContext, { epoch, step }: OrderText): void {
    if (this.#isOut || epoch !== this.#allegiance.ordered) return;
    this.#limit = step;
    if (this.#host.step === step) this.#say(context, Report.holds, epoch, step);
    else if (this.#isHolding) {
      this.#isHolding = false;
      this.#host.goOn(context);
    }
  }

  #takeUp(context: ActorContext, text: OrderText): void {
    const { epoch, members, step, isAbort } = text;
    const own = members[this.#peers.rank];
    this.#allegiance.ordered = epoch;
    if (own >= NO_FAULT) this.#goOut(context, own);
    else if (this.#isOut && own === IS_IN) this.#denyPart(context, epoch);
    else {
      this.#isOut = false;
      this.#hello.forget();
      this.#hello.drop(context);
      this.#epoch = epoch;
      this.#limit = step;
      this.#isHolding = true;
      this.#host.takeUp(context, text);
    }
    const isNode = new Uint8Array(this.#peers.nodes);
    for (const [rank, member] of members.entries()) {
      if (isAbort || member === COMES_IN) isNode[this.#peers.nodeOf(rank)] = 1;
    }
    this.#resets = this.#connections.reset(context, isNode, epoch);
    if (this.#resets === 0) this.#sayReady(context);
  }

  /** The controller has missed that this rank is out: it died and knows nothing any more. */
  #denyPart(context: ActorContext, epoch: number): void {
    this.#hello.forget();
    this.#say(context, Report.gaveUp, epoch, this.#peers.rank);
  }

  #sayReady(context: ActorContext): void {
    if (this.#epoch === this.#allegiance.ordered) this.#say(context, Report.ready, this.#epoch, 0);
  }

  #goOut(context: ActorContext, fault: number): void {
    if (!this.#isOut) this.#leave(context, fault);
    this.heed(context);
  }

  #leave(context: ActorContext, fault: number): void {
    this.#isOut = true;
    this.#isHolding = false;
    this.#hello.wentOut();
    this.#host.goOut(context, fault);
  }

  /** The controller is gone, or has nothing more to say: nobody will tell this rank to go on. */
  #goOnAlone(context: ActorContext): void {
    this.#hello.drop(context);
    this.#limit = Number.POSITIVE_INFINITY;
    if (this.#isOut || !this.#isHolding || this.#host.isOver) return;
    if (this.#host.hasStopped) this.#leave(context, NO_FAULT);
    else this.#release(context);
  }

  #release(context: ActorContext): void {
    this.#limit = Number.POSITIVE_INFINITY;
    this.#isHolding = false;
    this.#host.goOn(context);
  }

  #sayHello(context: ActorContext): void {
    if (this.#isAlone) return;
    this.#hello.said();
    this.#say(context, Report.hello, this.#epoch, 0);
  }

  #say(context: ActorContext, what: number, epoch: number, about: number, fault = NO_FAULT): void {
    const isSick = this.#fitness.isCutOff(context);
    const { ordered } = this.#allegiance;
    this.#line.say(context, { what, epoch, about, fault, ordered, isSick });
  }
}
