/** Where the replicas of routed experts are, as the GPU actor sees it. */

/** Depends on the scenario, and on who is out of the group: the same on every process. */
export interface ExpertMap {
  /** Physical experts that each rank of an EP group holds. */
  readonly perRank: number;
  /**
   * Rank that serves a token of `rank` for a logical expert in the layer at `place` of
   * `workload.layers`. Tokens of one rank spread over the replicas by their number.
   */
  holderOf(place: number, expert: number, rank: number, token: number): number;
  /** Replicas that a logical expert has in the layer at `place`; at least 1. */
  replicasOf(place: number, expert: number): number;
  /** Rank that holds the `replica`-th of them, from 0 in the order of physical experts. */
  replicaAt(place: number, expert: number, replica: number): number;
}
