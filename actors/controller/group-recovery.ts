/**
 * The controller's view of one EP group. From the first report on it gathers more for a while; then
 * it decides who has to leave and who may come in, has all ranks hold before the same step (or, to
 * restart, stop at once), lets them take up the new membership, and lets them go. Who does not
 * answer in time has to leave, too, and the change is begun again in a new epoch; so it goes on
 * whatever breaks meanwhile.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { COMES_IN, EPOCH_MAX, IS_IN, Order, Report } from "../../src/model/membership.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { type Answer, Answers } from "./answers.ts";
import { groupShapeOf } from "./exclusion.ts";
import { MoveCount } from "./move-count.ts";
import { OrderSender } from "./order-sender.ts";
import { type RankReport, Roster } from "./roster.ts";

/**
 * Time that ranks have for an answer, ps: assumed, far more than a message takes there and back.
 */
export const ANSWER_PS = PS_PER_S;
/** How far back a fault may explain a silence before others do, ps. */
const LOOK_BACK_PS = 10 * PS_PER_S;
/** No change is begun later, since one may need several epochs. */
const DECISION_EPOCH_MAX = EPOCH_MAX - 27;

/**
 * A group that begins the same step again so often is given up; Kubernetes' backoffLimit is 6, too.
 */
const TRIES_MAX = 6;

type Phase = "quiet" | "gathering" | "holding" | "running" | "taking-up" | "over";

export class GroupRecovery {
  readonly #services: DeviceServices;
  readonly #group: number;
  readonly #sender: OrderSender;
  readonly #roster: Roster;
  readonly #moves: MoveCount;
  #phase: Phase = "quiet";
  #timer: TimerId = NO_TIMER;
  /** The change that is being made, or was made last; the one that ranks took up last. */
  #epoch = 0;
  #takenUp = 0;
  /**
   * By rank, what the change will make of it: IS_IN, COMES_IN, or the fault for which it is out.
   */
  readonly #next: Int32Array;
  #isAbort = false;
  #fault = NO_FAULT;
  /** The step before which all hold; the one that the last change began with. */
  #step = 0;
  #stepTakenUp = 0;
  /** Changes in a row after which the group did no step. */
  #triesInVain = 0;
  readonly #answers: Answers;

  constructor(services: DeviceServices, group: number) {
    const size = services.scenario.workload.epSize;
    this.#services = services;
    this.#group = group;
    this.#sender = new OrderSender(services, group);
    this.#roster = new Roster(groupShapeOf(services.scenario));
    this.#moves = new MoveCount(services);
    this.#next = new Int32Array(size).fill(IS_IN);
    this.#answers = new Answers(size);
  }

  /** A rank of the group says something. */
  reported(context: ActorContext, report: RankReport): void {
    const { rank, what, epoch, about } = report;
    switch (what) {
      case Report.gaveUp:
      case Report.trapped:
        if (epoch < this.#takenUp) return;
        this.#roster.gaveUp(report, what === Report.trapped);
        break;
      case Report.hello:
        this.#roster.hello(rank);
        if (this.#phase === "over") this.#sender.to(context, rank, Order.over, this.#text);
        break;
      case Report.holds:
        if (about === this.#steps) this.#roster.finished(rank);
        this.#answered(context, report, "holds");
        break;
      default:
        this.#answered(context, report, what === Report.heard ? "heard" : "ready");
        return;
    }
    this.#consider(context);
  }

  /** The clock has run out: of gathering, or of answers. */
  clock(context: ActorContext): void {
    this.#timer = NO_TIMER;
    if (this.#phase === "gathering") {
      this.#phase = "quiet";
      if (this.#hasSomethingToDo()) this.#begin(context);
      return;
    }
    const asked = this.#phase === "taking-up" ? "ready" : "heard";
    const silent = this.#expected().filter((rank) => !this.#answers.has(asked, rank));
    for (const rank of silent) this.#roster.silent(rank);
    if (silent.length > 0 || this.#isOutdated) {
      this.#begin(context);
      return;
    }
    // Those who still run may have to wait for long: do they all live?
    this.#answers.forget("heard");
    this.#order(context, Order.hold);
  }

  /** Begins to gather, or to rest, after a report. */
  #consider(context: ActorContext): void {
    if (this.#phase !== "quiet" && this.#phase !== "gathering") return;
    if (this.#roster.isOver) {
      this.#end(context);
      return;
    }
    if (this.#phase === "gathering" || !this.#hasSomethingToDo()) return;
    this.#phase = "gathering";
    const { controllerDelayPs } = this.#services.scenario.recovery;
    this.#timer = context.remindAfter(Math.max(1, controllerDelayPs), 0, this.#group);
  }

  /** A rank answers an order of the present epoch. */
  #answered(context: ActorContext, { rank, epoch, about }: RankReport, answer: Answer): void {
    if (epoch !== this.#epoch) return;
    const answers = this.#answers;
    answers.note(answer, rank, about);
    const expected = this.#expected();
    if (this.#phase === "holding" && answers.hasAll("heard", expected)) this.#allHeard(context);
    else if (this.#phase === "running" && answers.hasAll("holds", this.#stayers())) {
      if (this.#roster.isOver) this.#end(context);
      else if (this.#isOutdated) this.#begin(context);
      else this.#takeUp(context);
    } else if (this.#phase === "taking-up" && answers.hasAll("ready", expected)) this.#go(context);
  }

  /** Is there anybody who has to leave, or can come in, or has stopped? */
  #hasSomethingToDo(): boolean {
    if (this.#epoch >= DECISION_EPOCH_MAX) return false;
    const leavers = this.#roster.leavers();
    return leavers.length > 0 || this.#roster.hasStopped || this.#roster.comers(leavers).length > 0;
  }

  /** Does the change that is being made not do what has to be done by now? */
  get #isOutdated(): boolean {
    const isNews = this.#roster.leavers().some((rank) => this.#next[rank] === IS_IN);
    return isNews || (this.#roster.hasStopped && !this.#isAbort);
  }

  /** Begins a change: all ranks are to hold. If that never helps they are left alone. */
  #begin(context: ActorContext): void {
    if (this.#epoch === EPOCH_MAX || this.#triesInVain === TRIES_MAX) {
      context.record({ type: "controller.gave-up", epoch: this.#epoch, step: this.#stepTakenUp });
      this.#end(context);
      return;
    }
    const leavers = this.#roster.leavers();
    const comers = this.#roster.comers(leavers);
    const { recovery } = this.#services.scenario;
    this.#epoch += 1;
    this.#fault = NO_FAULT;
    this.#step = this.#stepTakenUp;
    this.#next.set(this.#roster.members);
    this.#roster.toldToLeave(leavers);
    for (const rank of leavers) {
      this.#fault = this.#roster.faultOf(rank) ?? this.#faultBehind(context, rank);
      this.#next[rank] = this.#fault;
    }
    const isLoss = leavers.length > 0 || this.#roster.hasStopped;
    // Who has stopped goes on only if all begin the step again.
    const mayAbort = recovery.controller === "restart" || this.#roster.hasStopped;
    this.#isAbort ||= mayAbort && isLoss;
    context.record({
      type: "controller.decided",
      action: isLoss || this.#isAbort ? (mayAbort ? "restart" : "remap") : "admit",
      epoch: this.#epoch,
      excluded: leavers.map((rank) => this.#idOf(rank)),
      admitted: comers.map((rank) => this.#idOf(rank)),
    });
    this.#answers.clear();
    this.#phase = "holding";
    this.#order(context, Order.hold);
    for (const rank of comers) this.#next[rank] = COMES_IN;
    if (this.#expected().length === 0) this.#takeUp(context);
  }

  /** Everybody who is to be in lives and will hold, or has stopped. */
  #allHeard(context: ActorContext): void {
    if (this.#isOutdated) {
      this.#begin(context);
      return;
    }
    const steps = this.#answers.stepsOf(this.#stayers());
    if (steps.length > 0) {
      this.#step = this.#isAbort ? Math.min(...steps) : Math.max(...steps);
    }
    if (this.#isAbort || steps.length === 0) {
      this.#takeUp(context);
      return;
    }
    this.#phase = "running";
    this.#order(context, Order.runTo);
  }

  /** The new membership holds from here on. */
  #takeUp(context: ActorContext): void {
    if (this.#step === this.#steps) {
      this.#end(context);
      return;
    }
    const isFirst = this.#takenUp === 0;
    this.#triesInVain = isFirst || this.#step > this.#stepTakenUp ? 0 : this.#triesInVain + 1;
    this.#takenUp = this.#epoch;
    this.#stepTakenUp = this.#step;
    for (const [rank, next] of this.#next.entries()) {
      if (next >= NO_FAULT && this.#roster.isIn(rank)) {
        const fault = context.faults.nameOf(next);
        context.record({ type: "rank.excluded", rank: this.#idOf(rank), fault });
      }
      if (next === COMES_IN) context.record({ type: "rank.admitted", rank: this.#idOf(rank) });
    }
    this.#roster.takeUp(this.#next);
    const moved = this.#moves.to(this.#roster.members);
    if (moved > 0) context.record({ type: "experts.moved", epoch: this.#epoch, count: moved });
    this.#phase = "taking-up";
    this.#order(context, Order.takeUp);
    if (this.#expected().length === 0) this.#rest(context);
  }

  #go(context: ActorContext): void {
    const members = this.#expected().map((rank) => this.#idOf(rank));
    context.record({ type: "ranks.resumed", epoch: this.#epoch, step: this.#step, members });
    this.#order(context, Order.go);
    this.#rest(context);
  }

  /** The change is made; what was reported meanwhile is for the next one. */
  #rest(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
    this.#phase = "quiet";
    this.#isAbort = false;
    this.#consider(context);
  }

  /** All that are in have finished, or the group is given up: ranks go on by themselves. */
  #end(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
    this.#phase = "over";
    this.#sender.toAll(context, Order.over, this.#text);
  }

  #order(context: ActorContext, order: number): void {
    this.#sender.toAll(context, order, this.#text);
    context.cancel(this.#timer);
    this.#timer = context.remindAfter(ANSWER_PS, 0, this.#group);
  }

  /** Ranks that were in and stay, and these with those that come in. */
  #stayers(): number[] {
    return [...this.#next.keys()].filter((rank) => this.#next[rank] === IS_IN);
  }

  #expected(): number[] {
    return [...this.#next.keys()].filter((rank) => this.#next[rank] < NO_FAULT);
  }

  get #steps(): number {
    return this.#services.scenario.workload.steps;
  }

  #idOf(rank: number): string {
    return this.#services.topology.actors[this.#sender.actorOf[rank]].id;
  }

  /** The fault behind the silence of a rank of which nobody gave one. */
  #faultBehind(context: ActorContext, rank: number): number {
    const { actorOf } = this.#sender;
    for (const other of actorOf) {
      if (other === actorOf[rank]) continue;
      const fault = context.faults.between(other, actorOf[rank], context.nowPs - LOOK_BACK_PS);
      if (fault !== NO_FAULT) return fault;
    }
    return NO_FAULT;
  }

  get #text(): Parameters<OrderSender["toAll"]>[2] {
    const members = this.#next;
    const isAbort = this.#isAbort;
    return { epoch: this.#epoch, step: this.#step, isAbort, fault: this.#fault, members };
  }
}
