/**
 * Adds a month up: what each failure cost its group, emulated as far as it was played and by
 * arithmetic beyond, by kind and in all. Every figure says where it comes from.
 */
import { CATALOGUE } from "../fault/catalogue.ts";
import type { FaultName } from "../fault/catalogue-entry.ts";
import { type DrawnFailure, type MonthPlan, ratedKinds, ratePerDay } from "./month-draw.ts";
import type { EpisodeOutcome } from "./month-episode.ts";
import { outageOf, type Playlist, RESTART } from "./month-plan.ts";

const PS_PER_HOUR = 3.6e15;
/** A group that stands still for this long was interrupted, ps. */
const INTERRUPTED_PS = 1e12;
/** One interruption of a job of 2,048 GPUs by hardware, hours: derived from arXiv 2407.21783. */
export const PUBLISHED_HOURS_BETWEEN = 24.7;

/** Where a figure comes from. */
export type FigureSource = "drawn" | "emulated" | "arithmetic" | "assumed" | "published";
export interface Figure {
  readonly value: number;
  readonly source: FigureSource;
}

/** What a failure cost, GPU-hours of its group's capacity. */
export interface Loss {
  readonly emulated: number;
  readonly arithmetic: number;
}

/** One failure of the month with its cost. */
export interface FailureRow extends DrawnFailure {
  /** `played` alone, `together` with others, or with the outcome of the failure at `standIn`. */
  readonly how: "played" | "together" | "reused";
  readonly standIn: number;
  readonly loss: Loss;
}

/** One kind; means are over the episodes that were played. */
export interface KindRow {
  readonly kind: FaultName;
  readonly perDay: Figure;
  readonly expected: Figure;
  readonly failures: Figure;
  readonly played: Figure;
  readonly reused: Figure;
  /** Missing, like those below, when none was played. */
  readonly stalledSeconds?: Figure;
  readonly capacityAfter?: Figure;
  readonly ranksOut?: Figure;
  readonly wrongResults?: Figure;
  readonly outageHours: Figure;
  readonly outageWhy: string;
  readonly lostEmulated: Figure;
  readonly lostArithmetic: Figure;
}

export interface MonthReport {
  readonly plan: MonthPlan;
  readonly groupGpus: number;
  readonly kinds: readonly KindRow[];
  readonly failures: readonly FailureRow[];
  readonly totals: {
    readonly failures: Figure;
    /** Hours between failures; without flaps, as jobs count interruptions. Missing: none. */
    readonly hoursBetween?: Figure;
    readonly hoursBetweenWithoutFlaps?: Figure;
    /** The same by the rates alone, and as published for 2,048 GPUs. */
    readonly hoursBetweenExpected: Figure;
    readonly hoursBetweenPublished: Figure;
    /** Failures after which a group stood still for a second or was short of ranks. */
    readonly interruptions: Figure;
    readonly together: Figure;
    readonly lostEmulated: Figure;
    readonly lostArithmetic: Figure;
    readonly fleetGpuHours: Figure;
    readonly availability: Figure;
  };
}

/** Outcomes of what a playlist says: by failure played alone, and by set played together. */
export interface Outcomes {
  readonly lone: ReadonlyMap<number, EpisodeOutcome>;
  readonly joint: readonly EpisodeOutcome[];
}

/** Adds up. Every place of `playlist.lone` and `.joint` has an outcome. */
export function makeMonthReport(
  plan: MonthPlan,
  failures: readonly DrawnFailure[],
  playlist: Playlist,
  outcomes: Outcomes,
): MonthReport {
  const groupGpus = plan.gpus / plan.groups;
  const outcomeOf = (place: number): EpisodeOutcome =>
    outcomes.lone.get(playlist.standIn[place]) as EpisodeOutcome;
  const alone = failures.map(({ kind }, place) => lossOf(kind, outcomeOf(place), groupGpus));
  const losses = [...alone];
  const together = new Set(playlist.joint.flat());
  playlist.joint.forEach((places, set) => {
    const joint = jointLoss(places, failures, outcomeOf, outcomes.joint[set], groupGpus);
    // Shared in proportion to what each would have cost alone.
    const sum = places.reduce((total, place) => total + sumOf(alone[place]), 0);
    for (const place of places) {
      const part = sum === 0 ? 1 / places.length : sumOf(alone[place]) / sum;
      losses[place] = { emulated: joint.emulated * part, arithmetic: joint.arithmetic * part };
    }
  });
  const rows = failures.map((failure, place): FailureRow => {
    const isPlayed = outcomes.lone.has(place);
    const how = together.has(place) ? "together" : isPlayed ? "played" : "reused";
    return { ...failure, how, standIn: playlist.standIn[place], loss: losses[place] };
  });
  const interruptions = failures.filter((_, place) => {
    const { stalledPs, ranksOut } = outcomeOf(place);
    return stalledPs >= INTERRUPTED_PS || ranksOut > 0;
  }).length;
  const lost = totalOf(rows);
  const fleetGpuHours = plan.gpus * plan.days * 24;
  const withoutFlaps = rows.filter(({ kind }) => CATALOGUE[kind].flap === undefined).length;
  const hours = 24 * plan.days;
  const perDay = ratedKinds().reduce(
    (sum, kind) => sum + (CATALOGUE[kind].flap ? 0 : ratePerDay(kind, plan.gpus)),
    0,
  );
  return {
    plan,
    groupGpus,
    kinds: ratedKinds().map((kind) => kindRow(kind, plan, rows, outcomes.lone, failures)),
    failures: rows,
    totals: {
      failures: drawn(rows.length),
      ...(rows.length === 0 ? {} : { hoursBetween: drawn(hours / rows.length) }),
      ...(withoutFlaps === 0 ? {} : { hoursBetweenWithoutFlaps: drawn(hours / withoutFlaps) }),
      hoursBetweenExpected: arithmetic(24 / perDay),
      hoursBetweenPublished: { value: PUBLISHED_HOURS_BETWEEN, source: "published" },
      interruptions: emulated(interruptions),
      together: drawn(together.size),
      lostEmulated: emulated(lost.emulated),
      lostArithmetic: arithmetic(lost.arithmetic),
      fleetGpuHours: arithmetic(fleetGpuHours),
      availability: arithmetic(1 - sumOf(lost) / fleetGpuHours),
    },
  };
}

/** What one failure costs by itself. */
export function lossOf(kind: FaultName, outcome: EpisodeOutcome, groupGpus: number): Loss {
  const emulated = (groupGpus * outcome.lostPs) / PS_PER_HOUR;
  const { flap } = CATALOGUE[kind];
  const isOver = outcome.capacityAfter === 1 && !outcome.needsRestart;
  if (isOver && flap !== undefined) return { emulated, arithmetic: (flap.repeats - 1) * emulated };
  const missing = (1 - outcome.capacityAfter) * restHours(kind, outcome) + restartHours(outcome);
  return { emulated, arithmetic: groupGpus * missing };
}

/**
 * Hours of an outage beyond what was emulated. A job that ended does not wait for the repair: it is
 * restarted on other nodes.
 */
function restHours(kind: FaultName, { emulatedPs, capacityAfter }: EpisodeOutcome): number {
  if (capacityAfter === 0) return 0;
  return Math.max(0, outageOf(kind).hours - emulatedPs / PS_PER_HOUR);
}

function restartHours({ needsRestart }: EpisodeOutcome): number {
  return needsRestart ? RESTART.hours : 0;
}

/**
 * What overlapping failures cost: played together; while all are in force the capacity is the joint
 * one, before and after that each one's own.
 */
function jointLoss(
  places: readonly number[],
  failures: readonly DrawnFailure[],
  outcomeOf: (place: number) => EpisodeOutcome,
  joint: EpisodeOutcome,
  groupGpus: number,
): Loss {
  const last = failures[places[places.length - 1]];
  const ends = places.map((place) => {
    const { kind, atHours } = failures[place];
    return atHours + outageOf(kind).hours;
  });
  const sharedHours = Math.max(0, Math.min(...ends) - last.atHours);
  let missing = (1 - joint.capacityAfter) * sharedHours;
  for (const place of places) {
    const outcome = outcomeOf(place);
    const ownHours = Math.max(0, restHours(failures[place].kind, outcome) - sharedHours);
    missing += (1 - outcome.capacityAfter) * ownHours + restartHours(outcome);
  }
  return {
    emulated: (groupGpus * joint.lostPs) / PS_PER_HOUR,
    arithmetic: groupGpus * missing,
  };
}

function kindRow(
  kind: FaultName,
  plan: MonthPlan,
  rows: readonly FailureRow[],
  played: ReadonlyMap<number, EpisodeOutcome>,
  failures: readonly DrawnFailure[],
): KindRow {
  const own = rows.filter((row) => row.kind === kind);
  const outcomes = [...played].flatMap(([place, outcome]) =>
    failures[place].kind === kind ? [outcome] : [],
  );
  const mean = (of: (outcome: EpisodeOutcome) => number): Figure =>
    emulated(outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length);
  const lost = totalOf(own);
  const outage = outageOf(kind);
  const perDay = ratePerDay(kind, plan.gpus);
  return {
    kind,
    perDay: { value: perDay, source: "published" },
    expected: arithmetic(perDay * plan.days),
    failures: drawn(own.length),
    played: emulated(outcomes.length),
    reused: drawn(own.filter(({ how }) => how === "reused").length),
    ...(outcomes.length === 0
      ? {}
      : {
          stalledSeconds: mean(({ stalledPs }) => stalledPs / 1e12),
          capacityAfter: mean(({ capacityAfter }) => capacityAfter),
          ranksOut: mean(({ ranksOut }) => ranksOut),
          wrongResults: mean(({ wrong }) => wrong),
        }),
    outageHours: { value: outage.hours, source: "assumed" },
    outageWhy: outage.why,
    lostEmulated: emulated(lost.emulated),
    lostArithmetic: arithmetic(lost.arithmetic),
  };
}

function totalOf(rows: readonly FailureRow[]): Loss {
  let sum: Loss = { emulated: 0, arithmetic: 0 };
  for (const { loss } of rows) {
    sum = {
      emulated: sum.emulated + loss.emulated,
      arithmetic: sum.arithmetic + loss.arithmetic,
    };
  }
  return sum;
}

function sumOf({ emulated: played, arithmetic: rest }: Loss): number {
  return played + rest;
}

function drawn(value: number): Figure {
  return { value, source: "drawn" };
}
function emulated(value: number): Figure {
  return { value, source: "emulated" };
}
function arithmetic(value: number): Figure {
  return { value, source: "arithmetic" };
}
