/**
 * What the routing sources share: the parts of a scenario that they depend on, the random stream of
 * a batch of tokens, and the checks that typed arrays do not make.
 */
import { violated } from "../base/assert.ts";
import { mix32 } from "../base/hash.ts";
import { type RandomStream, streamOf } from "../base/random.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { RoutingChoices, RoutingSource } from "../model/routing.ts";
import type { RoutingSpec, WorkloadSpec } from "../model/scenario.ts";
import { WEIGHT_ONE } from "./gate.ts";

/** The parts of a scenario that routing depends on. */
export interface RoutingParts {
  /** Decimal text, 0..2^64-1. */
  readonly seed: string;
  readonly model: ModelShape;
  readonly workload: Pick<WorkloadSpec, "tokensPerGpu" | "epSize">;
  readonly routing: RoutingSpec;
}

/** Which batch of tokens is routed. */
export type RoutingPlace = Parameters<RoutingSource["choose"]>[0];

/** The stream of one batch: its owner is the rank, its salt the step and the layer. */
export function streamAt(seed: string, source: string, place: RoutingPlace): RandomStream {
  const salt = mix32(mix32(0, place.step), place.layer);
  return streamOf(seed, `${source}.${place.group}.${place.rank}`, salt);
}

/** Weight of each of a token's choices where there is no gate: 1/topK, after the scaling factor. */
export function equalWeight(model: ModelShape): number {
  return Math.round((model.routed_scaling_factor / model.num_experts_per_tok) * WEIGHT_ONE);
}

/** Remembers a value a layer; the value may depend on the layer and on constants only. */
export function memoOf<Value>(make: (layer: number) => Value): (layer: number) => Value {
  const known = new Map<number, Value>();
  return (layer) => {
    const old = known.get(layer);
    if (old !== undefined) return old;
    const value = make(layer);
    known.set(layer, value);
    return value;
  };
}

/** Exchanges two items. */
export function swap(items: Int32Array, left: number, right: number): void {
  const item = items[left];
  items[left] = items[right];
  items[right] = item;
}

/** Throws InvariantError unless top-k different experts can be taken. */
export function checkTopK(topK: number, experts: number): void {
  if (topK < 1 || topK > experts) violated("routing-top-k", `top-${topK} of ${experts} experts`);
}

/** Writes past the end of a typed array vanish silently, so the room is checked first. */
export function checkRoom(into: RoutingChoices, entries: number): void {
  if (into.experts.length < entries || into.weights.length < entries) {
    violated("routing-choices-fit", `${entries} choices into ${into.experts.length} places`);
  }
}
