/** Model shapes for the workload tests: the published one and a small one to work out by hand. */
import type { ModelShape } from "../../src/model/model-shape.ts";

export const DEEPSEEK_V3: ModelShape = {
  name: "deepseek-v3",
  hidden_size: 7_168,
  num_hidden_layers: 61,
  first_k_dense_replace: 3,
  n_routed_experts: 256,
  n_shared_experts: 1,
  num_experts_per_tok: 8,
  n_group: 8,
  topk_group: 4,
  scoring_func: "sigmoid",
  norm_topk_prob: true,
  routed_scaling_factor: 2.5,
  moe_intermediate_size: 2_048,
  intermediate_size: 18_432,
  attentionParameters: 187_105_280,
  attentionKeyWidth: 128 * 192,
  attentionValueWidth: 128 * 128,
};

/** 8 experts in 4 groups of two, two groups kept, top-3. */
export const SMALL: ModelShape = {
  ...DEEPSEEK_V3,
  name: "small",
  n_routed_experts: 8,
  num_experts_per_tok: 3,
  n_group: 4,
  topk_group: 2,
  routed_scaling_factor: 1,
};
