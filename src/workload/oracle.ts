/**
 * The oracle of the payloads: tokens carry two real 32-bit words, and experts are known functions
 * of them. So the home rank can say what must come back, and any wrong, swapped or damaged answer
 * shows. A change of one input word alone always changes both output words. Allocates nothing; not
 * a model of arithmetic.
 */
import { avalanche32, hashString, mix32 } from "../base/hash.ts";

const LOW = 0x3c6ef372;
const HIGH = 0x510e527f;

/** The run's seed as two words, the first arguments of the payload functions. */
export interface PayloadSeed {
  readonly low: number;
  readonly high: number;
}

/** Derives the payload words of a run from its seed (decimal text). */
export function payloadSeed(seed: string): PayloadSeed {
  return { low: hashString(seed, LOW), high: hashString(seed, HIGH) };
}

/** Low word of what a token carries when its home rank sends it in step `step`. Signed 32 bits. */
export function tokenPayloadLow(
  seed: PayloadSeed,
  group: number,
  rank: number,
  step: number,
  token: number,
): number {
  return tokenWord(seed.low, group, rank, step, token);
}

/** High word of what a token carries when its home rank sends it in step `step`. Signed 32 bits. */
export function tokenPayloadHigh(
  seed: PayloadSeed,
  group: number,
  rank: number,
  step: number,
  token: number,
): number {
  return tokenWord(seed.high, group, rank, step, token);
}

/**
 * Low word of the output of `expert` in layer ordinal `layer` on the payload (low, high). Signed 32
 * bits.
 */
export function expertLow(expert: number, layer: number, low: number, high: number): number {
  return avalanche32(mix32(mix32(low ^ LOW, expertWord(expert, layer)), high));
}

/**
 * High word of the output of `expert` in layer ordinal `layer` on the payload (low, high). Signed
 * 32 bits.
 */
export function expertHigh(expert: number, layer: number, low: number, high: number): number {
  return avalanche32(mix32(mix32(high ^ HIGH, expertWord(expert, layer)), low));
}

/** One word that differs for every (expert, layer) with expert < 65,536 and layer < 65,536. */
function expertWord(expert: number, layer: number): number {
  return (expert << 16) ^ layer;
}

function tokenWord(word: number, group: number, rank: number, step: number, token: number): number {
  return avalanche32(mix32(mix32(mix32(mix32(word, group), rank), step), token));
}
