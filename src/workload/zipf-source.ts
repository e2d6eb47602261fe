/**
 * Zipf routing: the popularity of experts falls as 1 / i^exponent, in an order of experts that is
 * drawn for each layer.
 */
import { expOf } from "../base/exp.ts";
import { lnOf } from "../base/ln.ts";
import { type RandomStream, streamOf } from "../base/random.ts";
import type { RoutingSource } from "../model/routing.ts";
import {
  checkRoom,
  checkTopK,
  equalWeight,
  memoOf,
  type RoutingParts,
  streamAt,
  swap,
} from "./routing-batch.ts";

/** Draws of one token that may repeat an expert before the exact way is taken. */
const MAX_REPEATS = 16;

/** Experts by popularity i^-exponent, one after another without putting back. */
export function zipfSource(parts: RoutingParts, exponent: number): RoutingSource {
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
