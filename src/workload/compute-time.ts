/**
 * How long a GPU computes in one layer. Closed forms, not an emulation.
 *
 * Decode reads every weight it uses from HBM once a layer, and with small batches that read is the
 * bound (the memory roof of a roofline): time = weight bytes / HBM bandwidth, weights in FP8, one
 * byte each. Left out: the KV cache, activations, kernel launches, the rise to a compute bound.
 *
 * Prefill and training have large batches and are bound by compute: time = FLOPs / the rate at
 * which that kind of kernel really runs (src/hardware/parameters.ts). Left out: the fall of that
 * rate with small batches, and the SMs that communicate.
 */
import type { ComputeSpan, ComputeTimes } from "../model/compute.ts";
import type { Hardware } from "../model/hardware.ts";
import { attentionFlops, MATRICES_PER_MLP, mlpFlops } from "../model/layer-flops.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { WorkloadSpec } from "../model/scenario.ts";
import { PS_PER_S } from "../model/time.ts";

const BYTES_PER_WEIGHT = 1;

type Model = Pick<
  ModelShape,
  | "hidden_size"
  | "n_shared_experts"
  | "num_experts_per_tok"
  | "moe_intermediate_size"
  | "intermediate_size"
  | "attentionParameters"
  | "attentionKeyWidth"
  | "attentionValueWidth"
>;

const NOTHING: ComputeSpan = { fixedPs: 0, perExpertPs: 0, perCopyPs: 0 };

/** Compute times of one rank, one layer and one micro-batch of `tokensPerGpu` tokens. */
export function computeTimes(
  model: Model,
  hardware: Pick<Hardware, "compute">,
  workload: Pick<WorkloadSpec, "phase" | "tokensPerGpu">,
): ComputeTimes {
  return workload.phase === "decode"
    ? memoryBoundTimes(model, hardware.compute.hbmBytesPerSecond)
    : computeBoundTimes(model, hardware.compute, workload.tokensPerGpu);
}

/**
 * Decode. Shared experts run with attention, in every layer; a dense layer's MLP is less by what is
 * counted there (and 0 should it be smaller than the shared experts).
 */
function memoryBoundTimes(model: Model, hbmBytesPerSecond: number): ComputeTimes {
  const readPs = (weights: number): number =>
    Math.round(((weights * BYTES_PER_WEIGHT) / hbmBytesPerSecond) * PS_PER_S);
  const mlpWeights = (width: number): number => MATRICES_PER_MLP * model.hidden_size * width;
  const expertPs = readPs(mlpWeights(model.moe_intermediate_size));
  const sharedPs = readPs(model.n_shared_experts * mlpWeights(model.moe_intermediate_size));
  const densePs = readPs(mlpWeights(model.intermediate_size));
  return {
    "attention-forward": fixed(readPs(model.attentionParameters) + sharedPs),
    "attention-backward": NOTHING,
    "attention-weights": NOTHING,
    "dense-forward": fixed(Math.max(0, densePs - sharedPs)),
    "dense-backward": NOTHING,
    "dense-weights": NOTHING,
    "mlp-forward": { ...NOTHING, perExpertPs: expertPs },
    "mlp-backward": NOTHING,
    "mlp-weights": NOTHING,
  };
}

/** Prefill and training. */
function computeBoundTimes(model: Model, rates: Hardware["compute"], tokens: number): ComputeTimes {
  const attention = attentionFlops(model, tokens);
  const dense = mlpFlops(model, model.intermediate_size, tokens);
  const denseAt = (rate: number): ComputeSpan => fixed(secondsToPs(dense / rate));
  const expertsAt = (rate: number): ComputeSpan => expertSpan(model, tokens, rate);
  return {
    "attention-forward": fixed(secondsToPs(attention.forward / rates.attentionForward)),
    "attention-backward": fixed(secondsToPs(attention.backward / rates.attentionBackward)),
    "attention-weights": fixed(secondsToPs(attention.weights / rates.attentionWeights)),
    "dense-forward": denseAt(rates.mlpForward),
    "dense-backward": denseAt(rates.mlpBackward),
    "dense-weights": denseAt(rates.mlpWeights),
    "mlp-forward": expertsAt(rates.mlpForward),
    "mlp-backward": expertsAt(rates.mlpBackward),
    "mlp-weights": expertsAt(rates.mlpWeights),
  };
}

/**
 * Experts of an MoE layer: the shared ones over all tokens, the routed ones over the copies that
 * the rank got. A copy takes whole ps, rounded down; what that leaves out for the mean number of
 * copies (tokens x top-k) is in the fixed part, so that a rank with the mean takes exactly FLOPs
 * rate.
 */
function expertSpan(model: Model, tokens: number, rate: number): ComputeSpan {
  const width = model.moe_intermediate_size;
  const copies = tokens * model.num_experts_per_tok;
  const shared = tokens * model.n_shared_experts;
  const perCopyPs = Math.floor((mlpFlops(model, width, 1) / rate) * PS_PER_S);
  const wholePs = secondsToPs(mlpFlops(model, width, copies + shared) / rate);
  return { fixedPs: Math.max(0, wholePs - copies * perCopyPs), perExpertPs: 0, perCopyPs };
}

function fixed(fixedPs: number): ComputeSpan {
  return { ...NOTHING, fixedPs };
}

function secondsToPs(seconds: number): number {
  return Math.round(seconds * PS_PER_S);
}
