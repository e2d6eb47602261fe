/**
 * A month of failures, drawn: a Poisson process for each kind of fault with a published rate, over
 * a fleet made of equal EP groups. It says what breaks, when and where; what that costs is found
 * out by playing it (month-episode.ts).
 */
import { lnOf } from "../base/ln.ts";
import { type RandomStream, streamOf } from "../base/random.ts";
import { CATALOGUE, catalogueEntries } from "../fault/catalogue.ts";
import type { FaultName } from "../fault/catalogue-entry.ts";
import type { TargetIndex } from "../fault/target-index.ts";

/** GPUs of the fleet that the catalogue's rates are for. */
export const RATED_GPUS = 2_048;

/** One failure of the month. */
export interface DrawnFailure {
  readonly kind: FaultName;
  /** Since the beginning of the month. */
  readonly atHours: number;
  /** EP group that it hits, from 0. */
  readonly group: number;
  /** Part of that group, named as in the scenario. */
  readonly target: string;
  /** How far into a step of the group it comes, 0..1. */
  readonly phase: number;
}

export interface MonthPlan {
  /** Decimal text; each kind draws from a stream of its own. */
  readonly seed: string;
  readonly days: number;
  /** GPUs of the fleet: `groups` times those of one group. */
  readonly gpus: number;
  readonly groups: number;
}

/** Kinds with a published rate, in the order of the catalogue. */
export function ratedKinds(): readonly FaultName[] {
  return catalogueEntries().flatMap(({ kind, perDay }) => (perDay === undefined ? [] : [kind]));
}

/**
 * How often a kind is seen in a fleet of `gpus`, a day: of a range its geometric mean, in
 * proportion to the GPUs; 0 for a kind without a rate.
 */
export function ratePerDay(kind: FaultName, gpus: number): number {
  const { perDay } = CATALOGUE[kind];
  if (perDay === undefined) return 0;
  return (Math.sqrt(perDay.least * perDay.most) * gpus) / RATED_GPUS;
}

/** What a kind can hit in one group. A cable is one between switches where there are some. */
export function targetsOfKind(kind: FaultName, index: TargetIndex): readonly string[] {
  if (kind === "link-down") {
    const links = [...index.ofKind("link")];
    const cables = links.filter(([, { leaf, spine }]) => leaf.length > 0 && spine.length > 0);
    const network = links.filter(([, { leaf }]) => leaf.length > 0);
    return (cables.length > 0 ? cables : network).map(([id]) => id);
  }
  if (kind === "switch-down") {
    return [...index.ofKind("leaf").keys(), ...index.ofKind("spine").keys()];
  }
  return [...index.ofKind(CATALOGUE[kind].targets[0]).keys()];
}

/** All failures of the month, in the order of time. */
export function drawFailures(plan: MonthPlan, index: TargetIndex): readonly DrawnFailure[] {
  const failures = ratedKinds().flatMap((kind) => failuresOf(kind, plan, index));
  return failures.sort((left, right) => left.atHours - right.atHours);
}

function failuresOf(kind: FaultName, plan: MonthPlan, index: TargetIndex): DrawnFailure[] {
  const perHour = ratePerDay(kind, plan.gpus) / 24;
  const targets = targetsOfKind(kind, index);
  const random = streamOf(plan.seed, `month.${kind}`);
  const found: DrawnFailure[] = [];
  for (let atHours = gap(random, perHour); atHours < 24 * plan.days; ) {
    const group = random.below(plan.groups);
    const target = targets[random.below(targets.length)];
    found.push({ kind, atHours, group, target, phase: random.unit() });
    atHours += gap(random, perHour);
  }
  return found;
}

/** Hours to the next event of a Poisson process. */
function gap(random: RandomStream, perHour: number): number {
  return -lnOf(1 - random.unit()) / perHour;
}
