/**
 * An episode of a month: one failure of one EP group, or several that overlap there, played in the
 * group's scenario beside its healthy twin. Emulated is the time from the onset until the group
 * has done its steps; what lasts longer (a repair of hours) is arithmetic, in month-report.ts.
 */
import { CATALOGUE } from "../fault/catalogue.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { faultContextOf } from "../scenario/fault-context.ts";
import { ProblemList } from "../scenario/problem-list.ts";
import { resolveFault } from "../scenario/resolve-fault.ts";
import { readTree } from "../scenario/yaml-text.ts";
import type { MeasuredRun } from "./comparison.ts";
import type { DrawnFailure } from "./month-draw.ts";
import type { RunEnd } from "./run-end.ts";
import type { RunTrace } from "./trace.ts";

const PS_PER_HOUR = 3.6e15;
/** A capacity that misses less than this is whole: steps of one fleet differ by as much. */
const WHOLE_WITHIN = 0.02;
/** A layer that takes longer than its like by this factor is part of a stall. */
const STALL_FACTOR = 2;

/** What an episode showed; all of it emulated. */
export interface EpisodeOutcome {
  /** From the onset to the end of the run, ps. */
  readonly emulatedPs: number;
  /** Time of the whole group's work that was lost in it, ps. */
  readonly lostPs: number;
  /** From the onset until layers took no longer than twice what they do in health, ps. */
  readonly stalledPs: number;
  /** Work a second in the last step against the twin's, 0..1. */
  readonly capacityAfter: number;
  /** Ranks that most of the group had given up at the end, or that had ended their jobs. */
  readonly ranksOut: number;
  /** Has anybody given anybody up? Then only a restart brings them together again. */
  readonly needsRestart: boolean;
  /** How the run ended; what is not `finished` by its time limit has no capacity left. */
  readonly end: RunEnd["end"];
  /** Wrong results that nobody noticed. */
  readonly wrong: number;
  readonly detectedAfterPs?: number;
}

/**
 * When the failures of an episode begin, ps: the first some way into the second step; each other as
 * long after the one before as it did in the month, or half a step after that one has shown its
 * effect, whichever is first. `settledPs`: by failure, how long it alone stalls the group.
 */
export function onsetsOf(
  twin: MeasuredRun,
  failures: readonly DrawnFailure[],
  settledPs: readonly number[],
): readonly number[] {
  const stepPs = twin.trace.endPs / twin.trace.shape.steps;
  let atPs = Math.round(stepPs * (1 + failures[0].phase));
  return failures.map(({ atHours }, place) => {
    if (place > 0) {
      const gapPs = (atHours - failures[place - 1].atHours) * PS_PER_HOUR;
      atPs += Math.round(Math.min(gapPs, settledPs[place - 1] + stepPs / 2));
    }
    return atPs;
  });
}

/**
 * The faults of an episode, each with its onset. A part that has to be repaired stays broken to
 * the end of the run; of a flap one time down is played. Throws Error with the problem when the
 * scenario can have no such fault, as when its time limit comes before.
 */
export function episodeFaults(
  scenario: Scenario,
  topology: Topology,
  failures: readonly DrawnFailure[],
  onsetsPs: readonly number[],
): readonly FaultSpec[] {
  const context = faultContextOf(scenario, topology);
  return failures.map(({ kind, target }, place) => {
    const { flap } = CATALOGUE[kind];
    const lasts =
      flap === undefined
        ? { healAfter: "never" }
        : { onset: { flap: { down: text(flap.downPs), up: text(flap.upPs), repeats: 1 } } };
    const fault = {
      name: `failure-${place + 1}`,
      kind,
      target,
      at: text(onsetsPs[place]),
      ...lasts,
    };
    const tree = readTree(new TextEncoder().encode(JSON.stringify(fault)), "month");
    if (!tree.ok) throw new Error(tree.problems[0].message);
    const problems = new ProblemList(tree.tree);
    const spec = resolveFault(fault, { path: [], defaultName: fault.name }, context, problems);
    if (spec === undefined) throw new Error(problems.problems[0]?.message ?? "no such fault");
    return spec;
  });
}

/** A time as a file writes it. */
function text(ps: number): string {
  return `${ps} ps`;
}

/** Measures an episode whose first fault began at `fromPs`. */
export function measureEpisode(
  run: MeasuredRun,
  twin: MeasuredRun,
  fromPs: number,
): EpisodeOutcome {
  const isWhole = run.end.end === "finished";
  const endPs = isWhole ? run.trace.endPs : run.end.virtualTimePs;
  const ratePerPs = twin.series.combined.between(0, Infinity) / twin.trace.endPs;
  const emulatedPs = Math.max(0, endPs - fromPs);
  const done = run.series.combined.between(fromPs, Infinity);
  const { givenUp, trappedRanks } = run.series;
  const trapped = trappedRanks.during(endPs, Infinity);
  const out = new Set([...givenUp.ranks.during(endPs, Infinity), ...trapped]);
  const isShort = trapped.length + givenUp.ranksOfAny.during(endPs, Infinity).length > 0;
  const detectedPs = run.series.signs.firstBetween(fromPs, Infinity);
  return {
    emulatedPs,
    lostPs: Math.max(0, emulatedPs - done / ratePerPs),
    stalledPs: stalledPs(run, twin, fromPs),
    capacityAfter: isWhole ? capacityAfter(run.trace, twin.trace) : 0,
    ranksOut: out.size,
    needsRestart: isShort || !isWhole,
    end: run.end.end,
    wrong: run.series.corruptedUnseen.between(0, Infinity),
    ...(detectedPs === undefined ? {} : { detectedAfterPs: detectedPs - fromPs }),
  };
}

/** From the onset to the end of the last layer of a stall. */
function stalledPs(run: MeasuredRun, twin: MeasuredRun, fromPs: number): number {
  const longest = new Map<string, number>();
  for (const { sort, durationPs } of twin.series.layerNotes) {
    longest.set(sort, Math.max(longest.get(sort) ?? 0, durationPs));
  }
  let untilPs = fromPs;
  for (const { sort, durationPs, atPs } of run.series.layerNotes) {
    if (durationPs > STALL_FACTOR * (longest.get(sort) ?? Infinity)) {
      untilPs = Math.max(untilPs, atPs);
    }
  }
  return untilPs - fromPs;
}

/** Work of the last step, times its speed, against the twin's; 0 when nobody did the last step. */
function capacityAfter(run: RunTrace, twin: RunTrace): number {
  const [own, healthy] = [lastStep(run), lastStep(twin)];
  if (own.combined === 0 || own.spanPs === 0) return 0;
  const share = (own.combined / healthy.combined) * (healthy.spanPs / own.spanPs);
  return share > 1 - WHOLE_WITHIN ? 1 : share;
}

/** Assignments of the last step, and the median over ranks of how long it took, ps. */
function lastStep(trace: RunTrace): { readonly combined: number; readonly spanPs: number } {
  const { ranks, steps, chains, layers } = trace.shape;
  const width = chains.length * layers.length;
  /** The rank's last combine of a step, ps; -1: it made none. Dense layers have none either. */
  const endOf = (rank: number, step: number): number => {
    const from = (rank * steps + step) * width;
    let endPs = -1;
    for (const atPs of trace.combinedAtPs.subarray(from, from + width)) {
      if (atPs > endPs) endPs = atPs;
    }
    return endPs;
  };
  let combined = 0;
  const spans: number[] = [];
  for (let rank = 0; rank < ranks.length; rank += 1) {
    const endPs = endOf(rank, steps - 1);
    if (endPs < 0) continue;
    spans.push(endPs - (steps > 1 ? endOf(rank, steps - 2) : 0));
    const from = (rank * steps + steps - 1) * width;
    for (const count of trace.combined.subarray(from, from + width)) combined += count;
  }
  spans.sort((left, right) => left - right);
  return { combined, spanPs: spans[spans.length >> 1] ?? 0 };
}

/** `stalled for 4.295 s, 95.1 % after it, 1 ranks out`, for a line of a log. */
export function describeOutcome({ stalledPs: stall, ...outcome }: EpisodeOutcome): string {
  const capacity = `${(100 * outcome.capacityAfter).toFixed(1)} % after it`;
  const out = outcome.ranksOut === 0 ? "" : `, ${outcome.ranksOut} ranks out`;
  const wrong = outcome.wrong === 0 ? "" : `, ${outcome.wrong} results wrong`;
  const end = outcome.end === "finished" ? "" : ` (${outcome.end})`;
  return `stalled for ${formatTime(stall)}, ${capacity}${out}${wrong}${end}`;
}
