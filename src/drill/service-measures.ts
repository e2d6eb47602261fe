/** Measures of what the fleet gets done: tokens and assignments, and who of it is at work. */
import { type Measure, numberOf, type Query, type Reading, readingOf } from "./measure.ts";
import type { RunSeries } from "./run-series.ts";
import { firstAt } from "./series.ts";

const PS_PER_S = 1e12;
const DEFAULT_STALL_PS = 1e11;

const count = { unit: "", source: "count", known: "any time", arguments: [] } as const;

/** A count over the part of the run. */
const counted = (name: string, about: string, of: (query: Query) => number): Measure => ({
  ...count,
  name,
  about,
  read: (query) => ({ value: of(query) }),
});

/** Assignments combined a virtual second, as long as the run had not finished. */
function combinedPerSecond(run: RunSeries, fromPs: number, toPs: number): number | undefined {
  const untilPs = Math.min(toPs, run.finishedAtPs ?? toPs);
  if (untilPs <= fromPs) return undefined;
  // What was combined at the very instant of the end is part of the run.
  return (run.combined.between(fromPs, untilPs + 1) * PS_PER_S) / (untilPs - fromPs);
}

function throughputOf({ run, healthy, fromPs, toPs }: Query): Reading {
  if (healthy === undefined)
    return { why: "there is no healthy twin to compare with", isOpen: false };
  const own = combinedPerSecond(run, fromPs, toPs);
  const theirs =
    combinedPerSecond(healthy, fromPs, toPs) ?? combinedPerSecond(healthy, 0, Infinity);
  if (own === undefined || theirs === undefined || theirs === 0) {
    return { why: "nothing was combined in that part of the healthy twin", isOpen: true };
  }
  return { value: own / theirs };
}

/**
 * Ranks that went longer than `forPs` without completing a layer, in a gap that ends in the part of
 * the run or lasts. Who has finished, or was masked, is not expected to.
 */
function stalledRanks(query: Query): number {
  const { run, fromPs, toPs } = query;
  const forPs = numberOf(query, "for") ?? DEFAULT_STALL_PS;
  let stalled = 0;
  run.layersOf.forEach((instants, rank) => {
    const outPs = Math.min(
      run.givenUp.ranks.firstOf(rank, 0, toPs) ?? toPs,
      run.finishedRanks.firstOf(rank, 0, toPs) ?? toPs,
    );
    const first = firstAt(instants, fromPs);
    let lastPs = first === 0 ? 0 : instants[first - 1];
    let isStalled = false;
    for (let place = first; place < instants.length && instants[place] < toPs; place += 1) {
      isStalled ||= instants[place] - lastPs > forPs;
      lastPs = instants[place];
    }
    isStalled ||= outPs > fromPs && outPs - lastPs > forPs;
    if (isStalled) stalled += 1;
  });
  return stalled;
}

/** See {@link MEASURES}. */
export const serviceMeasures: readonly Measure[] = [
  {
    name: "tokens_per_second",
    unit: "tokens/s",
    about: "tokens of the whole fleet, counted by their combined assignments, a virtual second",
    source: "virtual time",
    known: "any time",
    arguments: [],
    read: ({ run, fromPs, toPs }) => {
      const perSecond = combinedPerSecond(run, fromPs, toPs);
      const perToken = run.assignmentsPerToken / run.acceptedTokensPerStep;
      const value = perSecond === undefined || perToken === 0 ? undefined : perSecond / perToken;
      return readingOf(value, "no time has passed");
    },
  },
  {
    name: "throughput_vs_healthy",
    unit: "share",
    about: "assignments combined a virtual second, against the healthy twin in the same time",
    source: "virtual time",
    known: "any time",
    needsHealthy: true,
    arguments: [],
    read: throughputOf,
  },
  counted("assignments_combined", "(token, expert) assignments that were served", (query) =>
    query.run.combined.between(query.fromPs, query.toPs),
  ),
  counted(
    "assignments_masked",
    "(token, expert) assignments that completed layers did without",
    ({ run, fromPs, toPs }) => run.masked.between(fromPs, toPs),
  ),
  {
    ...count,
    name: "masked_share",
    unit: "share",
    about: "masked assignments over all of completed layers",
    read: ({ run, fromPs, toPs }) => {
      const masked = run.masked.between(fromPs, toPs);
      const all = masked + run.combined.between(fromPs, toPs);
      return readingOf(all === 0 ? undefined : masked / all, "no layer was completed");
    },
  },
  {
    ...count,
    name: "assignments_lost",
    about: "(token, expert) assignments of ranks that died, or that began their step again",
    known: "end",
    ignoresSpan: true,
    read: ({ end }) => readingOf(end?.assignments.lost, "known when the run is over"),
  },
  counted(
    "ranks_masked",
    "ranks that most of their EP group have given up",
    ({ run, fromPs, toPs }) => run.givenUp.ranks.during(fromPs, toPs).length,
  ),
  counted(
    "masks",
    "pairs of ranks of which one has given the other up, in that direction",
    ({ run, fromPs, toPs }) => run.givenUp.pairs.between(fromPs, toPs),
  ),
  counted("ranks_trapped", "ranks that ended their job", ({ run, fromPs, toPs }) => {
    return run.trappedRanks.during(fromPs, toPs).length;
  }),
  {
    ...count,
    name: "ranks_stalled",
    about: "ranks that went longer than `for` without completing a layer, masked ones left out",
    source: "virtual time",
    arguments: [
      {
        key: "for",
        kind: "time",
        fallback: DEFAULT_STALL_PS,
        least: 1,
        about: "the longest that is no stall; default: 100 ms",
      },
    ],
    read: (query) => ({ value: stalledRanks(query) }),
  },
  counted("ranks_finished", "ranks that have done all their steps", ({ run, toPs }) => {
    return run.ranks.filter((_, rank) => run.finishedRanks.holdsBefore(rank, toPs)).length;
  }),
  counted(
    "experts_missing",
    "logical experts that some rank in service could reach no live replica of",
    ({ run, fromPs, toPs }) => run.givenUp.expertsMissing(fromPs, toPs).length,
  ),
];
