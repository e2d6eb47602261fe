/**
 * Random streams. Each owner (actor, fault, gate of a rank in a layer) has a stream of its own,
 * derived from the run's seed and the owner's name, so no draw of one owner can shift another's.
 * The only file that imports pure-rand.
 */
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { avalanche32, hashString, mix32 } from "./hash.ts";

/** A stream of random numbers that belongs to one owner. */
export interface RandomStream {
  /** 32 random bits as a signed integer. */
  word(): number;
  /** Uniform in [0, 1), a multiple of 2^-32. */
  unit(): number;
  /**
   * Uniform whole number in [0, bound); bound in 1..2^32. Bias below 2^-20 for bounds under 4,096.
   */
  below(bound: number): number;
}

/**
 * The stream of `owner` under `seed` (decimal text, 0..2^64-1); `salt` numbers separate streams
 * of one owner, such as one a layer.
 */
export function streamOf(seed: string, owner: string, salt = 0): RandomStream {
  const state = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x71374491].map((constant, place) => {
    const named = mix32(hashString(seed, constant), hashString(owner, constant + place));
    return avalanche32(mix32(named, salt)) | (place === 0 ? 1 : 0);
  });
  const generator = xoroshiro128plusFromState(state);
  return {
    word: () => generator.next(),
    unit: () => (generator.next() >>> 0) * 2.3283064365386963e-10,
    below: (bound) => Math.floor((generator.next() >>> 0) * 2.3283064365386963e-10 * bound),
  };
}

/** The streams of numbered owners under one seed, each made when it is first used. */
export class OwnerStreams {
  readonly #seed: string;
  readonly #nameOf: (owner: number) => string;
  readonly #streams = new Map<number, RandomStream>();

  constructor(seed: string, nameOf: (owner: number) => string) {
    this.#seed = seed;
    this.#nameOf = nameOf;
  }

  of(owner: number): RandomStream {
    let stream = this.#streams.get(owner);
    if (stream === undefined) {
      stream = streamOf(this.#seed, this.#nameOf(owner));
      this.#streams.set(owner, stream);
    }
    return stream;
  }
}
