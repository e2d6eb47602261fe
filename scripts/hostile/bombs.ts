/**
 * MessagePack that is small and would cost much, or that is more than plain data: each must be
 * refused by the scan before anything is built from it.
 */
import { PROTOTYPE_KEYS } from "../../cluster/frame-scan.ts";

type Named = readonly [name: string, bytes: Uint8Array];

const MIB = 2 ** 20;
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const filled = (count: number, ...head: readonly number[]): Uint8Array =>
  new Uint8Array(Buffer.alloc(count * head.length, bytes(...head)));
const list32 = (count: number): Uint8Array => bytes(0xdd, ...fourBytes(count));
const map32 = (count: number): Uint8Array => bytes(0xdf, ...fourBytes(count));
const shortText = (text: string): Uint8Array => Buffer.of(0xa0 + text.length, ...Buffer.from(text));
const fourBytes = (value: number): number[] => [24, 16, 8, 0].map((by) => (value >>> by) & 255);

/** Frames that announce or nest more than they are. */
export const BOMBS: readonly Named[] = [
  ["a list of 2^32 - 1 values", bytes(0xdd, 255, 255, 255, 255)],
  ["a map of 2^32 - 1 values", bytes(0xdf, 255, 255, 255, 255)],
  ["a text of 2^32 - 1 bytes", bytes(0xdb, 255, 255, 255, 255)],
  ["a binary of 2^32 - 1 bytes", bytes(0xc6, 255, 255, 255, 255)],
  ["a list of 2^31 values", bytes(0xdd, 128, 0, 0, 0)],
  ["50 lists of 2^28 values in one another", filled(50, 0xdd, 16, 0, 0, 0)],
  ["17 lists of 16 M values in one another", filled(17, 0xdd, 0, 255, 255, 255)],
  ["a list of lists that announce 60,000 each", Buffer.concat([list32(60_000), pieces(60_000)])],
  ["a million lists in one another", filled(MIB, 0x91)],
  ["a million maps in one another", filled(MIB, 0x81, 0xa1, 0x61)],
  ["lists and maps in one another", filled(500_000, 0x91, 0x81, 0xa1, 0x61)],
  ["seventeen lists in one another", Buffer.concat([filled(17, 0x91), bytes(0xc0)])],
  ["4 MiB of empty maps", Buffer.concat([list32(4 * MIB), filled(4 * MIB, 0x80)])],
  ["4 MiB of empty lists", Buffer.concat([list32(4 * MIB), filled(4 * MIB, 0x90)])],
  ["100,000 keys", Buffer.concat([map32(100_000), keys(100_000)])],
  ["a map with half a value", bytes(0x81, 0xa1, 0x61)],
  ["a list that ends too early", bytes(0x92, 0x01)],
  ["two values", bytes(0x01, 0x01)],
  ["nothing", bytes()],
  ["20 M numbers", Buffer.concat([list32(20 * MIB), new Uint8Array(20 * MIB)])],
];

/** Extension types, among them those that msgpackr would make objects of, and 0xc1. */
export const EXTENSIONS: readonly Named[] = [
  ["the byte that never occurs", bytes(0xc1)],
  ["undefined as an extension", bytes(0xd4, 0x00, 0x00)],
  ["a timestamp of 4 bytes", bytes(0xd6, 0xff, 1, 2, 3, 4)],
  ["a timestamp of 8 bytes", bytes(0xd7, 0xff, 1, 2, 3, 4, 5, 6, 7, 8)],
  ["a timestamp of 12 bytes", bytes(0xc7, 12, 0xff, ...new Uint8Array(12))],
  ["a record definition", bytes(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01)],
  ["a regular expression", bytes(0xc7, 5, 0x78, 0x92, 0xa1, 0x61, 0xa1, 0x67)],
  ["an error", bytes(0xc7, 6, 0x65, 0x93, 0xa1, 0x45, 0xa1, 0x6d, 0xc0)],
  ["a set", bytes(0xc7, 2, 0x73, 0x91, 0x01)],
  ["a reference", bytes(0xd6, 0x70, 0, 0, 0, 1)],
  ["a definition by reference", bytes(0xd6, 0x69, 0, 0, 0, 1, 0x90)],
  ["a typed array", bytes(0xc7, 9, 0x74, 8, ...new Uint8Array(8))],
  ["a large integer of 16 bytes", bytes(0xd8, 0x42, ...new Uint8Array(16))],
  ["a large integer of 60,000 bytes", Buffer.concat([bytes(0xc8, 234, 96, 0x42), filled(6e4, 9)])],
  ["a bundle of texts", bytes(0xd6, 0x62, 0, 0, 0, 4)],
  ["an extension of 1 byte", bytes(0xd4, 0x05, 0x00)],
  ["an extension of 2 bytes", bytes(0xd5, 0x05, 0x00, 0x00)],
  ["an extension of no bytes", bytes(0xc7, 0, 0x05)],
  ["an extension of 2^32 - 1 bytes", bytes(0xc9, 255, 255, 255, 255, 0x05)],
  ["an extension inside a list", bytes(0x92, 0x01, 0xd4, 0x00, 0x00)],
];

/** Keys that reach a prototype, at each depth and in each way that a text can be written. */
export function prototypeKeys(): Named[] {
  const found: Named[] = [];
  for (const key of PROTOTYPE_KEYS) {
    const spelt = Buffer.from(key);
    const forms: readonly (readonly [string, Uint8Array])[] = [
      ["short", shortText(key)],
      ["8-bit", Buffer.concat([bytes(0xd9, key.length), spelt])],
      ["16-bit", Buffer.concat([bytes(0xda, 0, key.length), spelt])],
      ["32-bit", Buffer.concat([bytes(0xdb, 0, 0, 0, key.length), spelt])],
    ];
    for (const [form, text] of forms) {
      for (let depth = 0; depth < 8; depth += 1) {
        const polluted = Buffer.concat([bytes(0x81), text, bytes(0x81, 0xa1, 0x78, 0x01)]);
        const inLists = Buffer.concat([filled(depth, 0x91), polluted]);
        const inMaps = Buffer.concat([filled(depth, 0x81, 0xa1, 0x61), polluted]);
        found.push([`${key} (${form}) below ${depth} lists`, inLists]);
        found.push([`${key} (${form}) below ${depth} maps`, inMaps]);
      }
    }
  }
  return found;
}

/** That many lists that announce 60,000 values. */
function pieces(count: number): Uint8Array {
  return filled(count, 0xdd, 0, 0, 234, 96);
}

/** Different keys with values. */
function keys(count: number): Uint8Array {
  const pairs = Array.from({ length: count }, (_, key) =>
    Buffer.concat([shortText(`k${key}`), bytes(key % 128)]),
  );
  return Buffer.concat(pairs);
}
