/**
 * Frames that are nearly right: real ones with something changed, and others grown from
 * MessagePack's grammar. Everything follows from the stream that is handed in.
 */
import type { RandomStream } from "../../src/base/random.ts";

/** Longest frame that is grown. */
const GROWN_BYTES = 2000;

/** Head bytes that announce something long, and those that are refused. */
const HEADS = [
  0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb,
  0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb,
  0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
];

/** A frame that nobody sent: a mutation of one of `corpus`, or grown from nothing. */
export function hostileFrame(corpus: readonly Uint8Array[], random: RandomStream): Uint8Array {
  if (random.below(4) === 0) return grown(random);
  let frame: Uint8Array = corpus[random.below(corpus.length)];
  const changes = 1 + random.below(4);
  for (let change = 0; change < changes; change += 1) frame = changed(frame, corpus, random);
  return frame;
}

/** One change of a copy. */
function changed(
  frame: Uint8Array,
  corpus: readonly Uint8Array[],
  random: RandomStream,
): Uint8Array {
  const copy = Uint8Array.from(frame);
  const at = random.below(copy.length + 1);
  switch (random.below(7)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      if (at < copy.length) copy[at] ^= 1 << random.below(8);
      return copy;
    case 2:
      if (at < copy.length) copy[at] = random.below(256);
      return copy;
    case 3:
      if (at < copy.length) copy[at] = HEADS[random.below(HEADS.length)];
      return copy;
    case 4:
      return Buffer.concat([copy.subarray(0, at), bytesOf(random, 8), copy.subarray(at)]);
    case 5: {
      const other = corpus[random.below(corpus.length)];
      return Buffer.concat([copy.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(Math.max(0, at - 16))]);
  }
}

/** Mostly heads, with random bytes between them: much of it is a value as far as it goes. */
function grown(random: RandomStream): Uint8Array {
  const out: number[] = [];
  const end = 1 + random.below(GROWN_BYTES);
  while (out.length < end) {
    const kind = random.below(6);
    if (kind < 2) out.push(HEADS[random.below(HEADS.length)]);
    else if (kind < 4) out.push(0x90 + random.below(4));
    else if (kind === 4) out.push(0x81, 0xa1, 0x61 + random.below(26));
    else out.push(random.below(128));
  }
  return Uint8Array.from(out);
}

function bytesOf(random: RandomStream, most: number): Uint8Array {
  return Uint8Array.from({ length: 1 + random.below(most) }, () => random.below(256));
}
