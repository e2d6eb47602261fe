/**
 * Where routing decisions come from: the gate over drawn logits, uniform, Zipf, a recorded file, or
 * recorded loads. What a source decides depends on the seed and the place (group, rank, step,
 * layer) alone: scratch space is put back or overwritten and memos are functions of the seed, so
 * the order of calls, and with it the placement of a run, cannot show.
 */
import { unreachable, violated } from "../base/assert.ts";
import type { RoutingSource } from "../model/routing.ts";
import type { RecordedRouting } from "../model/scenario.ts";
import { gateSource, loadsSource } from "./gate-source.ts";
import {
  checkRoom,
  checkTopK,
  equalWeight,
  type RoutingParts,
  streamAt,
  swap,
} from "./routing-batch.ts";
import { zipfSource } from "./zipf-source.ts";

/**
 * Makes the routing source that a scenario asks for; throws InvariantError when its parts
 * contradict.
 */
export function makeRoutingSource(parts: RoutingParts): RoutingSource {
  const { routing } = parts;
  switch (routing.source) {
    case "gate":
      return gateSource(parts, routing.imbalance);
    case "uniform":
      return uniformSource(parts);
    case "zipf":
      return zipfSource(parts, routing.exponent);
    case "file":
      return recordedSource(parts, routing.table);
    case "loads":
      return loadsSource(parts, routing.table);
    default:
      return unreachable(routing);
  }
}

/**
 * Each token takes top-k different experts, all sets equally likely: a partial Fisher-Yates
 * shuffle.
 */
function uniformSource(parts: RoutingParts): RoutingSource {
  const { n_routed_experts: experts, num_experts_per_tok: topK } = parts.model;
  const tokens = parts.workload.tokensPerGpu;
  const weight = equalWeight(parts.model);
  checkTopK(topK, experts);
  const deck = Int32Array.from({ length: experts }, (_, expert) => expert);
  const swapped = new Int32Array(topK);
  return {
    tokensOf: () => tokens,
    choose(place, into) {
      checkRoom(into, tokens * topK);
      const stream = streamAt(parts.seed, "uniform", place);
      for (let token = 0; token < tokens; token += 1) {
        const at = token * topK;
        for (let choice = 0; choice < topK; choice += 1) {
          const other = choice + stream.below(experts - choice);
          swapped[choice] = other;
          into.experts[at + choice] = deck[other];
          into.weights[at + choice] = weight;
          swap(deck, choice, other);
        }
        for (let choice = topK - 1; choice >= 0; choice -= 1) swap(deck, choice, swapped[choice]);
      }
    },
  };
}

/**
 * Recorded choices; the same in every step and group. The gate's weights were not recorded: all
 * equal.
 */
function recordedSource(parts: RoutingParts, table: RecordedRouting): RoutingSource {
  const { topK, layers, tokensOfRank, experts } = table;
  if (topK !== parts.model.num_experts_per_tok) {
    violated("recorded-routing-fits", `top-${topK} for ${parts.model.num_experts_per_tok}`);
  }
  if (tokensOfRank.length !== parts.workload.epSize) {
    violated("recorded-routing-fits", `${tokensOfRank.length} ranks, not ${parts.workload.epSize}`);
  }
  const weight = equalWeight(parts.model);
  const firstToken: number[] = [];
  let tokensOfLayer = 0;
  for (const tokens of tokensOfRank) {
    firstToken.push(tokensOfLayer);
    tokensOfLayer += tokens;
  }
  if (experts.length !== layers.length * tokensOfLayer * topK * 2) {
    violated("recorded-routing-fits", `${experts.length} bytes of experts`);
  }
  return {
    tokensOf: (rank) => tokensOfRank[rank],
    choose(place, into) {
      const layerPlace = layers.indexOf(place.layer);
      if (layerPlace < 0) violated("recorded-routing-has-layer", `layer ${place.layer}`);
      const entries = tokensOfRank[place.rank] * topK;
      checkRoom(into, entries);
      let byte = (layerPlace * tokensOfLayer + firstToken[place.rank]) * topK * 2;
      for (let entry = 0; entry < entries; entry += 1) {
        into.experts[entry] = experts[byte] | (experts[byte + 1] << 8);
        into.weights[entry] = weight;
        byte += 2;
      }
    },
  };
}
