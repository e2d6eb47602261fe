/**
 * Which rank of an EP group serves which (token, expert) choice: contiguous blocks of experts, the
 * usual placement, or the replicas that a scenario lists. Depends on the scenario alone, and on the
 * ranks that are out.
 */
import { violated } from "../base/assert.ts";
import type { ExpertMap } from "../model/expert-map.ts";
import type { ExpertsSpec, WorkloadSpec } from "../model/scenario.ts";

/** The parts of a scenario that the map depends on. */
export interface ExpertMapParts {
  readonly model: { readonly n_routed_experts: number };
  readonly workload: Pick<WorkloadSpec, "epSize" | "layers">;
  readonly experts: ExpertsSpec;
}

/**
 * The map of a scenario. Throws InvariantError when the physical experts do not divide over the
 * ranks, or the scenario's list does not fit its layers and experts.
 */
export function makeExpertMap({ model, workload, experts }: ExpertMapParts): ExpertMap {
  const { epSize } = workload;
  const physical = model.n_routed_experts + experts.redundant;
  if (physical % epSize !== 0) {
    violated("experts-divide", `${physical} experts on an EP group of ${epSize} ranks`);
  }
  const perRank = physical / epSize;
  const { physicalToLogical } = experts;
  if (physicalToLogical.length === 0 && experts.redundant === 0) {
    return {
      perRank,
      holderOf: (_place, expert) => Math.floor(expert / perRank),
      replicasOf: () => 1,
      replicaAt: (_place, expert) => Math.floor(expert / perRank),
    };
  }
  const layers = workload.layers.length;
  return replicaMap(physicalToLogical, layers, physical, model.n_routed_experts, perRank);
}

/** Replicas of each (layer, expert) in the order of physical ids, as one list with its starts. */
function replicaMap(
  physicalToLogical: Uint8Array,
  layers: number,
  physical: number,
  experts: number,
  perRank: number,
): ExpertMap {
  if (physicalToLogical.length !== layers * physical * 2) {
    const bytes = `${physicalToLogical.length} bytes`;
    violated("expert-map-fits", `${bytes} for ${layers} layers of ${physical} experts`);
  }
  const logicalAt = (entry: number): number =>
    physicalToLogical[2 * entry] | (physicalToLogical[2 * entry + 1] << 8);
  const starts = new Int32Array(layers * experts + 1);
  for (let entry = 0; entry < layers * physical; entry += 1) {
    const expert = logicalAt(entry);
    if (expert >= experts) violated("expert-map-fits", `a replica of expert ${expert}`);
    starts[Math.floor(entry / physical) * experts + expert + 1] += 1;
  }
  for (let at = 0; at < layers * experts; at += 1) {
    if (starts[at + 1] === 0) violated("expert-map-fits", `expert ${at % experts} has no place`);
    starts[at + 1] += starts[at];
  }
  const ranks = new Int32Array(layers * physical);
  const filled = starts.slice(0, layers * experts);
  for (let entry = 0; entry < layers * physical; entry += 1) {
    const at = Math.floor(entry / physical) * experts + logicalAt(entry);
    ranks[filled[at]] = Math.floor((entry % physical) / perRank);
    filled[at] += 1;
  }
  return mapOf({ starts, ranks, experts, perRank });
}

/**
 * The map when some ranks are out (`isOut`, by rank): experts keep the replicas that are in; those
 * that had none but on ranks that are out go, one replica each, to the ranks that are in, in turn.
 * With everybody out it is `whole`, the map of the scenario.
 */
export function withoutRanks(
  whole: ExpertMap,
  { model, workload }: ExpertMapParts,
  isOut: Uint8Array,
): ExpertMap {
  const live: number[] = [];
  for (let rank = 0; rank < workload.epSize; rank += 1) if (isOut[rank] === 0) live.push(rank);
  if (live.length === 0 || live.length === workload.epSize) return whole;
  const experts = model.n_routed_experts;
  const layers = workload.layers.length;
  const starts = new Int32Array(layers * experts + 1);
  const ranks: number[] = [];
  for (let place = 0; place < layers; place += 1) {
    // Layers begin at different ranks, so that the odd ones do not all fall on the first.
    let turn = place;
    for (let expert = 0; expert < experts; expert += 1) {
      const before = ranks.length;
      for (let replica = 0; replica < whole.replicasOf(place, expert); replica += 1) {
        const rank = whole.replicaAt(place, expert, replica);
        if (isOut[rank] === 0) ranks.push(rank);
      }
      if (ranks.length === before) {
        ranks.push(live[turn % live.length]);
        turn += 1;
      }
      starts[place * experts + expert + 1] = ranks.length;
    }
  }
  return mapOf({ starts, ranks: Int32Array.from(ranks), experts, perRank: whole.perRank });
}

/** Ranks of the replicas as one list, with where those of each (place, expert) start. */
function mapOf(lists: {
  readonly starts: Int32Array;
  readonly ranks: Int32Array;
  readonly experts: number;
  readonly perRank: number;
}): ExpertMap {
  const { starts, ranks, experts, perRank } = lists;
  return {
    perRank,
    holderOf(place, expert, rank, token) {
      const at = place * experts + expert;
      const first = starts[at];
      const replicas = starts[at + 1] - first;
      // The expert shifts the turn, so that a token does not meet the first replica of all.
      return ranks[replicas === 1 ? first : first + ((rank + token + expert) % replicas)];
    },
    replicasOf: (place, expert) => {
      const at = place * experts + expert;
      return starts[at + 1] - starts[at];
    },
    replicaAt: (place, expert, replica) => ranks[starts[place * experts + expert] + replica],
  };
}
