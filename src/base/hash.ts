/**
 * Cheap integer hashing for digests, derived random streams and the payload oracle. 32-bit
 * integer operations only, so every engine gives the same bits. Not cryptographic.
 */

/** Mixes one 32-bit word into a 32-bit state (the MurmurHash3 body). */
export function mix32(state: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  k = Math.imul(k, 0x1b873593);
  const h = state ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Finalizer with full avalanche (MurmurHash3 fmix32): every input bit moves every output bit. */
export function avalanche32(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** Hash of a string's UTF-16 code units, 32 bits. */
export function hashString(text: string, seed = 0): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i += 1) h = mix32(h, text.charCodeAt(i));
  return avalanche32(mix32(h, text.length));
}

/** Low 32 bits of a whole number up to 2^53, as a signed integer. */
export function lowWord(value: number): number {
  return value | 0;
}

/** High bits (32 and up) of a non-negative whole number up to 2^53. */
export function highWord(value: number): number {
  return (value * 2.3283064365386963e-10) | 0;
}

/** Two 32-bit words as 16 hexadecimal digits. */
export function hex64(high: number, low: number): string {
  const part = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
  return part(high) + part(low);
}
