/**
 * Adds workers' parts up to one digest an epoch, and chains the epochs into the digest of the run.
 */
import { avalanche32, hex64, highWord, lowWord, mix32 } from "../base/hash.ts";
import type { EpochPart } from "../model/window.ts";

/** A closed epoch and the digest of the run up to its end. */
export interface ClosedEpoch {
  readonly epoch: number;
  readonly digest: string;
}

export class DigestChain {
  readonly #open = new Map<number, { low: number; high: number }>();
  #low = 0x6a09e667;
  #high = 0x3c6ef372;

  add(parts: readonly EpochPart[]): void {
    for (const part of parts) {
      const sum = this.#open.get(part.epoch);
      if (sum === undefined) this.#open.set(part.epoch, { low: part.low, high: part.high });
      else {
        sum.low = (sum.low + part.low) | 0;
        sum.high = (sum.high + part.high) | 0;
      }
    }
  }

  /** Closes, in order, all epochs before `epoch` that have events. */
  closeBefore(epoch: number): ClosedEpoch[] {
    const ready = [...this.#open.keys()].filter((candidate) => candidate < epoch);
    ready.sort((left, right) => left - right);
    return ready.map((closing) => {
      const sum = this.#open.get(closing) as { low: number; high: number };
      this.#open.delete(closing);
      const named = mix32(mix32(this.#low, lowWord(closing)), highWord(closing));
      this.#low = avalanche32(mix32(named, sum.low));
      this.#high = avalanche32(mix32(mix32(this.#high, this.#low), sum.high));
      return { epoch: closing, digest: this.digest };
    });
  }

  /** Digest over all closed epochs, 16 hexadecimal digits. */
  get digest(): string {
    return hex64(this.#high, this.#low);
  }
}
