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
import { COMES_IN, Order, Report } from "../../src/model/membership.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { type Answer, Answers } from "./answers.ts";
import { Change } from "./change.ts";
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

type Phase = "quiet" | "gathering" | "holding" | "running" | "taking-up" | "over";

export class GroupRecovery {
  readonly #services: DeviceServices;
  readonly #group: number;
  readonly #sender: OrderSender;
  readonly #roster: Roster;
  readonly #moves: MoveCount;
  #phase: Phase = "quiet";
  #timer: TimerId = NO_TIMER;
  readonly #change: Change;
  readonly #answers: Answers;

  /** `life`: how often the controller has begun anew. */
  constructor(services: DeviceServices, group: number, life: number) {
    const size = services.scenario.workload.epSize;
    this.#services = services;
    this.#group = group;
    this.#sender = new OrderSender(services, group, life);
    this.#roster = new Roster(groupShapeOf(services.scenario));
    this.#moves = new MoveCount(services);
    this.#change = new Change(size, life);
    this.#answers = new Answers(size);
  }

  /** A rank of the group says something. */
  reported(context: ActorContext, report: RankReport): void {
    const { rank, what, epoch, about } = report;
    if (report.ordered > this.#change.epoch) this.#remember(context, report.ordered);
    switch (what) {
      case Report.stale:
        if (epoch === this.#change.epoch) this.#remember(context, epoch);
        return;
      case Report.gaveUp:
      case Report.trapped:
        if (epoch < this.#change.takenUp) return;
        this.#roster.gaveUp(report, what === Report.trapped);
        break;
      case Report.hello:
        this.#roster.hello(rank);
        if (this.#phase === "over") this.#sender.to(context, rank, Order.over, this.#change);
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

  /**
   * There was a later epoch than it knows: a controller before this one died, perhaps in the middle
   * of a change. All are to take up a membership anew.
   */
  #remember(context: ActorContext, epoch: number): void {
    this.#change.remember(epoch);
    if (this.#phase === "holding" || this.#phase === "running" || this.#phase === "taking-up") {
      this.#begin(context);
    }
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
    const silent = this.#change.expected.filter((rank) => !this.#answers.has(asked, rank));
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
    if (!this.#change.mayBeDecided) {
      this.#giveUp(context);
      return;
    }
    this.#phase = "gathering";
    const { controllerDelayPs } = this.#services.scenario.recovery;
    this.#timer = context.remindAfter(Math.max(1, controllerDelayPs), 0, this.#group);
  }

  /** A rank answers an order of the present epoch. */
  #answered(context: ActorContext, { rank, epoch, about }: RankReport, answer: Answer): void {
    if (epoch !== this.#change.epoch) return;
    const answers = this.#answers;
    answers.note(answer, rank, about);
    const expected = this.#change.expected;
    if (this.#phase === "holding" && answers.hasAll("heard", expected)) this.#allHeard(context);
    else if (this.#phase === "running" && answers.hasAll("holds", this.#change.stayers)) {
      if (this.#roster.isOver) this.#end(context);
      else if (this.#isOutdated) this.#begin(context);
      else this.#takeUp(context);
    } else if (this.#phase === "taking-up" && answers.hasAll("ready", expected)) this.#go(context);
  }

  /** Is there anybody who has to leave, or can come in, or has stopped? */
  #hasSomethingToDo(): boolean {
    const leavers = this.#roster.leavers();
    const isNeeded = leavers.length > 0 || this.#roster.hasStopped || this.#change.hasForgotten;
    return isNeeded || this.#roster.comers(leavers).length > 0;
  }

  /** Does the change that is being made not do what has to be done by now? */
  get #isOutdated(): boolean {
    const isNews = this.#roster.leavers().some((rank) => this.#change.keeps(rank));
    return isNews || (this.#roster.hasStopped && !this.#change.isAbort);
  }

  /** Begins a change: all ranks are to hold. If that never helps they are left alone. */
  #begin(context: ActorContext): void {
    const change = this.#change;
    if (change.isHopeless) {
      this.#giveUp(context);
      return;
    }
    const leavers = this.#roster.leavers();
    const comers = this.#roster.comers(leavers);
    const { recovery } = this.#services.scenario;
    change.begin(this.#roster.members);
    this.#roster.toldToLeave(leavers);
    for (const rank of leavers) {
      change.leaves(rank, this.#roster.faultOf(rank) ?? this.#faultBehind(context, rank, leavers));
    }
    const isLoss = leavers.length > 0 || this.#roster.hasStopped;
    // Who has stopped goes on only if all begin the step again.
    const mayAbort = recovery.controller === "restart" || this.#roster.hasStopped;
    change.isAbort ||= mayAbort && isLoss;
    context.record({
      type: "controller.decided",
      action: isLoss || change.isAbort ? (mayAbort ? "restart" : "remap") : "admit",
      epoch: change.epoch,
      excluded: leavers.map((rank) => this.#idOf(rank)),
      admitted: comers.map((rank) => this.#idOf(rank)),
    });
    this.#answers.clear();
    this.#phase = "holding";
    this.#order(context, Order.hold);
    for (const rank of comers) change.members[rank] = COMES_IN;
    if (change.expected.length === 0) this.#takeUp(context);
  }

  /** Everybody who is to be in lives and will hold, or has stopped. */
  #allHeard(context: ActorContext): void {
    if (this.#isOutdated) {
      this.#begin(context);
      return;
    }
    const change = this.#change;
    const steps = this.#answers.stepsOf(change.stayers);
    if (steps.length > 0) change.step = change.isAbort ? Math.min(...steps) : Math.max(...steps);
    if (change.isAbort || steps.length === 0) {
      this.#takeUp(context);
      return;
    }
    this.#phase = "running";
    this.#order(context, Order.runTo);
  }

  /** The new membership holds from here on. */
  #takeUp(context: ActorContext): void {
    const change = this.#change;
    if (change.step === this.#steps) {
      this.#end(context);
      return;
    }
    change.takeUp();
    for (const [rank, next] of change.members.entries()) {
      if (next >= NO_FAULT && this.#roster.isIn(rank)) {
        const fault = context.faults.nameOf(next);
        context.record({ type: "rank.excluded", rank: this.#idOf(rank), fault });
      }
      if (next === COMES_IN) context.record({ type: "rank.admitted", rank: this.#idOf(rank) });
    }
    this.#roster.takeUp(change.members);
    const moved = this.#moves.to(this.#roster.members);
    if (moved > 0) context.record({ type: "experts.moved", epoch: change.epoch, count: moved });
    this.#phase = "taking-up";
    this.#order(context, Order.takeUp);
    if (change.expected.length === 0) this.#rest(context);
  }

  #go(context: ActorContext): void {
    const { epoch, step, expected } = this.#change;
    const members = expected.map((rank) => this.#idOf(rank));
    context.record({ type: "ranks.resumed", epoch, step, members });
    this.#order(context, Order.go);
    this.#rest(context);
  }

  /** The change is made; what was reported meanwhile is for the next one. */
  #rest(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
    this.#phase = "quiet";
    this.#change.isAbort = false;
    this.#consider(context);
  }

  #giveUp(context: ActorContext): void {
    const { epoch, stepTakenUp: step } = this.#change;
    context.record({ type: "controller.gave-up", epoch, step });
    this.#end(context);
  }

  /** All that are in have finished, or the group is given up: ranks go on by themselves. */
  #end(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
    this.#phase = "over";
    this.#sender.toAll(context, Order.over, this.#change);
  }

  #order(context: ActorContext, order: number): void {
    this.#sender.toAll(context, order, this.#change);
    context.cancel(this.#timer);
    this.#timer = context.remindAfter(ANSWER_PS, 0, this.#group);
  }

  get #steps(): number {
    return this.#services.scenario.workload.steps;
  }

  #idOf(rank: number): string {
    return this.#services.topology.actors[this.#sender.actorOf[rank]].id;
  }

  /**
   * The fault behind the silence of a rank of which nobody gave one: what cuts it off from one that
   * stays, else from any other.
   */
  #faultBehind(context: ActorContext, rank: number, leavers: readonly number[]): number {
    const { actorOf } = this.#sender;
    const stay = actorOf.filter((_, other) => !leavers.includes(other));
    for (const other of [...stay, ...actorOf]) {
      if (other === actorOf[rank]) continue;
      const fault = context.faults.between(other, actorOf[rank], context.nowPs - LOOK_BACK_PS);
      if (fault !== NO_FAULT) return fault;
    }
    return NO_FAULT;
  }
}
