/** Round values for axes, and the words for them. */
import { lnOf } from "../base/ln.ts";
import { PS_PER_MS, PS_PER_NS, PS_PER_S, PS_PER_US } from "../model/time.ts";

/** A unit of virtual time. */
export interface TimeUnit {
  readonly name: string;
  readonly ps: number;
}

const UNITS: readonly TimeUnit[] = [
  { name: "s", ps: PS_PER_S },
  { name: "ms", ps: PS_PER_MS },
  { name: "us", ps: PS_PER_US },
  { name: "ns", ps: PS_PER_NS },
];

/** The unit in which a time is a number of one to three digits, where there is one. */
export function unitOf(ps: number): TimeUnit {
  return UNITS.find((unit) => ps >= unit.ps) ?? UNITS[UNITS.length - 1];
}

/**
 * Round values in [from, to], `most` of them or fewer: multiples of 1, 2 or 5 times a power of ten.
 */
export function ticks(from: number, to: number, most: number): number[] {
  if (!(to > from)) return [from];
  const step = roundStep((to - from) / Math.max(1, most));
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) =>
    withoutNoise((first + place) * step),
  );
}

/** The next step that is round: 1, 2 or 5 times a power of ten, not below `least`. */
export function roundStep(least: number): number {
  let power = 1;
  while (power * 10 <= least) power *= 10;
  while (power > least) power /= 10;
  const step = [1, 2, 5, 10].find((times) => power * times >= least * (1 - 1e-9)) ?? 10;
  return withoutNoise(power * step);
}

/** Powers of ten in [from, to], and the ones around it; `from` above 0. */
export function decades(from: number, to: number): number[] {
  let power = 1;
  while (power * 10 <= from) power *= 10;
  while (power > from) power /= 10;
  const found = [power];
  while (power < to * (1 - 1e-9)) {
    power = withoutNoise(power * 10);
    found.push(power);
  }
  return found;
}

/** Place of `value` in [from, to] on a logarithmic axis, 0..1. */
export function logShare(value: number, from: number, to: number): number {
  if (!(to > from)) return 0;
  const share = lnOf(Math.max(value, from) / from) / lnOf(to / from);
  return Math.min(1, Math.max(0, share));
}

/** `1.5`, `20`, `12,000`: as many decimals as `step` has. */
export function tickText(value: number, step: number): string {
  if (value === 0) return "0";
  let decimals = 0;
  for (let rest = step; decimals < 9 && rest < 1 - 1e-9; rest *= 10) decimals += 1;
  return value.toFixed(decimals).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
}

/** `1 us`, `200 ms`: a round time in its own unit. */
export function timeTick(ps: number): string {
  if (ps === 0) return "0";
  const unit = unitOf(ps * (1 + 1e-9));
  return `${withoutNoise(ps / unit.ps)} ${unit.name}`;
}

/** `850`, `1.2 k`, `35 M`: four digits of a number, for a narrow axis. */
export function shortNumber(value: number): string {
  const scales = [
    [1e12, " T"],
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const;
  const scale = scales.find(([size]) => Math.abs(value) >= size);
  const shown = Number((value / (scale?.[0] ?? 1)).toPrecision(4));
  return `${shown}${scale?.[1] ?? ""}`;
}

/** Without what binary fractions add: 0.3, not 0.30000000000000004. */
function withoutNoise(value: number): number {
  return Number(value.toPrecision(12));
}
