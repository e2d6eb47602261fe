/**
 * What the lanes of a run have carried: totals by lane, and how much of it came in the last moments
 * of virtual time. Fed with bins of traffic that have ended.
 */
import { PS_PER_MS } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import type { TrafficBin } from "../src/model/window.ts";

/** Span of virtual time that rates are over, ps; at least one bin. */
export const RATE_SPAN_PS = PS_PER_MS;

export class LinkBytes {
  /** By lane: bytes that have arrived. */
  readonly totals: Float64Array;
  readonly #lanes: Topology["lanes"];
  readonly #binPs: number;
  readonly #bins: number;
  readonly #recent: TrafficBin[] = [];

  /** `binPs`: length of a bin. */
  constructor({ lanes }: Pick<Topology, "lanes">, binPs: number) {
    this.#lanes = lanes;
    this.totals = new Float64Array(lanes.length);
    this.#binPs = binPs;
    this.#bins = Math.max(1, Math.round(RATE_SPAN_PS / binPs));
  }

  /** Length of the span of rates, ps. */
  get spanPs(): number {
    return this.#bins * this.#binPs;
  }

  /** Takes bins, in order. */
  take(bins: readonly TrafficBin[]): void {
    for (const bin of bins) {
      const { lanes, bytes } = bin;
      for (let place = 0; place < lanes.length; place += 1) {
        this.totals[lanes[place]] += bytes[place];
      }
      this.#recent.push(bin);
      if (this.#recent.length > this.#bins) this.#recent.shift();
    }
  }

  /** By lane: bytes in the span that ends with the last whole bin before `nowPs`. */
  recent(nowPs: number): Float64Array {
    const sums = new Float64Array(this.#lanes.length);
    const end = Math.floor(nowPs / this.#binPs);
    for (const { bin, lanes, bytes } of this.#recent) {
      if (bin < end - this.#bins) continue;
      for (let place = 0; place < lanes.length; place += 1) sums[lanes[place]] += bytes[place];
    }
    return sums;
  }
}
