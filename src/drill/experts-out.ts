/** Which experts are left without a replica when some ranks are out. */
import type { ExpertMap } from "../model/expert-map.ts";
import type { Scenario } from "../model/scenario.ts";

/**
 * Logical experts, ascending, that in at least one MoE layer have all their replicas on ranks that
 * are out; ranks as their places in the EP group. `among`: only these are looked at.
 */
export function expertsOnlyOn(
  map: ExpertMap,
  { model, workload }: Pick<Scenario, "model" | "workload">,
  isOut: (rank: number) => boolean,
  among: readonly number[] = Array.from({ length: model.n_routed_experts }, (_, id) => id),
): number[] {
  const places = [...workload.layers.keys()].filter(
    (place) => workload.layers[place] >= model.first_k_dense_replace,
  );
  const isMissing = (place: number, expert: number): boolean => {
    for (let replica = 0; replica < map.replicasOf(place, expert); replica += 1) {
      if (!isOut(map.replicaAt(place, expert, replica))) return false;
    }
    return true;
  };
  return among.filter((expert) => places.some((place) => isMissing(place, expert)));
}

/** By place in the EP group: the logical experts that live there in some layer, ascending. */
export function expertsOnRanks(
  map: ExpertMap,
  { model, workload }: Pick<Scenario, "model" | "workload">,
): number[][] {
  const found = Array.from({ length: workload.epSize }, () => new Set<number>());
  for (let expert = 0; expert < model.n_routed_experts; expert += 1) {
    for (const place of workload.layers.keys()) {
      for (let replica = 0; replica < map.replicasOf(place, expert); replica += 1) {
        found[map.replicaAt(place, expert, replica)].add(expert);
      }
    }
  }
  return found.map((experts) => [...experts]);
}
