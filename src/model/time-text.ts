/**
 * Times of virtual time as people write them: `5.5 ms`. A number without a unit is refused.
 */
import { PS_PER_MS, PS_PER_NS, PS_PER_S, PS_PER_US, TIME_MAX_PS } from "./time.ts";

/** Accepts a time: decimal number and unit. */
export const TIME_PATTERN = /^-?\d{1,16}(?:\.\d{1,15})? ?(?:ps|ns|us|ms|s|min|h)$/;

/** How to write a time, for messages. */
export const TIME_ADVICE = "write a time with its unit: ps, ns, us, ms, s, min or h";

/** Units of a time, ps. */
export const TIME_UNITS_PS: Readonly<Record<string, number>> = {
  ps: 1,
  ns: PS_PER_NS,
  us: PS_PER_US,
  ms: PS_PER_MS,
  s: PS_PER_S,
  min: 60 * PS_PER_S,
  h: 3_600 * PS_PER_S,
};

/** A time in whole ps, or why there is none. */
export type TimeReading =
  | { readonly ok: true; readonly ps: number }
  | { readonly ok: false; readonly message: string };

/**
 * Picoseconds of a time that matches {@link TIME_PATTERN}; may be negative. Exact: never rounded.
 */
export function readTime(time: string): TimeReading {
  const parts = /^(-?)(\d+)(?:\.(\d+))? ?([a-z]+)$/.exec(time);
  const unit = parts === null ? undefined : TIME_UNITS_PS[parts[4]];
  if (parts === null || unit === undefined) return { ok: false, message: TIME_ADVICE };
  const fraction = parts[3] ?? "";
  const scaled = BigInt(parts[2] + fraction) * BigInt(unit);
  const divisor = BigInt(`1${"0".repeat(fraction.length)}`);
  if (scaled % divisor !== 0n) {
    return { ok: false, message: `must be a whole number of ps, got ${time}` };
  }
  const ps = scaled / divisor;
  if (ps > BigInt(TIME_MAX_PS)) {
    return { ok: false, message: `must be at most 2.5 h of virtual time, got ${time}` };
  }
  return { ok: true, ps: parts[1] === "-" && ps !== 0n ? -Number(ps) : Number(ps) };
}
