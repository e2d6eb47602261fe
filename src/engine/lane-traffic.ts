/**
 * What arrived over each lane, in bins of virtual time: fixed slices, so that they do not depend on
 * where windows fall or on the placement. The worker at a lane's end counts it. No part of the
 * digest: nothing in the model knows of it.
 */
import { NEVER_PS } from "../model/time.ts";
import type { TrafficBin } from "../model/window.ts";

/** Length of a bin when nobody says another, ps. */
export const TRAFFIC_BIN_PS = 1e8;

/** Counts the lanes of one worker, without allocating but when a bin begins or ends. */
export class LaneTraffic {
  readonly #spanPs: number;
  readonly #bytes: Float64Array;
  /** Lanes with something in the open bin. */
  readonly #touched: Int32Array;
  #count = 0;
  #bin = 0;
  #endPs: number;
  #closed: TrafficBin[] = [];

  /** `spanPs`: length of a bin. */
  constructor(lanes: number, spanPs = TRAFFIC_BIN_PS) {
    this.#spanPs = spanPs;
    this.#endPs = spanPs;
    this.#bytes = new Float64Array(lanes);
    this.#touched = new Int32Array(lanes);
  }

  /** When the open bin ends, if something is in it; else NEVER_PS. */
  get duePs(): number {
    return this.#count > 0 ? this.#endPs : NEVER_PS;
  }

  /** A message arrived; instants never go back. */
  count(lane: number, sizeBytes: number, atPs: number): void {
    if (atPs >= this.#endPs) this.#moveTo(atPs);
    if (this.#bytes[lane] === 0) {
      this.#touched[this.#count] = lane;
      this.#count += 1;
    }
    this.#bytes[lane] += sizeBytes;
  }

  /** Takes the bins that end by `untilPs` and have not been taken, in order. */
  take(untilPs: number): TrafficBin[] {
    if (this.#endPs <= untilPs) this.#close();
    const taken = this.#closed;
    if (taken.length > 0) this.#closed = [];
    return taken;
  }

  /** Puts back bins that are still to be taken: those of a worker whose place this one takes. */
  putBack(bins: readonly TrafficBin[]): void {
    this.#closed.push(...bins);
  }

  #moveTo(atPs: number): void {
    this.#close();
    this.#bin = Math.floor(atPs / this.#spanPs);
    this.#endPs = (this.#bin + 1) * this.#spanPs;
  }

  #close(): void {
    if (this.#count === 0) return;
    const lanes = Array.from(this.#touched.subarray(0, this.#count).sort());
    const bytes = lanes.map((lane) => this.#bytes[lane]);
    for (const lane of lanes) this.#bytes[lane] = 0;
    this.#count = 0;
    this.#closed.push({ bin: this.#bin, lanes, bytes });
  }
}
