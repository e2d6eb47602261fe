/** Counts the experts that change hands when the membership of a group changes. */
import type { DeviceServices } from "../../src/model/device.ts";
import type { ExpertMap } from "../../src/model/expert-map.ts";
import { IS_IN } from "../../src/model/membership.ts";

export class MoveCount {
  readonly #services: DeviceServices;
  #map: ExpertMap | undefined;

  constructor(services: DeviceServices) {
    this.#services = services;
  }

  /**
   * The membership is another one (by rank: IS_IN or a fault); returns how many experts, those of
   * every layer by themselves, a rank serves from now on and did not before.
   */
  to(members: Int32Array): number {
    const before = this.#map ?? this.#services.experts;
    const map = this.#services.expertsWithout(
      Uint8Array.from(members, (member) => Number(member !== IS_IN)),
    );
    this.#map = map;
    if (map === before) return 0;
    const { model, workload } = this.#services.scenario;
    let moved = 0;
    for (const [place, layer] of workload.layers.entries()) {
      if (layer < model.first_k_dense_replace) continue;
      for (let expert = 0; expert < model.n_routed_experts; expert += 1) {
        const had = ranksOf(before, place, expert);
        moved += ranksOf(map, place, expert).filter((rank) => !had.includes(rank)).length;
      }
    }
    return moved;
  }
}

function ranksOf(map: ExpertMap, place: number, expert: number): number[] {
  const replicas = map.replicasOf(place, expert);
  return Array.from({ length: replicas }, (_, replica) => map.replicaAt(place, expert, replica));
}
