/**
 * How evenly experts, ranks and nodes of an EP group are loaded, and how far its tokens go: under a
 * scenario's placement of experts, and under contiguous blocks without replicas. Closed counts from
 * loads and from drawn tokens; nothing is emulated.
 */
import type { ExpertMap } from "../model/expert-map.ts";
import type { RecordedLoads, Scenario } from "../model/scenario.ts";
import { makeExpertMap } from "./expert-map.ts";
import { loadsOfLayer } from "./recorded-loads.ts";
import { makeRoutingSource } from "./routing-sources.ts";

/** Largest load over the mean, 1 when even; replicas of an expert share its load equally. */
export interface LoadSpread {
  /** Over physical experts. */
  readonly expert: number;
  readonly rank: number;
  readonly node: number;
}

/** Where a token's choices go, mean over tokens. */
export interface TokenSpread {
  /** Different ranks and nodes, the token's own included. */
  readonly ranks: number;
  readonly nodes: number;
  /** Copies that leave the token's node: one a choice, and one a node that forwards it inside. */
  readonly copiesPerChoice: number;
  readonly copiesPerNode: number;
}

/** One layer under one placement. */
export interface PlacementSpread {
  readonly load: LoadSpread;
  readonly token: TokenSpread;
}

/** One layer with experts: contiguous blocks without replicas, and as the scenario places them. */
export interface LayerSpread {
  readonly layer: number;
  readonly contiguous: PlacementSpread;
  readonly placed: PlacementSpread;
}

/** All layers, and what they were measured with. */
export interface ExpertSpread {
  readonly layers: readonly LayerSpread[];
  /** Tokens drawn in each layer: of the first EP group and step, or the first of each rank. */
  readonly tokensPerLayer: number;
}

/** Where the physical experts of a layer are, and which of them serves a choice. */
interface Placement {
  /** Logical expert and rank of each physical expert. */
  readonly experts: Int32Array;
  readonly ranks: Int32Array;
  holderOf(place: number, expert: number, rank: number, token: number): number;
}

/**
 * Measures every layer with experts. Loads are those of `loads`, else counted from the tokens that
 * are drawn: at most about `tokenLimit` a layer, but one of each rank, and all of recorded routing.
 */
export function expertSpread(
  scenario: Scenario,
  loads: RecordedLoads | undefined,
  tokenLimit: number,
): ExpertSpread {
  const { model, workload, cluster, routing, run } = scenario;
  const { epSize } = workload;
  const share = Math.max(1, Math.floor(tokenLimit / epSize));
  const tokensPerGpu =
    routing.source === "file" ? workload.tokensPerGpu : Math.min(workload.tokensPerGpu, share);
  const parts = { seed: run.seed, model, workload: { tokensPerGpu, epSize }, routing };
  const source = makeRoutingSource(parts);
  const topK = model.num_experts_per_tok;
  const choices = new Int32Array(tokensPerGpu * topK);
  const into = { experts: choices, weights: new Int32Array(choices.length) };
  const blocks = contiguousPlacement(model.n_routed_experts, epSize);
  const map = makeExpertMap(scenario);
  const layers: LayerSpread[] = [];
  let tokensPerLayer = 0;
  for (let rank = 0; rank < epSize; rank += 1) tokensPerLayer += source.tokensOf(rank);
  for (const [place, layer] of workload.layers.entries()) {
    if (layer < model.first_k_dense_replace) continue;
    const placed = scenarioPlacement(scenario, map, place);
    const fans = [blocks, placed].map(
      (placement) => new TokenFan(placement, epSize, cluster.gpusPerNode, topK),
    );
    const counted = new Float64Array(model.n_routed_experts);
    for (let rank = 0; rank < epSize; rank += 1) {
      const tokens = source.tokensOf(rank);
      source.choose({ group: 0, rank, step: 0, layer }, into);
      for (let at = 0; at < tokens * topK; at += 1) counted[choices[at]] += 1;
      for (const fan of fans) fan.add(place, rank, tokens, choices);
    }
    const used = loads === undefined ? counted : loadsOfLayer(loads, layer, model.n_routed_experts);
    const spreadOf = (placement: Placement, fan: TokenFan): PlacementSpread => ({
      load: loadSpread(used, placement, epSize, cluster.gpusPerNode),
      token: fan.mean(),
    });
    layers.push({
      layer,
      contiguous: spreadOf(blocks, fans[0]),
      placed: spreadOf(placed, fans[1]),
    });
  }
  return { layers, tokensPerLayer };
}

/** Blocks of experts in the order of ids, as equal as they come out. */
function contiguousPlacement(experts: number, ranks: number): Placement {
  const rankOf = (expert: number): number => Math.floor((expert * ranks) / experts);
  return {
    experts: Int32Array.from({ length: experts }, (_, expert) => expert),
    ranks: Int32Array.from({ length: experts }, (_, expert) => rankOf(expert)),
    holderOf: (_place, expert) => rankOf(expert),
  };
}

/** The scenario's placement in the layer at `place`. */
function scenarioPlacement(scenario: Scenario, map: ExpertMap, place: number): Placement {
  const { physicalToLogical: bytes, redundant } = scenario.experts;
  const physical = scenario.model.n_routed_experts + redundant;
  const first = 2 * place * physical;
  const logicalAt = (at: number): number =>
    bytes.length === 0 ? at : bytes[first + 2 * at] | (bytes[first + 2 * at + 1] << 8);
  return {
    experts: Int32Array.from({ length: physical }, (_, at) => logicalAt(at)),
    ranks: Int32Array.from({ length: physical }, (_, at) => Math.floor(at / map.perRank)),
    holderOf: map.holderOf,
  };
}

function loadSpread(
  loads: Float64Array,
  placement: Placement,
  ranks: number,
  gpusPerNode: number,
): LoadSpread {
  const replicas = new Float64Array(loads.length);
  for (const expert of placement.experts) replicas[expert] += 1;
  const byRank = new Float64Array(ranks);
  const byNode = new Float64Array(Math.ceil(ranks / gpusPerNode));
  const byExpert = Float64Array.from(
    placement.experts,
    (expert) => loads[expert] / replicas[expert],
  );
  for (const [at, load] of byExpert.entries()) {
    byRank[placement.ranks[at]] += load;
    byNode[Math.floor(placement.ranks[at] / gpusPerNode)] += load;
  }
  return {
    expert: maxOverMean(byExpert),
    rank: maxOverMean(byRank),
    node: maxOverMean(byNode),
  };
}

/** 1 for no load at all, which is even. */
function maxOverMean(loads: Float64Array): number {
  let most = 0;
  let sum = 0;
  for (const load of loads) {
    if (load > most) most = load;
    sum += load;
  }
  return sum === 0 ? 1 : (most * loads.length) / sum;
}

/** Adds up where tokens go. */
class TokenFan {
  readonly #placement: Placement;
  readonly #gpusPerNode: number;
  readonly #topK: number;
  /** Number of the token that a rank or node was counted for last; comparing it saves clearing. */
  readonly #rankSeen: Float64Array;
  readonly #nodeSeen: Float64Array;
  #tokens = 0;
  #ranks = 0;
  #nodes = 0;
  #remoteChoices = 0;
  #remoteNodes = 0;

  constructor(placement: Placement, ranks: number, gpusPerNode: number, topK: number) {
    this.#placement = placement;
    this.#gpusPerNode = gpusPerNode;
    this.#topK = topK;
    this.#rankSeen = new Float64Array(ranks);
    this.#nodeSeen = new Float64Array(Math.ceil(ranks / gpusPerNode));
  }

  /** Counts the first `tokens` tokens of `choices`, which are those of `rank`. */
  add(place: number, rank: number, tokens: number, choices: Int32Array): void {
    const home = Math.floor(rank / this.#gpusPerNode);
    for (let token = 0; token < tokens; token += 1) {
      this.#tokens += 1;
      for (let at = token * this.#topK; at < (token + 1) * this.#topK; at += 1) {
        const holder = this.#placement.holderOf(place, choices[at], rank, token);
        const node = Math.floor(holder / this.#gpusPerNode);
        if (node !== home) this.#remoteChoices += 1;
        if (this.#rankSeen[holder] !== this.#tokens) {
          this.#rankSeen[holder] = this.#tokens;
          this.#ranks += 1;
        }
        if (this.#nodeSeen[node] !== this.#tokens) {
          this.#nodeSeen[node] = this.#tokens;
          this.#nodes += 1;
          if (node !== home) this.#remoteNodes += 1;
        }
      }
    }
  }

  mean(): TokenSpread {
    const tokens = Math.max(1, this.#tokens);
    return {
      ranks: this.#ranks / tokens,
      nodes: this.#nodes / tokens,
      copiesPerChoice: this.#remoteChoices / tokens,
      copiesPerNode: this.#remoteNodes / tokens,
    };
  }
}
