/**
 * Which rank serves each choice of a rank's tokens: the expert map's, or, where live replicas take
 * over (`recovery.takeover`), another replica of the same expert when the map's rank was given up.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import type { ExpertMap } from "../../src/model/expert-map.ts";
import type { Peers } from "./peers.ts";

export class ExpertHolders {
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #takesOver: boolean;
  /** Of the present membership. */
  #experts: ExpertMap;

  constructor(services: DeviceServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
    this.#takesOver = services.scenario.recovery.takeover;
    this.#experts = services.experts;
  }

  /** There is a new membership: who is masked now holds nothing. */
  takeUp(): void {
    const isOut = Uint8Array.from(this.#peers.actorOf, (_, rank) =>
      Number(this.#peers.isMasked(rank)),
    );
    this.#experts = this.#services.expertsWithout(isOut);
  }

  /**
   * Rank for a token's choice of an expert in the layer at `place` of `workload.layers`; one that
   * was given up when nobody else has the expert. The tokens of a replica that is gone spread over
   * all that live.
   */
  holderOf(place: number, expert: number, token: number): number {
    const experts = this.#experts;
    const peers = this.#peers;
    const holder = experts.holderOf(place, expert, peers.rank, token);
    if (!this.#takesOver || !peers.isMasked(holder)) return holder;
    const replicas = experts.replicasOf(place, expert);
    let live = 0;
    for (let replica = 0; replica < replicas; replica += 1) {
      if (!peers.isMasked(experts.replicaAt(place, expert, replica))) live += 1;
    }
    if (live === 0) return holder;
    // What the map took the remainder of falls on one replica alone: its quotient spreads.
    let turn = Math.floor((peers.rank + token + expert) / replicas) % live;
    for (let replica = 0; replica < replicas; replica += 1) {
      const rank = experts.replicaAt(place, expert, replica);
      if (peers.isMasked(rank)) continue;
      if (turn === 0) return rank;
      turn -= 1;
    }
    return holder;
  }

  /**
   * A rank was given up: names the experts that nobody can take over, if there are any. Said only
   * where live replicas take over.
   */
  rankMasked(context: ActorContext, rank: number, fault: number): void {
    const experts = this.#takesOver ? this.#missingWith(rank) : [];
    if (experts.length === 0) return;
    context.record({
      type: "experts.missing",
      rank: this.#services.topology.actors[this.#peers.actorOf[rank]].id,
      fault: context.faults.nameOf(fault),
      experts,
    });
  }

  /**
   * Logical experts, ascending, that in at least one layer lived on `rank` and have no replica any
   * more on a rank that was not given up.
   */
  #missingWith(rank: number): number[] {
    const { scenario } = this.#services;
    const missing: number[] = [];
    for (let expert = 0; expert < scenario.model.n_routed_experts; expert += 1) {
      const isMissing = scenario.workload.layers.some(
        (layer, place) =>
          layer >= scenario.model.first_k_dense_replace && this.#isLost(place, expert, rank),
      );
      if (isMissing) missing.push(expert);
    }
    return missing;
  }

  /** Was the last live replica of an expert on `rank`? */
  #isLost(place: number, expert: number, rank: number): boolean {
    const experts = this.#experts;
    let wasThere = false;
    for (let replica = 0; replica < experts.replicasOf(place, expert); replica += 1) {
      const holder = experts.replicaAt(place, expert, replica);
      if (holder === rank) wasThere = true;
      else if (!this.#peers.isMasked(holder)) return false;
    }
    return wasThere;
  }
}
