/**
 * Which failures of a month are played, and which are given what another one of their kind showed:
 * groups are alike, so a few of each kind tell what it does. Failures that overlap in one group are
 * always played together. With them the lengths of outages, which no emulated run is long enough
 * for: they are published or assumed, and say so.
 */
import { CATALOGUE } from "../fault/catalogue.ts";
import type { FaultName } from "../fault/catalogue-entry.ts";
import type { DrawnFailure } from "./month-draw.ts";

const PS_PER_HOUR = 3.6e15;

/** How long something is broken, and who says so. */
export interface Outage {
  readonly hours: number;
  readonly why: string;
}

/** A group that takes a rank back, or begins again, is restarted: 83 to 180 s are published. */
export const RESTART: Outage = { hours: 0.05, why: "full restart, 180 s, published 83-180 s" };

const REPLACED: Outage = { hours: 4, why: "part replaced in 4 h, assumed" };

/** Outages of kinds that last until somebody does something. */
const UNTIL_MENDED: { readonly [Kind in FaultName]?: Outage } = {
  "gpu-dead": REPLACED,
  "nic-down": REPLACED,
  "link-down": REPLACED,
  "process-hang": { hours: RESTART.hours, why: "process killed and restarted, 180 s, assumed" },
  "silent-corruption": { hours: 24, why: "found by a daily test, assumed" },
};

/** How long a failure of a kind lasts: its usual lease, or until it is mended. */
export function outageOf(kind: FaultName): Outage {
  const { flap, leasePs } = CATALOGUE[kind];
  if (flap !== undefined) {
    const { downPs, upPs, repeats } = flap;
    const hours = (repeats * downPs + (repeats - 1) * upPs) / PS_PER_HOUR;
    return { hours, why: `${repeats} times down, as in the catalogue` };
  }
  const mended = UNTIL_MENDED[kind];
  if (mended !== undefined) return mended;
  return { hours: (leasePs ?? 0) / PS_PER_HOUR, why: "its lease in the catalogue" };
}

/** What is played; numbers are places in the list of failures. */
export interface Playlist {
  /** Failures that are played alone, the first ones of their kind, in the order of time. */
  readonly lone: readonly number[];
  /** Failures of one group that overlap: two or more, in the order of time. */
  readonly joint: readonly (readonly number[])[];
  /** By failure: the one of `lone` whose outcome stands for it; itself when it is played. */
  readonly standIn: readonly number[];
}

/** Chooses: at most `mostOfKind` of each kind alone, in turn the stand-ins of the others. */
export function playlistOf(failures: readonly DrawnFailure[], mostOfKind: number): Playlist {
  const playedOf = new Map<FaultName, number[]>();
  const seenOf = new Map<FaultName, number>();
  const lone: number[] = [];
  failures.forEach(({ kind }, place) => {
    const played = playedOf.get(kind) ?? [];
    if (played.length >= mostOfKind) return;
    playedOf.set(kind, [...played, place]);
    lone.push(place);
  });
  const standIn = failures.map(({ kind }) => {
    const played = playedOf.get(kind) ?? [];
    const seen = seenOf.get(kind) ?? 0;
    seenOf.set(kind, seen + 1);
    return played[seen % played.length];
  });
  return { lone, joint: overlapping(failures), standIn };
}

/** Failures of one group of which each begins before all earlier ones of the set are over. */
function overlapping(failures: readonly DrawnFailure[]): number[][] {
  const openOf = new Map<number, { readonly places: number[]; untilHours: number }>();
  const sets: number[][] = [];
  failures.forEach(({ kind, group, atHours }, place) => {
    const open = openOf.get(group);
    const untilHours = atHours + outageOf(kind).hours;
    if (open === undefined || open.untilHours <= atHours) {
      const places = [place];
      openOf.set(group, { places, untilHours });
      sets.push(places);
      return;
    }
    open.places.push(place);
    open.untilHours = Math.max(open.untilHours, untilHours);
  });
  return sets.filter((places) => places.length > 1);
}
