/** Numbers and times as axes and legends write them: short, with their unit. Pure. */
import { PS_PER_MS, PS_PER_NS, PS_PER_S, PS_PER_US } from "../../../src/model/time.ts";

/** `12.5 k`, `3.4 M`, `0.5`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trimmed(value / 1e9)} G`;
  if (size >= 1e6) return `${trimmed(value / 1e6)} M`;
  if (size >= 1e4) return `${trimmed(value / 1e3)} k`;
  return size < 0.001 ? "0" : trimmed(value);
}

/** A duration in us with three digits: `15.6 us`, `537 ms`, `2.5 s`. */
export function shortDuration(us: number): string {
  if (us >= 1e6) return `${trimmed(us / 1e6)} s`;
  if (us >= 1e3) return `${trimmed(us / 1e3)} ms`;
  return `${trimmed(us)} us`;
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

const UNITS: readonly (readonly [ps: number, name: string])[] = [
  [PS_PER_S, "s"],
  [PS_PER_MS, "ms"],
  [PS_PER_US, "us"],
  [PS_PER_NS, "ns"],
];

/** Instants of an axis, all in one unit and with as many decimals as their steps need. */
export function tickTimes(ticks: readonly number[]): string[] {
  const most = ticks.reduce((max, tick) => Math.max(max, tick), 0);
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : most;
  const [unit, name] = UNITS.find(([ps]) => most >= ps) ?? UNITS[UNITS.length - 1];
  let decimals = 0;
  while (decimals < 6 && !isWhole((step / unit) * 10 ** decimals)) decimals += 1;
  return ticks.map((tick) => (tick === 0 ? "0" : `${(tick / unit).toFixed(decimals)} ${name}`));
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6 * Math.max(1, Math.abs(value));
}
