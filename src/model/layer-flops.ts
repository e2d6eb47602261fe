/**
 * Floating-point operations of one layer on one rank, from the shape of the model: a multiplication
 * and an addition count as two. Pure arithmetic, shared by the calibration of the hardware figures
 * and by the compute times. Left out: norms, the gate, rotary embeddings, and what a backward pass
 * computes again; the effective rates that are calibrated with these counts absorb them.
 */
import type { ModelShape } from "./model-shape.ts";

/**
 * Tokens of one sequence in prefill and training: the length in DeepSeek's published profiles and
 * in the pre-training of DeepSeek-V3 (arXiv 2412.19437, section 4.2).
 */
export const SEQUENCE_TOKENS = 4_096;

/** Gate, up and down projection of a gated MLP. */
export const MATRICES_PER_MLP = 3;

/** FLOPs of the three passes: outputs, gradients of inputs, gradients of weights. */
export interface PassFlops {
  readonly forward: number;
  readonly backward: number;
  readonly weights: number;
}

/**
 * An attention block over `tokens` tokens: whole sequences of {@link SEQUENCE_TOKENS} and a rest.
 *
 * - Projections: 2 x parameters x tokens in each of the three passes.
 * - Causal scores, half of all pairs of a sequence of L tokens: 2 x L^2 / 2 for each number of keys
 *   and of values forward. Backward, as FlashAttention does it (arXiv 2205.14135, algorithm 4),
 *   scores are computed again and have two gradients: three products over keys, two over values.
 */
export function attentionFlops(
  model: Pick<ModelShape, "attentionParameters" | "attentionKeyWidth" | "attentionValueWidth">,
  tokens: number,
): PassFlops {
  const projections = 2 * model.attentionParameters * tokens;
  const rest = tokens % SEQUENCE_TOKENS;
  const squares = (tokens - rest) * SEQUENCE_TOKENS + rest * rest;
  const { attentionKeyWidth: keys, attentionValueWidth: values } = model;
  return {
    forward: projections + squares * (keys + values),
    backward: projections + squares * (3 * keys + 2 * values),
    weights: projections,
  };
}

/** Gated MLPs of one `width` over `copies` (token, MLP) pairs: the same in each of the passes. */
export function mlpFlops(
  model: Pick<ModelShape, "hidden_size">,
  width: number,
  copies: number,
): number {
  return 2 * MATRICES_PER_MLP * model.hidden_size * width * copies;
}
