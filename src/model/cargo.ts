/**
 * The contents of messages that carry more than fits into a packet's row: many token copies, or
 * copies with several experts each. Blocks of 32-bit words in one buffer a process, with a count of
 * who holds each: the packet, and the queue pair that may have to send it again. A cargo is written
 * once, before its packet leaves, and then only read. Handles are local to one process.
 *
 * Gotcha: `take` may replace `words`; read it afresh afterwards.
 */
import { violated } from "../base/assert.ts";

/** Names a block. */
export type Cargo = number;

/** Words before the contents: who holds it, and how long it is. */
const HEADER_WORDS = 2;
/** Blocks have 2^k words with k below this. */
const CLASSES = 31;
const NONE = -1;
/** In place of the length of a block that nobody holds. */
const FREE = -1;

export class CargoStore {
  words = new Int32Array(1024);
  #end = 0;
  #inUse = 0;
  /** By class: the first free block; a free block's first word names the next. */
  readonly #free = new Int32Array(CLASSES).fill(NONE);

  /** Blocks that somebody holds. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Takes a block for `length` words, held once; its contents are what was there before. */
  take(length: number): Cargo {
    const sizeClass = classOf(length);
    let cargo = this.#free[sizeClass];
    if (cargo === NONE) {
      cargo = this.#end;
      this.#end += 1 << sizeClass;
      if (this.#end > this.words.length) this.#grow();
    } else this.#free[sizeClass] = this.words[cargo];
    this.words[cargo] = 1;
    this.words[cargo + 1] = length;
    this.#inUse += 1;
    return cargo;
  }

  /** Place in `words` of the first word of the contents. */
  first(cargo: Cargo): number {
    return cargo + HEADER_WORDS;
  }

  /** Words of the contents. */
  lengthOf(cargo: Cargo): number {
    return this.words[cargo + 1];
  }

  retain(cargo: Cargo): void {
    this.words[cargo] += 1;
  }

  /** One holder less; the last one gives the block back. */
  release(cargo: Cargo): void {
    if (this.words[cargo + 1] === FREE) {
      violated("cargo-held", `cargo ${cargo} was given back already`);
    }
    const holders = this.words[cargo] - 1;
    this.words[cargo] = holders;
    if (holders > 0) return;
    const sizeClass = classOf(this.words[cargo + 1]);
    this.words[cargo + 1] = FREE;
    this.words[cargo] = this.#free[sizeClass];
    this.#free[sizeClass] = cargo;
    this.#inUse -= 1;
  }

  #grow(): void {
    let size = this.words.length;
    while (size < this.#end) size *= 2;
    const words = new Int32Array(size);
    words.set(this.words);
    this.words = words;
  }
}

/** The smallest k for which 2^k words hold header and contents. */
function classOf(length: number): number {
  return 32 - Math.clz32(length + HEADER_WORDS - 1);
}
