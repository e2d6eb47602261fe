/**
 * How long something took, over as many samples as there are, in a bounded space: buckets that are
 * as wide as 1/64 of what they hold. Good for a picture; exact figures are kept elsewhere.
 */

/** Durations up to `untilPs`, and how many samples there are up to it. */
export interface SharePoint {
  readonly untilPs: number;
  readonly count: number;
}

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);
/** Bits of a double's upper word that a bucket does not tell apart: all but 6 of the fraction's. */
const DROPPED = 14;

export class SpanHistogram {
  readonly #counts = new Map<number, number>();
  #samples = 0;
  /** The shortest of those that took any time at all. */
  #leastPs = Number.POSITIVE_INFINITY;
  #mostPs = 0;

  /** Adds a duration, ps, not below 0. */
  add(spanPs: number): void {
    const bucket = bucketOf(spanPs);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#samples += 1;
    if (spanPs > 0 && spanPs < this.#leastPs) this.#leastPs = spanPs;
    if (spanPs > this.#mostPs) this.#mostPs = spanPs;
  }

  get samples(): number {
    return this.#samples;
  }

  /** The shortest that took any time at all, ps; 0: none did. */
  get leastPs(): number {
    return Number.isFinite(this.#leastPs) ? this.#leastPs : 0;
  }

  /** The longest, ps; 0 of none. */
  get mostPs(): number {
    return this.#mostPs;
  }

  /** The upper end of each bucket that holds something, ascending, with all samples up to it. */
  points(): SharePoint[] {
    let count = 0;
    const buckets = [...this.#counts].sort(([left], [right]) => left - right);
    return buckets.map(([bucket, samples]) => {
      count += samples;
      return { untilPs: Math.min(this.#mostPs, endOf(bucket)), count };
    });
  }

  /** The upper end of the bucket of a percentile (0..100), ps; 0 of none. */
  percentilePs(percent: number): number {
    const rank = Math.ceil((percent * this.#samples) / 100);
    return this.points().find(({ count }) => count >= rank)?.untilPs ?? 0;
  }
}

/** Buckets ascend with what they hold: a double's bits do. */
function bucketOf(spanPs: number): number {
  scratch[0] = spanPs;
  return words[1] >> DROPPED;
}

function endOf(bucket: number): number {
  words[0] = 0;
  words[1] = (bucket + 1) << DROPPED;
  return scratch[0];
}
