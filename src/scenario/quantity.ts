/**
 * Quantities as people write them: `400 Gbit/s`, `160 GB/s`, `5.5 ms`. A number without a unit, or
 * with one that could be read twice (`400 Gb/s`, `40 G`), is refused: a factor of eight is never
 * guessed.
 */
import { PS_PER_S } from "../model/time.ts";

export { readTime, TIME_ADVICE, TIME_PATTERN, type TimeReading } from "../model/time-text.ts";

/** Accepts a rate: decimal number, SI prefix, bit/s or B/s. The sign is judged later. */
export const RATE_PATTERN = /^-?\d{1,12}(?:\.\d{1,12})? ?[kMGT]?(?:bit|B)\/s$/;

/** Accepts a rate of computation: decimal number, SI prefix, FLOP/s. The sign is judged later. */
export const FLOP_RATE_PATTERN = /^-?\d{1,12}(?:\.\d{1,12})? ?[GTP]FLOP\/s$/;

/** Accepts a number of bytes: whole number, SI prefix, B. */
export const BYTES_PATTERN = /^\d{1,9} ?[kM]?B$/;

/** How to write a number of bytes, for messages. */
export const BYTES_ADVICE = "write bytes with their unit: B, kB or MB";

/** How to write a rate of computation, for messages. */
export const FLOP_RATE_ADVICE = "write a unit: GFLOP/s, TFLOP/s or PFLOP/s";

/** How to write a rate, for messages. */
export const RATE_ADVICE = "write a unit: bit/s as Gbit/s, byte/s as GB/s";

const PREFIXES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
};

/** Bytes a second of a rate that matches {@link RATE_PATTERN}; may be zero or negative. */
export function bytesPerSecondOf(rate: string): number {
  const parts = /^(-?[\d.]+) ?([kMGT]?)(bit|B)\/s$/.exec(rate);
  if (parts === null) return Number.NaN;
  const perSecond = Number(parts[1]) * PREFIXES[parts[2]];
  return parts[3] === "bit" ? perSecond / 8 : perSecond;
}

/** Bytes of a number that matches {@link BYTES_PATTERN}. NaN for others. */
export function bytesOf(size: string): number {
  const parts = /^(\d+) ?([kM]?)B$/.exec(size);
  return parts === null ? Number.NaN : Number(parts[1]) * PREFIXES[parts[2]];
}

/**
 * FLOP/s of a rate that matches {@link FLOP_RATE_PATTERN}; may be zero or negative. NaN for others.
 */
export function flopsPerSecondOf(rate: string): number {
  const parts = /^(-?[\d.]+) ?([GTP])FLOP\/s$/.exec(rate);
  return parts === null ? Number.NaN : Number(parts[1]) * PREFIXES[parts[2]];
}

/** Serialization time of one byte at a rate > 0 that matches {@link RATE_PATTERN}, ps. */
export function psPerByteOf(rate: string): number {
  return PS_PER_S / bytesPerSecondOf(rate);
}

/**
 * Seed as decimal text without leading zeros; undefined when `text` is no whole number in
 * 0..2^64-1.
 */
export function readSeed(text: string): string | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const seed = BigInt(text);
  return seed < 1n << 64n ? seed.toString() : undefined;
}
