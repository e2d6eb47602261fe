/**
 * Routing through the model's gate, node limit and all: over logits drawn from the seed, or over
 * scores that make experts as popular as a recording found them.
 */
import { violated } from "../base/assert.ts";
import { expOf } from "../base/exp.ts";
import { streamOf } from "../base/random.ts";
import type { RoutingSource } from "../model/routing.ts";
import type { RecordedLoads } from "../model/scenario.ts";
import { drawNormal, makeScoreDraw } from "./drawn-scores.ts";
import { makeGate } from "./gate.ts";
import { loadsOfLayer } from "./recorded-loads.ts";
import { checkRoom, memoOf, type RoutingParts, streamAt } from "./routing-batch.ts";

/**
 * Bounds of an expert's share of the tokens. One that the recording never saw is rare, not
 * impossible; one that every token took may be missed.
 */
const SHARE_MIN = 1e-9;
const SHARE_MAX = 1 - SHARE_MIN;

/**
 * The gate over approximately normal logits (Irwin-Hall of four), shifted by a fixed offset an
 * expert.
 */
export function gateSource(parts: RoutingParts, imbalance: number): RoutingSource {
  const { model, seed } = parts;
  const { n_routed_experts: experts, num_experts_per_tok: topK } = model;
  const tokens = parts.workload.tokensPerGpu;
  const gate = makeGate(model);
  const scoring = makeScoreDraw(model.scoring_func);
  const scores = new Float64Array(experts);
  const bias = new Float64Array(experts);
  const negatedPowersOf = memoOf((layer) => {
    const stream = streamOf(seed, "gate.offsets", layer);
    return Float64Array.from({ length: experts }, () => expOf(-imbalance * drawNormal(stream)));
  });
  return {
    tokensOf: () => tokens,
    choose(place, into) {
      checkRoom(into, tokens * topK);
      const stream = streamAt(seed, "gate", place);
      const negatedPowers = negatedPowersOf(place.layer);
      for (let token = 0; token < tokens; token += 1) {
        scoring.draw(stream, negatedPowers, scores);
        gate.chooseScored(scores, bias, into.experts, into.weights, token * topK);
      }
    },
  };
}

/**
 * Experts as popular as recorded. An expert with the share p of a layer's tokens gets the odds
 * o = p / (1 - p), and for each token the score o u / (o u + 1 - u) with u uniform: a logit of ln o
 * plus logistic noise. Without groups the best top-k scores are a Pareto sample (Rosen 1997): each
 * expert is taken by the share p of the tokens, to within about a percent. With groups the gate
 * limits them as it does in the model.
 */
export function loadsSource(parts: RoutingParts, table: RecordedLoads): RoutingSource {
  const { model, seed } = parts;
  const { n_routed_experts: experts, num_experts_per_tok: topK } = model;
  const tokens = parts.workload.tokensPerGpu;
  const gate = makeGate(model);
  const scores = new Float64Array(experts);
  const bias = new Float64Array(experts);
  const oddsOf = memoOf((layer) => oddsFrom(loadsOfLayer(table, layer, experts), topK));
  return {
    tokensOf: () => tokens,
    choose(place, into) {
      checkRoom(into, tokens * topK);
      const stream = streamAt(seed, "loads", place);
      const odds = oddsOf(place.layer);
      for (let token = 0; token < tokens; token += 1) {
        for (let expert = 0; expert < experts; expert += 1) {
          const unit = stream.unit();
          const raised = odds[expert] * unit;
          scores[expert] = raised / (raised + 1 - unit);
        }
        gate.chooseScored(scores, bias, into.experts, into.weights, token * topK);
      }
    },
  };
}

/** Odds that a token takes an expert, where a token takes `topK` of them. */
function oddsFrom(loads: Float64Array, topK: number): Float64Array {
  let sum = 0;
  for (const load of loads) sum += load;
  if (!(sum > 0)) violated("recorded-loads-fit", "a layer without a load");
  return loads.map((load) => {
    const share = Math.min(Math.max((load * topK) / sum, SHARE_MIN), SHARE_MAX);
    return share / (1 - share);
  });
}
