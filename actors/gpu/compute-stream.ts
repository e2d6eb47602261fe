/**
 * The computations of a rank: how long each takes on this GPU, and the reminder of its end. A GPU
 * that is slow (fault `slow-gpu`) takes as long as its slowdown at the beginning of a computation
 * says, to the end of it: kernels that run are not seen to speed up or slow down.
 */
import { type ActorContext, NO_TIMER } from "../../src/model/actor.ts";
import type { ComputeName } from "../../src/model/compute.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { ALIGN_PS, type ScheduleOp } from "../../src/model/schedule.ts";

/** What the experts of a rank have to compute. */
export interface ExpertLoad {
  readonly expertsUsed: number;
  readonly copies: number;
}

export class ComputeStream {
  /** Compute takes this many times as long. */
  slowdown = 1;
  readonly #services: DeviceServices;
  readonly #tag: number;
  /** By operation: the reminder of its end. */
  readonly #timers: Float64Array;

  /** `tag`: of the reminder that a computation has ended; its value is the operation's number. */
  constructor(services: DeviceServices, tag: number) {
    this.#services = services;
    this.#tag = tag;
    this.#timers = new Float64Array(services.schedule.ops.length).fill(NO_TIMER);
  }

  /** Begins a computation, or the wait of an `align`. */
  begin(context: ActorContext, op: ScheduleOp, number: number, load: ExpertLoad): void {
    const isAlign = op.kind === "align";
    const healthyPs = isAlign ? ALIGN_PS - (context.nowPs % ALIGN_PS) : this.#healthySpan(op, load);
    // Whole ps, rounded up when the GPU is slow.
    const isSlow = !isAlign && this.slowdown !== 1;
    const spanPs = isSlow ? Math.ceil(healthyPs * this.slowdown) : healthyPs;
    context.watch?.computes(number, spanPs, healthyPs);
    this.#timers[number] = context.remindAfter(Math.max(1, spanPs), this.#tag, number);
  }

  /** Nothing that was begun ends any more. */
  stop(context: ActorContext): void {
    for (const timer of this.#timers) context.cancel(timer);
  }

  #healthySpan(op: ScheduleOp, { expertsUsed, copies }: ExpertLoad): number {
    const { fixedPs, perExpertPs, perCopyPs } = this.#services.compute[op.compute as ComputeName];
    return Math.round(fixedPs + perExpertPs * expertsUsed + perCopyPs * copies);
  }
}
