/**
 * The gate of DeepSeek-V3 (`MoEGate` with `topk_method: noaux_tc` of the model's published code;
 * DeepSeek-V3 report, arXiv 2412.19437, section 2.1.2): which experts a token goes to, and with
 * which weights. Node-limited: the chosen experts lie in at most `topk_group` groups. With
 * `n_group` 1 it is a plain top-k gate. It draws no random numbers and allocates nothing a token.
 */
import { violated } from "../base/assert.ts";
import { expOf, sigmoid } from "../base/exp.ts";
import type { ModelShape } from "../model/model-shape.ts";

/** Gate weights are whole multiples of 1 / WEIGHT_ONE, so sums of them are exact. */
export const WEIGHT_ONE = 65_536;

/** The fields of the model that the gate depends on. */
export type GateShape = Pick<
  ModelShape,
  | "n_routed_experts"
  | "num_experts_per_tok"
  | "n_group"
  | "topk_group"
  | "scoring_func"
  | "norm_topk_prob"
  | "routed_scaling_factor"
>;

/** A gate with its scratch space; use one from one place at a time. */
export interface Gate {
  /**
   * Chooses experts for one token. `logits` and `bias` have one entry an expert; the bias takes
   * part in the choice, never in the weights. Writes the ids into `experts` and the weights
   * (multiples of 2^-16, after `routed_scaling_factor`) into `weights` from place `at`,
   * `num_experts_per_tok` entries, best biased score first; of equal scores the lower index comes
   * first. Throws InvariantError when a logit or a bias is not a number.
   */
  choose(
    logits: Float64Array,
    bias: Float64Array,
    experts: Int32Array,
    weights: Int32Array,
    at: number,
  ): void;
  /** As {@link choose}, for a token whose scores (before the bias) are known already. */
  chooseScored(
    scores: Float64Array,
    bias: Float64Array,
    experts: Int32Array,
    weights: Int32Array,
    at: number,
  ): void;
}

/** Makes the gate of a model; throws InvariantError when the shape contradicts itself. */
export function makeGate(shape: GateShape): Gate {
  checkShape(shape);
  const { n_routed_experts: count, num_experts_per_tok: topK, n_group: groups } = shape;
  const groupSize = count / groups;
  const limited = shape.topk_group < groups;
  const ownScores = new Float64Array(count);
  const groupScores = new Float64Array(groups);
  const keptGroups = new Int32Array(shape.topk_group);
  const keptGroupScores = new Float64Array(shape.topk_group);
  const kept = new Uint8Array(groups).fill(1);
  const best = new Int32Array(topK);
  const bestScores = new Float64Array(topK);

  const keepGroups = (scores: Float64Array, bias: Float64Array): void => {
    for (let group = 0; group < groups; group += 1) {
      groupScores[group] = sumOfTwoBest(scores, bias, group * groupSize, groupSize);
    }
    keptGroupScores.fill(Number.NEGATIVE_INFINITY);
    keptGroups.fill(-1);
    for (let group = 0; group < groups; group += 1) {
      insert(keptGroups, keptGroupScores, group, groupScores[group]);
    }
    kept.fill(0);
    for (let place = 0; place < keptGroups.length; place += 1) {
      if (keptGroups[place] < 0) violated("gate-input-is-a-number", "a group has no score");
      kept[keptGroups[place]] = 1;
    }
  };

  return {
    choose(logits, bias, experts, weights, at) {
      if (shape.scoring_func === "sigmoid") scoreBySigmoid(logits, ownScores);
      else scoreBySoftmax(logits, ownScores);
      this.chooseScored(ownScores, bias, experts, weights, at);
    },
    chooseScored(scores, bias, experts, weights, at) {
      if (limited) keepGroups(scores, bias);
      bestScores.fill(Number.NEGATIVE_INFINITY);
      best.fill(-1);
      for (let group = 0; group < groups; group += 1) {
        if (kept[group] === 0) continue;
        const until = (group + 1) * groupSize;
        for (let expert = group * groupSize; expert < until; expert += 1) {
          insert(best, bestScores, expert, scores[expert] + bias[expert]);
        }
      }
      if (best[topK - 1] < 0) violated("gate-input-is-a-number", "an expert has no score");
      let sum = 0;
      for (let place = 0; place < topK; place += 1) sum += scores[best[place]];
      const divisor = shape.norm_topk_prob ? sum + 1e-20 : 1;
      const scale = shape.routed_scaling_factor * WEIGHT_ONE;
      for (let place = 0; place < topK; place += 1) {
        experts[at + place] = best[place];
        weights[at + place] = Math.round((scores[best[place]] / divisor) * scale);
      }
    },
  };
}

function checkShape(shape: GateShape): void {
  const { n_routed_experts: count, num_experts_per_tok: topK, n_group: groups } = shape;
  if (count % groups !== 0)
    violated("gate-shape", `${groups} groups do not divide ${count} experts`);
  if (shape.topk_group < 1 || shape.topk_group > groups) {
    violated("gate-shape", `topk_group ${shape.topk_group} is not in 1..${groups}`);
  }
  const eligible = (count / groups) * shape.topk_group;
  if (topK < 1 || topK > eligible) violated("gate-shape", `top-${topK} of ${eligible} experts`);
}

function scoreBySigmoid(logits: Float64Array, scores: Float64Array): void {
  for (let expert = 0; expert < scores.length; expert += 1) {
    scores[expert] = sigmoid(logits[expert]);
  }
}

function scoreBySoftmax(logits: Float64Array, scores: Float64Array): void {
  let largest = logits[0];
  for (let expert = 1; expert < scores.length; expert += 1) {
    if (logits[expert] > largest) largest = logits[expert];
  }
  let sum = 0;
  for (let expert = 0; expert < scores.length; expert += 1) {
    scores[expert] = expOf(logits[expert] - largest);
    sum += scores[expert];
  }
  for (let expert = 0; expert < scores.length; expert += 1) scores[expert] /= sum;
}

/** Sum of the two best biased scores of a group; of the only one in a group of one. */
function sumOfTwoBest(
  scores: Float64Array,
  bias: Float64Array,
  from: number,
  size: number,
): number {
  let first = scores[from] + bias[from];
  if (size === 1) return first;
  let second = Number.NEGATIVE_INFINITY;
  for (let expert = from + 1; expert < from + size; expert += 1) {
    const score = scores[expert] + bias[expert];
    if (score > first) {
      second = first;
      first = score;
    } else if (score > second) second = score;
  }
  return first + second;
}

/**
 * Puts `item` into the list of best items, best first, if it beats the last; equals keep their
 * order.
 */
function insert(items: Int32Array, itemScores: Float64Array, item: number, score: number): void {
  let place = items.length - 1;
  if (!(score > itemScores[place])) return;
  while (place > 0 && score > itemScores[place - 1]) {
    items[place] = items[place - 1];
    itemScores[place] = itemScores[place - 1];
    place -= 1;
  }
  items[place] = item;
  itemScores[place] = score;
}
