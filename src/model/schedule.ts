/**
 * What a rank does in one step, as data: the same program on every rank, run by one interpreter in
 * the GPU (actors/gpu/schedule-runner.ts). Decode, prefill and training differ in this only.
 */
import type { ComputeName } from "./compute.ts";
import { PS_PER_MS } from "./time.ts";

/** Virtual time between two moments that `align` waits for, ps; far longer than any exchange. */
export const ALIGN_PS = 100 * PS_PER_MS;

/**
 * An operation begins when all operations of `after` are done and, on a stream, all operations
 * before it on the same stream. Streams run their operations in the order of the list, one at a
 * time; a free operation waits for nobody but `after`.
 */
export interface ScheduleOp {
  /**
   * `dispatch` and `combine` are the two all-to-alls of an exchange. `align` waits for the next
   * whole multiple of {@link ALIGN_PS}, so that all ranks go on at one moment.
   */
  readonly kind: "compute" | "dispatch" | "combine" | "align";
  /** What is computed; for `compute` only. */
  readonly compute?: ComputeName;
  /** Chain whose exchange, or whose copies, this is about: place in `Schedule.chains`. */
  readonly chain: number;
  /** Place of the layer in `workload.layers`. */
  readonly place: number;
  readonly stream: "compute" | "exchange" | "free";
  /** Places of earlier operations. */
  readonly after: readonly number[];
}

/** Tokens that go through the layers together: a micro-batch, or one direction of training. */
export interface Schedule {
  /** Names of the chains, for facts: `batch0`, `batch1`, `forward`, `backward`. */
  readonly chains: readonly string[];
  readonly ops: readonly ScheduleOp[];
}
