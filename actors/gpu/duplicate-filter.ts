/**
 * Which token copies of an exchange an inbox has: with failover a copy may arrive twice, since a
 * failed queue pair gives back everything that is unacknowledged, and some of it did arrive. One
 * bit a copy.
 */
import { choiceOf, isRefused, refusedChoiceOf } from "./token-slot.ts";

export class DuplicateFilter {
  readonly #tokens: number;
  readonly #topK: number;
  readonly #bits: Int32Array;

  /** For `ranks` ranks of at most `tokens` tokens each, with `topK` choices a token. */
  constructor(ranks: number, tokens: number, topK: number) {
    this.#tokens = tokens;
    this.#topK = topK;
    this.#bits = new Int32Array(Math.ceil((ranks * tokens * topK) / 32));
  }

  /** Forgets everything: another exchange is collected. */
  reset(): void {
    this.#bits.fill(0);
  }

  /** Did this copy come before? Notes that it has come. */
  isDuplicate(home: number, token: number, slot: number): boolean {
    const choice = isRefused(slot) ? refusedChoiceOf(slot) : choiceOf(slot);
    const copy = (home * this.#tokens + token) * this.#topK + choice;
    const bit = 1 << (copy & 31);
    const word = copy >>> 5;
    if ((this.#bits[word] & bit) !== 0) return true;
    this.#bits[word] |= bit;
    return false;
  }
}
