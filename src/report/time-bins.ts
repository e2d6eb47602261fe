/**
 * Values over virtual time in a bounded space: bins of equal length, kept where there is something
 * in them. When there are too many, two of them become one. Which bins there are depends on the
 * values alone, not on how they came.
 */
import { PS_PER_US } from "../model/time.ts";

/** What came in one bin; [fromPs, toPs). */
export interface TimeBin {
  readonly fromPs: number;
  readonly toPs: number;
  readonly count: number;
  readonly sum: number;
  readonly least: number;
  readonly most: number;
}

/** The middle of a bin, ps. */
export function middleOf({ fromPs, toPs }: Pick<TimeBin, "fromPs" | "toPs">): number {
  return (fromPs + toPs) / 2;
}

/** Most bins that hold something. */
const BINS_MAX = 2_000;

interface Bin {
  count: number;
  sum: number;
  least: number;
  most: number;
}

export class TimeBins {
  #spanPs = PS_PER_US;
  #bins = new Map<number, Bin>();

  /** Adds a value at an instant, ps. */
  add(atPs: number, value: number): void {
    const place = Math.floor(atPs / this.#spanPs);
    const bin = this.#bins.get(place);
    if (bin === undefined) {
      this.#bins.set(place, { count: 1, sum: value, least: value, most: value });
      if (this.#bins.size > BINS_MAX) this.#widen();
      return;
    }
    unite(bin, { count: 1, sum: value, least: value, most: value });
  }

  /** Those that hold something, ascending. */
  bins(): TimeBin[] {
    const spanPs = this.#spanPs;
    const sorted = [...this.#bins].sort(([left], [right]) => left - right);
    return sorted.map(([place, bin]) => ({
      fromPs: place * spanPs,
      toPs: (place + 1) * spanPs,
      ...bin,
    }));
  }

  #widen(): void {
    const before = this.#bins;
    this.#bins = new Map();
    this.#spanPs *= 2;
    for (const [place, bin] of before) {
      const half = Math.floor(place / 2);
      const known = this.#bins.get(half);
      if (known === undefined) this.#bins.set(half, bin);
      else unite(known, bin);
    }
    if (this.#bins.size > BINS_MAX) this.#widen();
  }
}

function unite(bin: Bin, { count, sum, least, most }: Bin): void {
  bin.count += count;
  bin.sum += sum;
  bin.least = Math.min(bin.least, least);
  bin.most = Math.max(bin.most, most);
}
