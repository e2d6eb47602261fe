/** Durations counted in buckets that grow by 4.4 percent, so that a median is right within 2. */
import { expOf } from "../base/exp.ts";
import { lnOf } from "../base/ln.ts";

/** Buckets of one doubling. */
const PER_OCTAVE = 16;
/** Up to 2^53 ps. */
const BUCKETS = 54 * PER_OCTAVE;
const LN2 = lnOf(2);

export class DurationHistogram {
  readonly #counts = new Map<number, number>();
  #total = 0;
  #maxPs = 0;

  /** How many there are. */
  get total(): number {
    return this.#total;
  }

  /** The longest, ps; 0: there is none. */
  get maxPs(): number {
    return this.#maxPs;
  }

  /** The median, ps: the middle of its bucket; undefined: there is none. */
  get medianPs(): number | undefined {
    if (this.#total === 0) return undefined;
    const wanted = Math.ceil(this.#total / 2);
    let seen = 0;
    for (const bucket of [...this.#counts.keys()].sort((left, right) => left - right)) {
      seen += this.#counts.get(bucket) ?? 0;
      if (seen >= wanted) return Math.min(middleOf(bucket), this.#maxPs);
    }
    return this.#maxPs;
  }

  add(durationPs: number): void {
    const bucket = bucketOf(durationPs);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
    this.#maxPs = Math.max(this.#maxPs, durationPs);
  }

  /** Takes all of another one in. */
  merge(other: DurationHistogram): void {
    for (const [bucket, count] of other.#counts) {
      this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    }
    this.#total += other.#total;
    this.#maxPs = Math.max(this.#maxPs, other.#maxPs);
  }
}

function bucketOf(durationPs: number): number {
  if (durationPs < 1) return 0;
  return Math.min(BUCKETS - 1, Math.floor((lnOf(durationPs) / LN2) * PER_OCTAVE));
}

function middleOf(bucket: number): number {
  return expOf(((bucket + 0.5) / PER_OCTAVE) * LN2);
}
