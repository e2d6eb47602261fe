/**
 * Rows of numbers that are only added, and forgotten from the front: whole numbers of 32 bits and
 * instants, side by side in blocks. Long runs write millions of rows and need the latest of them.
 */

const BLOCK_BITS = 14;
const BLOCK_ROWS = 1 << BLOCK_BITS;

/** No row. */
export const NO_ROW = -1;

export class RowStore {
  /** Rows added since the beginning; they keep their numbers. */
  count = 0;
  readonly #words: number;
  readonly #times: number;
  readonly #wordBlocks: (Int32Array | undefined)[] = [];
  readonly #timeBlocks: (Float64Array | undefined)[] = [];
  #firstBlock = 0;

  /** `words` and `times`: how many of each a row has. */
  constructor(words: number, times: number) {
    this.#words = words;
    this.#times = times;
  }

  /** The first row that is still held. */
  get first(): number {
    return this.#firstBlock << BLOCK_BITS;
  }

  holds(row: number): boolean {
    return row >= this.first && row < this.count;
  }

  /** Adds a row of zeros and returns its number. */
  add(): number {
    const row = this.count;
    this.count = row + 1;
    const block = row >> BLOCK_BITS;
    if (block === this.#wordBlocks.length) {
      this.#wordBlocks.push(new Int32Array(BLOCK_ROWS * this.#words));
      this.#timeBlocks.push(new Float64Array(BLOCK_ROWS * this.#times));
    }
    return row;
  }

  /** Forgets the oldest rows, block by block, until at most `most` and a block are left. */
  forgetBut(most: number): void {
    const until = Math.max(0, this.count - most) >> BLOCK_BITS;
    for (; this.#firstBlock < until; this.#firstBlock += 1) {
      this.#wordBlocks[this.#firstBlock] = undefined;
      this.#timeBlocks[this.#firstBlock] = undefined;
    }
  }

  /** A word of a row that is held. */
  word(row: number, column: number): number {
    return (this.#wordBlocks[row >> BLOCK_BITS] as Int32Array)[
      (row & (BLOCK_ROWS - 1)) * this.#words + column
    ];
  }

  setWord(row: number, column: number, value: number): void {
    (this.#wordBlocks[row >> BLOCK_BITS] as Int32Array)[
      (row & (BLOCK_ROWS - 1)) * this.#words + column
    ] = value;
  }

  time(row: number, column: number): number {
    return (this.#timeBlocks[row >> BLOCK_BITS] as Float64Array)[
      (row & (BLOCK_ROWS - 1)) * this.#times + column
    ];
  }

  setTime(row: number, column: number, valuePs: number): void {
    (this.#timeBlocks[row >> BLOCK_BITS] as Float64Array)[
      (row & (BLOCK_ROWS - 1)) * this.#times + column
    ] = valuePs;
  }
}
