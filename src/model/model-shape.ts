/** The mixture-of-experts model, by the field names of its Hugging Face `config.json`. */
export interface ModelShape {
  readonly name: string;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  /** The first layers without experts. */
  readonly first_k_dense_replace: number;
  readonly n_routed_experts: number;
  readonly n_shared_experts: number;
  readonly num_experts_per_tok: number;
  /** Expert groups of node-limited routing; 1 when the model has none. */
  readonly n_group: number;
  /** Groups that one token may choose from; 1 when the model has none. */
  readonly topk_group: number;
  readonly scoring_func: "sigmoid" | "softmax";
  readonly norm_topk_prob: boolean;
  readonly routed_scaling_factor: number;
  readonly moe_intermediate_size: number;
  /** Width of a dense layer's MLP. */
  readonly intermediate_size: number;
  /** Weights of one attention block, parameters (derived from the head and rank fields). */
  readonly attentionParameters: number;
  /** Heads x width of a head's query and key: a score costs two FLOPs for each number of these. */
  readonly attentionKeyWidth: number;
  /** Heads x width of a head's value. */
  readonly attentionValueWidth: number;
}
