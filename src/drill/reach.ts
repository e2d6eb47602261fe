/**
 * How far a drill's faults reached, measured: the blast radius afterwards. What it will be before
 * anything is broken is the plan's matter.
 */
import type { Scenario } from "../model/scenario.ts";
import { makeExpertMap } from "../workload/expert-map.ts";
import { type RunTrace, rankOfPlace } from "./trace.ts";

export interface Reach {
  readonly ranks: number;
  /** Ids of the ranks that somebody gave up. */
  readonly masked: readonly string[];
  /** Ranks that gave somebody up. */
  readonly maskers: number;
  /** Ranks that completed a layer later than in the twin. */
  readonly delayedRanks: number;
  /** Ids of the ranks that did not finish and did in the twin. */
  readonly unfinished: readonly string[];
  /** Logical experts whose every replica some rank had given up, in at least one layer. */
  readonly missingExperts: readonly number[];
}

/** Compares a run with its healthy twin. */
export function measureReach(run: RunTrace, twin: RunTrace, scenario: Scenario): Reach {
  const { shape } = run;
  const delayed = new Set<number>();
  run.combinedAtPs.forEach((atPs, place) => {
    if (atPs > twin.combinedAtPs[place]) delayed.add(rankOfPlace(shape, place));
  });
  return {
    ranks: shape.ranks.length,
    masked: shape.ranks.filter((id) => run.masks.some(({ rank }) => rank === id)),
    maskers: new Set(run.masks.map(({ by }) => by)).size,
    delayedRanks: delayed.size,
    unfinished: shape.ranks.filter(
      (_, rank) => Number.isNaN(run.finishedAtPs[rank]) && !Number.isNaN(twin.finishedAtPs[rank]),
    ),
    missingExperts: missingExperts(run, scenario),
  };
}

/** Experts that the masks of some rank leave without a replica, ascending. */
function missingExperts({ masks, shape }: RunTrace, scenario: Scenario): number[] {
  const { epSize, layers } = scenario.workload;
  const rankOf = new Map(shape.ranks.map((id, rank) => [id, rank]));
  const maskedBy = new Map<string, Set<number>>();
  for (const { by, rank } of masks) {
    const masked = maskedBy.get(by) ?? new Set();
    maskedBy.set(by, masked.add((rankOf.get(rank) ?? 0) % epSize));
  }
  // Many ranks give the same ones up: each set is looked at once.
  const sets = new Map([...maskedBy.values()].map((masked) => [[...masked].sort().join(), masked]));
  const map = makeExpertMap(scenario);
  const missing = new Set<number>();
  for (const masked of sets.values()) {
    layers.forEach((layer, place) => {
      if (layer < scenario.model.first_k_dense_replace) return;
      for (let expert = 0; expert < scenario.model.n_routed_experts; expert += 1) {
        let isMissing = true;
        for (let replica = 0; isMissing && replica < map.replicasOf(place, expert); replica += 1) {
          isMissing = masked.has(map.replicaAt(place, expert, replica));
        }
        if (isMissing) missing.add(expert);
      }
    });
  }
  return [...missing].sort((left, right) => left - right);
}
