/**
 * Where routing decisions come from: the gate over drawn logits, uniform, Zipf, or a recorded file.
 * What a source decides depends on the seed and the place (group, rank, step, layer) alone: scratch
 * space is put back or overwritten and memos are functions of the seed, so the order of calls, and
 * with it the placement of a run, cannot show.
 */
import { unreachable, violated } from "../base/assert.ts";
import { expOf } from "../base/exp.ts";
import { mix32 } from "../base/hash.ts";
import { lnOf } from "../base/ln.ts";
import { type RandomStream, streamOf } from "../base/random.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { RoutingChoices, RoutingSource } from "../model/routing.ts";
import type { RecordedRouting, RoutingSpec, WorkloadSpec } from "../model/scenario.ts";
import { drawNormal, makeScoreDraw } from "./drawn-scores.ts";
import { makeGate, WEIGHT_ONE } from "./gate.ts";

/** The parts of a scenario that routing depends on. */
export interface RoutingParts {
  /** Decimal text, 0..2^64-1. */
  readonly seed: string;
  readonly model: ModelShape;
  readonly workload: Pick<WorkloadSpec, "tokensPerGpu" | "epSize">;
  readonly routing: RoutingSpec;
}

/** Which batch of tokens is routed. */
type Place = Parameters<RoutingSource["choose"]>[0];

/** Draws of one token that may repeat an expert before the exact way is taken. */
const MAX_REPEATS = 16;

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
    default:
      return unreachable(routing);
  }
}

/**
 * The gate over approximately normal logits (Irwin-Hall of four), shifted by a fixed offset an
 * expert.
 */
function gateSource(parts: RoutingParts, imbalance: number): RoutingSource {
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

/** Experts by popularity i^-exponent, one after another without putting back. */
function zipfSource(parts: RoutingParts, exponent: number): RoutingSource {
  const { seed } = parts;
  const { n_routed_experts: experts, num_experts_per_tok: topK } = parts.model;
  const tokens = parts.workload.tokensPerGpu;
  const weight = equalWeight(parts.model);
  checkTopK(topK, experts);
  const picks = new ZipfPicks(experts, exponent);
  const orderOf = memoOf((layer) => {
    const stream = streamOf(seed, "zipf.order", layer);
    const order = Int32Array.from({ length: experts }, (_, expert) => expert);
    for (let place = experts - 1; place > 0; place -= 1) {
      swap(order, place, stream.below(place + 1));
    }
    return order;
  });
  return {
    tokensOf: () => tokens,
    choose(place, into) {
      checkRoom(into, tokens * topK);
      const stream = streamAt(seed, "zipf", place);
      const order = orderOf(place.layer);
      for (let token = 0; token < tokens; token += 1) {
        const at = token * topK;
        picks.begin();
        for (let choice = 0; choice < topK; choice += 1) {
          into.experts[at + choice] = order[picks.pick(stream)];
          into.weights[at + choice] = weight;
        }
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

/** Draws different places of a popularity list, each next one in proportion to what is left. */
class ZipfPicks {
  readonly #weights: Float64Array;
  readonly #cumulative: Float64Array;
  /** Number of the token that took the place last; comparing it saves clearing. */
  readonly #takenBy: Float64Array;
  #token = 0;

  constructor(experts: number, exponent: number) {
    this.#weights = Float64Array.from({ length: experts }, (_, place) =>
      expOf(-exponent * lnOf(place + 1)),
    );
    let sum = 0;
    this.#cumulative = this.#weights.map((weight) => {
      sum += weight;
      return sum;
    });
    this.#takenBy = new Float64Array(experts);
  }

  /** Puts every place back. */
  begin(): void {
    this.#token += 1;
  }

  /**
   * The next place. A repeat is drawn again, which leaves the rest in proportion; when the places
   * left are so rare that this would take long, they are drawn directly, with the same
   * distribution.
   */
  pick(stream: RandomStream): number {
    const total = this.#cumulative[this.#cumulative.length - 1];
    for (let draw = 0; draw < MAX_REPEATS; draw += 1) {
      const place = this.#placeOf(stream.unit() * total);
      if (this.#takenBy[place] !== this.#token) return this.#take(place);
    }
    return this.#take(this.#pickAmongLeft(stream.unit()));
  }

  #take(place: number): number {
    this.#takenBy[place] = this.#token;
    return place;
  }

  /** First place whose cumulative weight is above `weight`. */
  #placeOf(weight: number): number {
    let low = 0;
    let high = this.#cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#cumulative[middle] > weight) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #pickAmongLeft(unit: number): number {
    let left = 0;
    for (let place = 0; place < this.#weights.length; place += 1) {
      if (this.#takenBy[place] !== this.#token) left += this.#weights[place];
    }
    let weight = unit * left;
    let last = -1;
    for (let place = 0; place < this.#weights.length; place += 1) {
      if (this.#takenBy[place] === this.#token) continue;
      last = place;
      weight -= this.#weights[place];
      if (weight < 0) break;
    }
    return last;
  }
}

/** The stream of one batch: its owner is the rank, its salt the step and the layer. */
function streamAt(seed: string, source: string, place: Place): RandomStream {
  const salt = mix32(mix32(0, place.step), place.layer);
  return streamOf(seed, `${source}.${place.group}.${place.rank}`, salt);
}

/** Weight of each of a token's choices where there is no gate: 1/topK, after the scaling factor. */
function equalWeight(model: ModelShape): number {
  return Math.round((model.routed_scaling_factor / model.num_experts_per_tok) * WEIGHT_ONE);
}

/** Remembers a value a layer; the value may depend on the layer and on constants only. */
function memoOf<Value>(make: (layer: number) => Value): (layer: number) => Value {
  const known = new Map<number, Value>();
  return (layer) => {
    const old = known.get(layer);
    if (old !== undefined) return old;
    const value = make(layer);
    known.set(layer, value);
    return value;
  };
}

function swap(items: Int32Array, left: number, right: number): void {
  const item = items[left];
  items[left] = items[right];
  items[right] = item;
}

function checkTopK(topK: number, experts: number): void {
  if (topK < 1 || topK > experts) violated("routing-top-k", `top-${topK} of ${experts} experts`);
}

/** Writes past the end of a typed array vanish silently, so the room is checked first. */
function checkRoom(into: RoutingChoices, entries: number): void {
  if (into.experts.length < entries || into.weights.length < entries) {
    violated("routing-choices-fit", `${entries} choices into ${into.experts.length} places`);
  }
}
