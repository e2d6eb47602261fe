/** How tokens choose experts, as the GPU actor sees it. */

/** Expert choices of a batch: one entry a (token, choice), token-major. Reused by the caller. */
export interface RoutingChoices {
  /** Routed expert ids, tokens x topK. */
  readonly experts: Int32Array;
  /** Gate weights as whole multiples of 2^-16 (after `routed_scaling_factor`), tokens x topK. */
  readonly weights: Int32Array;
}

/**
 * Decides where tokens go. Depends on the seed and its arguments only, never on the order of calls.
 */
export interface RoutingSource {
  /** Tokens that `rank` owns in every layer of a step. */
  tokensOf(rank: number): number;
  /**
   * Chooses experts for all tokens of `rank` in MoE layer `layer` (a model layer) of step `step` of
   * EP group `group`; fills the first tokensOf(rank) x topK entries of `into`.
   */
  choose(
    place: { group: number; rank: number; step: number; layer: number },
    into: RoutingChoices,
  ): void;
}
