/**
 * How much each lane is used, and how that is written for a page: two characters a lane. Pure; the
 * server writes, the page reads.
 */
import { PS_PER_S } from "../model/time.ts";
import type { Lane } from "../model/topology.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE = DIGITS.length;
const FULL = 1000;

/** What a lane carries at most, bytes per second. */
export function bytesPerSecondOf({ lane }: Pick<Lane, "lane">): number {
  return lane.psPerByte > 0 ? PS_PER_S / lane.psPerByte : Number.POSITIVE_INFINITY;
}

/**
 * Use in thousandths of the rate, 0 to 1000: what arrived over a span of `spanPs`. More than the
 * rate can arrive in a bin, when a long message that began before ends in it.
 */
export function usePermille(sizeBytes: number, psPerByte: number, spanPs: number): number {
  return Math.min(FULL, Math.round((FULL * sizeBytes * psPerByte) / spanPs));
}

/** Writes thousandths by lane as text. */
export function encodeUse(permille: ArrayLike<number>): string {
  let text = "";
  for (let lane = 0; lane < permille.length; lane += 1) {
    const use = permille[lane];
    text += DIGITS[Math.floor(use / BASE)] + DIGITS[use % BASE];
  }
  return text;
}

/** Reads what {@link encodeUse} wrote; `lanes`: how many there are. Missing ones are 0. */
export function decodeUse(text: string, lanes: number): Uint16Array {
  const permille = new Uint16Array(lanes);
  for (let lane = 0; lane < lanes && 2 * lane + 1 < text.length; lane += 1) {
    const high = DIGITS.indexOf(text[2 * lane]);
    permille[lane] = high * BASE + DIGITS.indexOf(text[2 * lane + 1]);
  }
  return permille;
}
