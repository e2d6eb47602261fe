/**
 * Runs a schedule: begins each operation when those that it comes after are done and its stream is
 * free. It knows nothing of what the operations do.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { Schedule, ScheduleOp } from "../../src/model/schedule.ts";

/** Carries out operations; says `done` to the runner when one has ended, at once or later. */
export interface ScheduleHost {
  begin(context: ActorContext, op: ScheduleOp, number: number): void;
  /** The step's last operation is done. */
  stepDone(context: ActorContext): void;
}

const STREAMS: readonly ScheduleOp["stream"][] = ["compute", "exchange"];

export class ScheduleRunner {
  readonly #schedule: Schedule;
  readonly #host: ScheduleHost;
  /** By operation: how many it still waits for; who waits for it. */
  readonly #waitsFor: Int32Array;
  readonly #followers: readonly (readonly number[])[];
  /** By stream: its operations in order, and the place of the one that is next or running. */
  readonly #queues: readonly (readonly number[])[];
  readonly #heads: number[];
  readonly #begun: Uint8Array;
  #open = 0;

  constructor(schedule: Schedule, host: ScheduleHost) {
    const { ops } = schedule;
    this.#schedule = schedule;
    this.#host = host;
    this.#waitsFor = new Int32Array(ops.length);
    this.#begun = new Uint8Array(ops.length);
    const followers: number[][] = ops.map(() => []);
    ops.forEach((op, number) => {
      for (const earlier of op.after) followers[earlier].push(number);
    });
    this.#followers = followers;
    this.#queues = STREAMS.map((stream) =>
      ops.flatMap((op, number) => (op.stream === stream ? [number] : [])),
    );
    this.#heads = STREAMS.map(() => 0);
  }

  /** Begins a step. */
  start(context: ActorContext): void {
    const { ops } = this.#schedule;
    this.#open = ops.length;
    this.#begun.fill(0);
    this.#heads.fill(0);
    ops.forEach((op, number) => {
      this.#waitsFor[number] = op.after.length;
    });
    for (let number = 0; number < ops.length; number += 1) this.#tryBegin(context, number);
  }

  /** An operation has ended. */
  done(context: ActorContext, number: number): void {
    const op = this.#schedule.ops[number];
    this.#open -= 1;
    if (this.#open === 0) {
      this.#host.stepDone(context);
      return;
    }
    for (const follower of this.#followers[number]) this.#waitsFor[follower] -= 1;
    const stream = streamOf(op);
    if (stream >= 0) {
      this.#heads[stream] += 1;
      const next = this.#queues[stream][this.#heads[stream]];
      if (next !== undefined) this.#tryBegin(context, next);
    }
    for (const follower of this.#followers[number]) this.#tryBegin(context, follower);
  }

  #tryBegin(context: ActorContext, number: number): void {
    if (this.#begun[number] !== 0 || this.#waitsFor[number] > 0) return;
    const op = this.#schedule.ops[number];
    const stream = streamOf(op);
    if (stream >= 0 && this.#queues[stream][this.#heads[stream]] !== number) return;
    this.#begun[number] = 1;
    this.#host.begin(context, op, number);
  }
}

/** Place of an operation's stream in STREAMS; -1 for a free one. */
function streamOf(op: ScheduleOp): number {
  return STREAMS.indexOf(op.stream);
}
