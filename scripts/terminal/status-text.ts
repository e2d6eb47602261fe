/**
 * The status line of a run that goes on, the same for whoever runs it and whoever watches. Pure.
 */
import type { LiveStatus } from "../../cluster/control-messages.ts";
import { grouped, listed } from "../../src/base/words.ts";
import { formatTime, PS_PER_S } from "../../src/model/time.ts";

/** What the line is made of. */
export type StatusParts = Pick<
  LiveStatus,
  "virtualTimePs" | "wallSeconds" | "lagSeconds" | "isPaused" | "tokensPerSecond"
> & {
  /** Layers that are done on every rank, and of the whole run. */
  readonly layersDone: number;
  readonly layersTotal: number;
  /** Names of the faults in force. */
  readonly faults: readonly string[];
};

/** `layer 12/61  virtual 8.250 ms  speed 0.010  lag 0.00 s  81,920 tokens/s  in force: f  19 %`. */
export function statusText(parts: StatusParts): string {
  const { virtualTimePs, wallSeconds, lagSeconds, isPaused, faults } = parts;
  const { layersDone, layersTotal, tokensPerSecond } = parts;
  const speed = wallSeconds > 0 ? virtualTimePs / PS_PER_S / wallSeconds : 0;
  const percent = layersTotal === 0 ? 0 : Math.floor((100 * layersDone) / layersTotal);
  return [
    `layer ${layersDone}/${layersTotal}`,
    `virtual ${formatTime(virtualTimePs)}`,
    isPaused ? "paused" : `speed ${speed.toPrecision(2)}`,
    `lag ${lagSeconds.toFixed(2)} s`,
    ...(tokensPerSecond === null ? [] : [tokensText(tokensPerSecond)]),
    inForceText(faults),
    `${percent} %`,
  ].join("  ");
}

/** `81,920 tokens/s`. */
export function tokensText(perSecond: number): string {
  return `${grouped(perSecond)} tokens/s`;
}

/** `in force: lost-nic`. */
export function inForceText(faults: readonly string[]): string {
  return `in force: ${faults.length === 0 ? "nothing" : listed(faults)}`;
}
