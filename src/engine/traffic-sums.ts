/** Puts together what workers say of the traffic: one whole bin after the other, in order. */
import type { TrafficBin } from "../model/window.ts";

export class TrafficSums {
  readonly #spanPs: number;
  /** Parts by bin; a lane is in the parts of one worker only. */
  readonly #open = new Map<number, TrafficBin[]>();

  /** `spanPs`: length of a bin. */
  constructor(spanPs: number) {
    this.#spanPs = spanPs;
  }

  add(parts: readonly TrafficBin[]): void {
    for (const part of parts) {
      const others = this.#open.get(part.bin);
      if (others === undefined) this.#open.set(part.bin, [part]);
      else others.push(part);
    }
  }

  /** Closes, in order, the bins that ended by `endPs` and have traffic; all are told by then. */
  closeUntil(endPs: number): TrafficBin[] {
    if (this.#open.size === 0) return [];
    const ready = [...this.#open.keys()].filter((bin) => (bin + 1) * this.#spanPs <= endPs);
    ready.sort((left, right) => left - right);
    return ready.map((bin) => {
      const parts = this.#open.get(bin) ?? [];
      this.#open.delete(bin);
      return merged(bin, parts);
    });
  }
}

function merged(bin: number, parts: readonly TrafficBin[]): TrafficBin {
  if (parts.length === 1) return parts[0];
  const bytesOf = new Map<number, number>();
  for (const { lanes, bytes } of parts) {
    for (const [place, lane] of lanes.entries()) bytesOf.set(lane, bytes[place]);
  }
  const lanes = [...bytesOf.keys()].sort((left, right) => left - right);
  return { bin, lanes, bytes: lanes.map((lane) => bytesOf.get(lane) ?? 0) };
}
