/**
 * Which rank of an EP group serves which (token, expert) choice: contiguous blocks of experts, the
 * usual placement, or the replicas that a scenario lists. Depends on the scenario alone.
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
