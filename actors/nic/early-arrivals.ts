/**
 * What the responder of a queue pair has of the messages behind a gap, when the network may deliver
 * out of order: one bit a sequence number, in a ring that grows up to the receive window. Without
 * gaps it holds nothing.
 */

/**
 * Messages behind the first missing one that a responder accepts: our choice, far more than
 * overtake each other while one waits in a queue. What is beyond is dropped, and sent again.
 */
export const RECEIVE_WINDOW = 16_384;

/** Sequence numbers that a word of the ring holds. */
const WORD_BITS = 32;

export class EarlyArrivals {
  /** Messages held. */
  count = 0;
  #bits = new Int32Array(0);

  /**
   * Notes the arrival of `psn`, which is beyond `expected`, the first that is missing. False when
   * it arrived before or is beyond the window; nothing is noted then.
   */
  add(psn: number, expected: number): boolean {
    const distance = psn - expected;
    if (distance >= RECEIVE_WINDOW) return false;
    if (distance >= this.#bits.length * WORD_BITS) this.#grow(distance, expected);
    if (this.#holds(psn)) return false;
    this.#flip(psn);
    this.count += 1;
    return true;
  }

  /** Forgets all arrivals. */
  clear(): void {
    this.count = 0;
    this.#bits.fill(0);
  }

  /** The first sequence number from `psn` on that has not arrived; forgets those before it. */
  pass(psn: number): number {
    let first = psn;
    while (this.count > 0 && this.#holds(first)) {
      this.#flip(first);
      this.count -= 1;
      first += 1;
    }
    return first;
  }

  #holds(psn: number): boolean {
    return ((this.#bits[this.#wordOf(psn)] >>> (psn % WORD_BITS)) & 1) !== 0;
  }

  #flip(psn: number): void {
    this.#bits[this.#wordOf(psn)] ^= 1 << (psn % WORD_BITS);
  }

  #wordOf(psn: number): number {
    return Math.floor(psn / WORD_BITS) % this.#bits.length;
  }

  /** Makes room for `distance` sequence numbers from `expected` on, and one more. */
  #grow(distance: number, expected: number): void {
    const room = this.#bits.length * WORD_BITS;
    const held: number[] = [];
    for (let psn = expected; psn < expected + room; psn += 1) if (this.#holds(psn)) held.push(psn);
    let words = Math.max(1, this.#bits.length);
    while (words * WORD_BITS <= distance) words *= 2;
    this.#bits = new Int32Array(words);
    for (const psn of held) this.#flip(psn);
  }
}
