/**
 * The schedules: decode and prefill with their micro-batches overlapped, and training with the
 * forward pass of one micro-batch overlapped with the backward pass of another as in DualPipe.
 */
import type { ComputeName } from "../model/compute.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { WorkloadSpec } from "../model/scenario.ts";
import type { Schedule, ScheduleOp } from "../model/schedule.ts";

/** The part of a scenario that decides its schedule. */
export interface ScheduleParts {
  readonly model: Pick<ModelShape, "first_k_dense_replace">;
  readonly workload: Pick<WorkloadSpec, "phase" | "protocol" | "pass" | "microBatches" | "layers">;
}

/** The schedule of a scenario. */
export function makeSchedule({ model, workload }: ScheduleParts): Schedule {
  const { layers, microBatches, pass } = workload;
  const isDense = layers.map((layer) => layer < model.first_k_dense_replace);
  const builder = new Builder(isDense, workload.protocol === "normal" ? "exchange" : "free");
  if (workload.phase === "all-to-all") return exchangesOnly(builder);
  if (workload.phase !== "training") return forwardSchedule(builder, microBatches);
  if (pass === "forward") return forwardSchedule(builder, 1, "forward");
  return pass === "backward" ? backwardSchedule(builder) : dualPipeSchedule(builder);
}

/**
 * Every micro-batch goes through attention, dispatch, experts and combine of each layer. With two,
 * one computes while the other is on the network (arXiv 2505.09343, section 2.3.1).
 */
function forwardSchedule(builder: Builder, microBatches: number, name?: string): Schedule {
  const chains = Array.from({ length: microBatches }, (_, batch) =>
    builder.chain(name ?? `batch${batch}`),
  );
  for (let place = 0; place < builder.places; place += 1) {
    for (const chain of chains) builder.compute(chain, place, "attention-forward");
    for (const chain of chains) builder.exchange(chain, place, "dispatch");
    for (const chain of chains) builder.mlp(chain, place, "forward");
    for (const chain of chains) builder.exchange(chain, place, "combine");
  }
  return builder.schedule();
}

/**
 * The all-to-alls alone, each begun by all ranks at one moment: what a benchmark of an EP library
 * measures (DeepEP, tests/test_low_latency.py and tests/test_internode.py).
 */
function exchangesOnly(builder: Builder): Schedule {
  const chain = builder.chain("batch0");
  for (let place = 0; place < builder.places; place += 1) {
    builder.align(chain, place);
    builder.exchange(chain, place, "dispatch");
    builder.align(chain, place);
    builder.exchange(chain, place, "combine");
  }
  return builder.schedule();
}

/** A backward pass alone: results' gradients out, experts, inputs' gradients back, attention. */
function backwardSchedule(builder: Builder): Schedule {
  const chain = builder.chain("backward");
  for (let place = builder.places - 1; place >= 0; place -= 1) {
    builder.exchange(chain, place, "dispatch");
    builder.mlp(chain, place, "backward");
    builder.aside(chain, place, "mlp-weights");
    builder.exchange(chain, place, "combine");
    builder.compute(chain, place, "attention-backward");
    builder.aside(chain, place, "attention-weights");
  }
  return builder.schedule();
}

/**
 * One forward and one backward micro-batch, overlapped layer by layer as in DualPipe (DeepSeek-V3,
 * arXiv 2412.19437, figure 4): MLP(B), MLP(W), MLP(F), ATTN(B), ATTN(W), ATTN(F) on the compute
 * stream; DISPATCH(F), DISPATCH(B), COMBINE(F), COMBINE(B) on the other. The gradients of results
 * travel as a dispatch does, those of inputs as a combine does.
 */
function dualPipeSchedule(builder: Builder): Schedule {
  const forward = builder.chain("forward");
  const backward = builder.chain("backward");
  const last = builder.places - 1;
  builder.compute(forward, 0, "attention-forward");
  builder.exchange(backward, last, "dispatch");
  for (let place = 0; place <= last; place += 1) {
    const back = last - place;
    builder.exchange(forward, place, "dispatch");
    builder.mlp(backward, back, "backward");
    builder.aside(backward, back, "mlp-weights");
    builder.exchange(backward, back, "combine");
    builder.mlp(forward, place, "forward");
    builder.exchange(forward, place, "combine");
    builder.compute(backward, back, "attention-backward");
    builder.aside(backward, back, "attention-weights");
    if (place < last) {
      builder.exchange(backward, back - 1, "dispatch");
      builder.compute(forward, place + 1, "attention-forward");
    }
  }
  return builder.schedule();
}

/** Collects operations; each follows the last one of its chain. */
class Builder {
  readonly #isDense: readonly boolean[];
  readonly #exchangeStream: ScheduleOp["stream"];
  readonly #chains: string[] = [];
  readonly #ops: ScheduleOp[] = [];
  /** By chain: its last operation that others wait for. */
  readonly #last: number[] = [];

  constructor(isDense: readonly boolean[], exchangeStream: ScheduleOp["stream"]) {
    this.#isDense = isDense;
    this.#exchangeStream = exchangeStream;
  }

  get places(): number {
    return this.#isDense.length;
  }

  chain(name: string): number {
    this.#last.push(-1);
    return this.#chains.push(name) - 1;
  }

  compute(chain: number, place: number, compute: ComputeName): void {
    this.#follow({ kind: "compute", compute, chain, place, stream: "compute", after: [] });
  }

  align(chain: number, place: number): void {
    this.#follow({ kind: "align", chain, place, stream: "free", after: [] });
  }

  /** The layer's MLP: experts, or a dense one. */
  mlp(chain: number, place: number, pass: "forward" | "backward"): void {
    this.compute(chain, place, this.#isDense[place] ? `dense-${pass}` : `mlp-${pass}`);
  }

  /** Weight gradients: computed in their turn, and nobody waits for them. */
  aside(chain: number, place: number, compute: "mlp-weights" | "attention-weights"): void {
    const isDenseMlp = compute === "mlp-weights" && this.#isDense[place];
    const name = isDenseMlp ? "dense-weights" : compute;
    const after = this.#after(chain);
    this.#ops.push({ kind: "compute", compute: name, chain, place, stream: "compute", after });
  }

  /** A dispatch or combine; a dense layer has none. */
  exchange(chain: number, place: number, kind: "dispatch" | "combine"): void {
    if (this.#isDense[place]) return;
    this.#follow({ kind, chain, place, stream: this.#exchangeStream, after: [] });
  }

  schedule(): Schedule {
    return { chains: this.#chains, ops: this.#ops };
  }

  #after(chain: number): number[] {
    return this.#last[chain] < 0 ? [] : [this.#last[chain]];
  }

  #follow(op: ScheduleOp): void {
    this.#last[op.chain] = this.#ops.push({ ...op, after: this.#after(op.chain) }) - 1;
  }
}
