/**
 * The times that an outage is told in, from a fault's onset on: until somebody noticed, until
 * somebody pointed at a part of the cluster, until the fleet served again, until it had its full
 * capacity back. docs/drills.md says what each of them means; this file is where it is so.
 */
import type { LayerNote, RunSeries } from "./run-series.ts";
import { firstAt } from "./series.ts";

/** A layer is slow that takes longer than the slowest healthy one of its sort by this factor. */
const SLOW_FACTOR = 1.1;

/** From the onset to the first sign that something is wrong: a clock, a port, a checksum. */
export function detectedAfterPs(
  run: RunSeries,
  onsetPs: number,
  nowPs: number,
): number | undefined {
  return since(onsetPs, run.signs.firstBetween(onsetPs, nowPs));
}

/**
 * From the onset to the first rank masked, trap or refused copy because of the fault, or the first
 * switch or plane that is avoided. With `fault` undefined, because of any.
 */
export function locatedAfterPs(
  run: RunSeries,
  onsetPs: number,
  nowPs: number,
  fault: string | undefined,
): number | undefined {
  const series = fault === undefined ? run.pointers : run.pointersOf.get(fault);
  return since(onsetPs, series?.firstBetween(onsetPs, nowPs));
}

/**
 * From the onset to the instant by which every rank in service (neither masked, dead nor finished)
 * has completed a layer that it began after the onset.
 */
export function servingAfterPs(run: RunSeries, onsetPs: number, nowPs: number): number | undefined {
  return since(
    onsetPs,
    allServedAtPs(run, onsetPs, nowPs, () => true),
  );
}

/**
 * From the onset to the instant by which every rank has completed a layer at healthy speed that it
 * began after the last trouble was over: after the last slow layer, and after the last rank was
 * masked or dead. 0 when there was no such trouble; undefined when somebody still is, when a rank
 * stands still, or when one has not completed a layer begun after the onset and not finished.
 */
export function fullAfterPs(
  run: RunSeries,
  healthy: RunSeries | undefined,
  onsetPs: number,
  nowPs: number,
): number | undefined {
  for (const states of [run.givenUp.ranks, run.deadRanks, run.trappedRanks]) {
    if (run.ranks.some((_, rank) => states.holdsBefore(rank, nowPs))) return undefined;
  }
  const isSlow = slowness(run, healthy, onsetPs);
  const lastDown = Math.max(
    run.givenUp.ranks.lastEndBefore(nowPs),
    run.deadRanks.lastEndBefore(nowPs),
  );
  let troublePs = lastDown >= onsetPs ? lastDown : -1;
  for (const note of run.layerNotes) {
    if (note.atPs > onsetPs && note.atPs < nowPs && isSlow(note)) {
      troublePs = Math.max(troublePs, note.atPs);
    }
  }
  if (standsStill(run, healthy, onsetPs, nowPs)) return undefined;
  if (troublePs < 0) return hasGoneOn(run, onsetPs, nowPs) ? 0 : undefined;
  return since(
    onsetPs,
    allServedAtPs(run, troublePs, nowPs, (note) => !isSlow(note)),
  );
}

/** Whether a layer took longer than its like do in health: in the twin, or before the onset. */
function slowness(
  run: RunSeries,
  healthy: RunSeries | undefined,
  onsetPs: number,
): (note: LayerNote) => boolean {
  const slowest = new Map<string, number>();
  for (const { atPs, sort, durationPs } of (healthy ?? run).layerNotes) {
    if (healthy === undefined && atPs > onsetPs) break;
    slowest.set(sort, Math.max(slowest.get(sort) ?? 0, durationPs));
  }
  return ({ sort, durationPs }) => {
    const healthyPs = slowest.get(sort);
    return healthyPs !== undefined && durationPs > healthyPs * SLOW_FACTOR;
  };
}

/**
 * Has a rank that has not finished gone longer without completing a layer than any does in health,
 * in the twin or before the onset? By {@link SLOW_FACTOR}, as for layers.
 */
function standsStill(
  run: RunSeries,
  healthy: RunSeries | undefined,
  onsetPs: number,
  nowPs: number,
): boolean {
  const untilPs = healthy === undefined ? onsetPs : Infinity;
  let longestPs = 0;
  for (const layers of (healthy ?? run).layersOf) {
    let lastPs = 0;
    for (const atPs of layers) {
      if (atPs > untilPs) break;
      longestPs = Math.max(longestPs, atPs - lastPs);
      lastPs = atPs;
    }
  }
  if (longestPs === 0) return false;
  return run.ranks.some((_, rank) => {
    if (run.finishedRanks.holdsBefore(rank, nowPs)) return false;
    const layers = run.layersOf[rank];
    const lastPs = layers[firstAt(layers, nowPs) - 1] ?? 0;
    return nowPs - lastPs > longestPs * SLOW_FACTOR;
  });
}

/** Has every rank finished, or completed a layer that it began after `fromPs`? */
function hasGoneOn(run: RunSeries, fromPs: number, nowPs: number): boolean {
  const served = new Set<number>();
  for (const { atPs, durationPs, rank } of run.layerNotes) {
    if (atPs < nowPs && atPs - durationPs >= fromPs) served.add(rank);
  }
  return run.ranks.every(
    (_, rank) => served.has(rank) || run.finishedRanks.holdsBefore(rank, nowPs),
  );
}

/** First instant by which every rank in service has completed a layer begun since `fromPs`. */
function allServedAtPs(
  run: RunSeries,
  fromPs: number,
  nowPs: number,
  counts: (note: LayerNote) => boolean,
): number | undefined {
  const servedAtPs = run.ranks.map(() => Infinity);
  for (const note of run.layerNotes) {
    const { atPs, durationPs, rank } = note;
    if (atPs >= nowPs) break;
    if (atPs - durationPs < fromPs || !counts(note)) continue;
    if (atPs < servedAtPs[rank]) servedAtPs[rank] = atPs;
  }
  let lastPs = -1;
  for (let rank = 0; rank < servedAtPs.length; rank += 1) {
    // Who is out of service is not waited for, from the instant on at which that is known.
    const outPs = Math.min(outOfService(run, rank, fromPs, nowPs), servedAtPs[rank]);
    if (outPs === Infinity) return undefined;
    lastPs = Math.max(lastPs, outPs);
  }
  // Somebody must have served: a fleet that is all out of service does not.
  return servedAtPs.some((atPs) => atPs !== Infinity) ? lastPs : undefined;
}

/** From when on a rank is masked, dead or finished; Infinity: it is in service until `nowPs`. */
function outOfService(run: RunSeries, rank: number, fromPs: number, nowPs: number): number {
  let outPs = Infinity;
  for (const states of [run.givenUp.ranks, run.deadRanks, run.finishedRanks]) {
    if (states.holdsBefore(rank, fromPs + 1)) return fromPs;
    outPs = Math.min(outPs, states.firstOf(rank, fromPs, nowPs) ?? Infinity);
  }
  return outPs;
}

function since(onsetPs: number, atPs: number | undefined): number | undefined {
  return atPs === undefined ? undefined : atPs - onsetPs;
}
