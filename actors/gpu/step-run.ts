/**
 * A rank's steps as they run: interprets the schedule, computes, carries out the all-to-alls of
 * each chain, and says when a step is done. It may be stopped in the middle of one, and begin
 * another.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import type { ScheduleOp } from "../../src/model/schedule.ts";
import type { Chains } from "./chains.ts";
import { ComputeStream } from "./compute-stream.ts";
import type { LayerClock } from "./layer-clock.ts";
import { type ScheduleHost, ScheduleRunner } from "./schedule-runner.ts";

/** Whom a step tells how it stands. */
export interface StepHost {
  /** An all-to-all has begun. */
  exchangeBegan(context: ActorContext): void;
  /** An all-to-all has ended. */
  exchangeEnded(context: ActorContext): void;
  stepDone(context: ActorContext): void;
}

export class StepRun implements ScheduleHost {
  readonly #services: DeviceServices;
  readonly #chains: Chains;
  readonly #clock: LayerClock;
  readonly #host: StepHost;
  readonly #compute: ComputeStream;
  /** By chain: the operation that its exchange carries out. */
  readonly #running: Int32Array;
  readonly #runner: ScheduleRunner;
  #step = 0;
  #isStopped = false;

  /** `computedTag`: of the reminder that is to be given to {@link StepRun.computed}. */
  constructor(options: {
    readonly services: DeviceServices;
    readonly chains: Chains;
    readonly clock: LayerClock;
    readonly host: StepHost;
    readonly computedTag: number;
  }) {
    const { services } = options;
    this.#services = services;
    this.#chains = options.chains;
    this.#clock = options.clock;
    this.#host = options.host;
    this.#compute = new ComputeStream(services, options.computedTag);
    this.#running = new Int32Array(services.schedule.chains.length).fill(-1);
    this.#runner = new ScheduleRunner(services.schedule, this);
  }

  /** Compute takes this many times as long from the next computation on. */
  set slowdown(slowdown: number) {
    this.#compute.slowdown = slowdown;
  }

  start(context: ActorContext, step: number): void {
    this.#step = step;
    this.#isStopped = false;
    this.#chains.load(step);
    this.#clock.beginStep(context.nowPs);
    this.#runner.start(context);
  }

  /** Nothing that was begun goes on. */
  stop(context: ActorContext): void {
    this.#isStopped = true;
    this.#running.fill(-1);
    this.#compute.stop(context);
  }

  /** Carries out an operation of the schedule. */
  begin(context: ActorContext, op: ScheduleOp, number: number): void {
    if (this.#isStopped) return;
    this.#clock.began(op, context.nowPs);
    context.watch?.opBegan(number, this.#step);
    const exchange = this.#chains.exchanges[op.chain];
    if (op.kind === "compute" || op.kind === "align") {
      this.#compute.begin(context, op, number, exchange);
      return;
    }
    this.#running[op.chain] = number;
    if (op.kind === "dispatch") {
      const { chain, place } = op;
      const layer = this.#services.scenario.workload.layers[place];
      const at = { exchange: exchange.next, step: this.#step, layer, place, chain };
      exchange.beginDispatch(context, at);
    } else exchange.beginCombine(context);
    this.#host.exchangeBegan(context);
    this.settle(context, op.chain);
  }

  stepDone(context: ActorContext): void {
    const durationPs = this.#clock.endStep(context.nowPs);
    context.record({ type: "step.completed", step: this.#step, durationPs });
    this.#host.stepDone(context);
  }

  /** Goes on posting. */
  pump(context: ActorContext, chain: number): void {
    this.#chains.exchanges[chain].pump(context);
    this.settle(context, chain);
  }

  /** Goes on with every chain that has all it waits for. */
  progress(context: ActorContext): void {
    for (let chain = 0; chain < this.#running.length; chain += 1) this.settle(context, chain);
  }

  /** Ends the operation of a chain's exchange if it has all that it waits for. */
  settle(context: ActorContext, chain: number): void {
    const exchange = this.#chains.exchanges[chain];
    const number = this.#running[chain];
    if (number < 0 || !exchange.isDone) return;
    this.#running[chain] = -1;
    exchange.end(context, this.#services.schedule.chains[chain]);
    this.#host.exchangeEnded(context);
    this.computed(context, number);
  }

  /** An operation has ended, by itself or with its exchange. */
  computed(context: ActorContext, number: number): void {
    const op = this.#services.schedule.ops[number];
    const durationPs = this.#clock.ended(op, number, context.nowPs);
    context.watch?.opEnded(number);
    if (durationPs >= 0) {
      const layer = this.#services.scenario.workload.layers[op.place];
      const chain = this.#services.schedule.chains[op.chain];
      context.record({ type: "layer.completed", layer, step: this.#step, chain, durationPs });
    }
    this.#runner.done(context, number);
  }
}
