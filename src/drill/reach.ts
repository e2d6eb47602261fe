/**
 * How far a drill's faults reached, measured: the blast radius afterwards. What it will be before
 * anything is broken is the plan's matter.
 */
import type { MeasuredRun } from "./comparison.ts";
import { rankOfPlace } from "./trace.ts";

export interface Reach {
  readonly ranks: number;
  /** Ids of the ranks that most of their EP group gave up. */
  readonly masked: readonly string[];
  /** Ids of the others that somebody gave up: pairs that could not exchange. */
  readonly givenUpPairwise: readonly string[];
  /** Ranks that gave somebody up. */
  readonly maskers: number;
  /** Ranks that completed a layer later than in the twin. */
  readonly delayedRanks: number;
  /** Ids of the ranks that did not finish and did in the twin. */
  readonly unfinished: readonly string[];
  /** Logical experts that a rank in service could reach no live replica of, at some time. */
  readonly missingExperts: readonly number[];
}

/** Compares a run with its healthy twin. */
export function measureReach({ trace: run, series }: MeasuredRun, twin: MeasuredRun): Reach {
  const { shape } = run;
  const { givenUp } = series;
  const delayed = new Set<number>();
  run.combinedAtPs.forEach((atPs, place) => {
    if (atPs > twin.trace.combinedAtPs[place]) delayed.add(rankOfPlace(shape, place));
  });
  const masked = new Set(givenUp.ranks.during(0, Infinity));
  const ofAny = new Set(givenUp.ranksOfAny.during(0, Infinity));
  return {
    ranks: shape.ranks.length,
    masked: shape.ranks.filter((_, rank) => masked.has(rank)),
    givenUpPairwise: shape.ranks.filter((_, rank) => ofAny.has(rank) && !masked.has(rank)),
    maskers: new Set(run.masks.map(({ by }) => by)).size,
    delayedRanks: delayed.size,
    unfinished: shape.ranks.filter(
      (_, rank) =>
        Number.isNaN(run.finishedAtPs[rank]) && !Number.isNaN(twin.trace.finishedAtPs[rank]),
    ),
    missingExperts: givenUp.expertsMissing(0, Infinity),
  };
}
