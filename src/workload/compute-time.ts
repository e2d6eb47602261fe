/**
 * How long a GPU computes in one layer of decode. A closed form, not an emulation: decode reads
 * every weight it uses from HBM once a layer, and with small batches that read is the bound (the
 * memory roof of a roofline), so time = weight bytes / HBM bandwidth. Weights are FP8, one byte
 * each. Left out: reads of the KV cache, activations, kernel launches, and the rise to a compute
 * bound.
 */
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape } from "../model/model-shape.ts";
import { PS_PER_S } from "../model/time.ts";

const BYTES_PER_WEIGHT = 1;
/** Gate, up and down projection of a gated MLP. */
const MATRICES_PER_MLP = 3;

/** Decode compute of one layer on one GPU, whole ps. */
export interface DecodeComputeTimes {
  /** The attention block, in every layer. */
  readonly attentionPs: number;
  /** The MLP of a dense layer (`intermediate_size`). */
  readonly denseMlpPs: number;
  /** All shared experts of an MoE layer; every rank has them, they run along with attention. */
  readonly sharedExpertPs: number;
  /**
   * One routed expert that got at least one token; multiply by how many of the rank's experts did.
   */
  readonly perExpertPs: number;
}

/** The parts that a layer's compute is made of; add up those that run. */
export function decodeComputeTimes(
  model: Pick<
    ModelShape,
    | "hidden_size"
    | "n_shared_experts"
    | "moe_intermediate_size"
    | "intermediate_size"
    | "attentionParameters"
  >,
  hardware: Pick<Hardware, "compute">,
): DecodeComputeTimes {
  const readPs = (weights: number): number =>
    Math.round(((weights * BYTES_PER_WEIGHT) / hardware.compute.hbmBytesPerSecond) * PS_PER_S);
  const mlpWeights = (width: number): number => MATRICES_PER_MLP * model.hidden_size * width;
  const expertWeights = mlpWeights(model.moe_intermediate_size);
  return {
    attentionPs: readPs(model.attentionParameters),
    denseMlpPs: readPs(mlpWeights(model.intermediate_size)),
    sharedExpertPs: readPs(model.n_shared_experts * expertWeights),
    perExpertPs: readPs(expertWeights),
  };
}
