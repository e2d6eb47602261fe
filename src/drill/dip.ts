/**
 * The dip: how far the fleet's throughput fell below the healthy one, and for how long. Throughput
 * is assignments combined, counted when a rank completes a layer, in equal slices of virtual time.
 */
import type { RunTrace } from "./trace.ts";

/** Slices of a run: what a chart of one line holds. */
export const SLICES = 60;

/**
 * Below this share of the healthy throughput, in percent, a slice is part of the dip, unless health
 * itself looks as bad: see {@link Dip.thresholdPercent}.
 */
const DIP_PERCENT = 90;

export interface Dip {
  readonly sliceSpanPs: number;
  /** By slice, percent of the healthy mean; of the last one, as far as the run reaches into it. */
  readonly percent: readonly number[];
  /** The same of the healthy twin; 0 in slices after its end. */
  readonly healthyPercent: readonly number[];
  /**
   * A slice below this is part of the dip, percent: 90, or less where layers are counted so
   * coarsely that a healthy run goes below it. A slice may miss one layer that the next one has,
   * and a dip is lower than the lowest slice of the twin.
   */
  readonly thresholdPercent: number;
  /** Deepest slice of the dip: how far below the healthy mean, percent; 0 without a dip. */
  readonly depthPercent: number;
  /** Slices of the dip, from the first fault on, together; ps. */
  readonly lengthPs: number;
  /** The first of them begins here, and the last ends here; ps. Missing without a dip. */
  readonly fromPs?: number;
  readonly untilPs?: number;
  /** How much later than the twin the run was over, ps. */
  readonly timeLostPs: number;
}

/**
 * Measures the dip of `run` against its healthy twin. `onsetPs`: the first fault. A slice is no
 * shorter than three layers of the twin, else it would show layers rather than throughput.
 */
export function measureDip(run: RunTrace, twin: RunTrace, onsetPs: number): Dip {
  const endPs = Math.max(run.endPs, 1);
  const { steps, layers } = twin.shape;
  const layerPs = twin.endPs / (steps * layers.length);
  const leastPs = 3 * layerPs;
  const slices = Math.max(1, Math.min(SLICES, Math.floor(endPs / Math.max(1, leastPs))));
  const sliceSpanPs = Math.ceil(endPs / slices);
  const total = twin.combined.reduce((sum, count) => sum + count, 0);
  const healthyRate = twin.endPs > 0 ? total / twin.endPs : 0;
  const percent = sharesOf(run, sliceSpanPs, slices, healthyRate);
  const healthyPercent = sharesOf(twin, sliceSpanPs, slices, healthyRate);
  // Slices that the twin covers by less than half are no measure of health.
  const whole = healthyPercent.filter((_, slice) => (slice + 0.5) * sliceSpanPs <= twin.endPs);
  const coarsePercent = 100 * (1 - layerPs / sliceSpanPs);
  const thresholdPercent = Math.max(0, Math.min(DIP_PERCENT, coarsePercent, ...whole));
  let deepest = 100;
  let lengthPs = 0;
  let fromPs: number | undefined;
  let untilPs: number | undefined;
  percent.forEach((value, slice) => {
    const startPs = slice * sliceSpanPs;
    const sliceEndPs = Math.min(startPs + sliceSpanPs, endPs);
    if (sliceEndPs <= onsetPs) return;
    if (value >= thresholdPercent) return;
    if (value < deepest) deepest = value;
    lengthPs += sliceEndPs - Math.max(startPs, onsetPs);
    fromPs ??= Math.max(startPs, onsetPs);
    untilPs = sliceEndPs;
  });
  return {
    sliceSpanPs,
    percent,
    healthyPercent,
    thresholdPercent,
    depthPercent: 100 - deepest,
    lengthPs,
    ...(fromPs === undefined ? {} : { fromPs }),
    ...(untilPs === undefined ? {} : { untilPs }),
    timeLostPs: run.endPs - twin.endPs,
  };
}

/** Throughput by slice, percent of `healthyRate`, which is in assignments a ps. */
function sharesOf(trace: RunTrace, spanPs: number, slices: number, healthyRate: number): number[] {
  const counts = new Float64Array(slices);
  const add = (atPs: number, combined: number): void => {
    if (atPs > slices * spanPs) return;
    // The instant of the end belongs to the slice before it.
    counts[Math.min(Math.floor(atPs / spanPs), slices - 1)] += combined;
  };
  trace.combinedAtPs.forEach((atPs, place) => {
    if (!Number.isNaN(atPs)) add(atPs, trace.combined[place]);
  });
  for (const { atPs, combined } of trace.redone) add(atPs, combined);
  return Array.from(counts, (count, slice) => {
    const coveredPs = Math.min(spanPs, trace.endPs - slice * spanPs);
    const healthy = coveredPs * healthyRate;
    return healthy > 0 ? (100 * count) / healthy : 0;
  });
}
