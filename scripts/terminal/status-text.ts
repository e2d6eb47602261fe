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

/** Which parts go first where a terminal is too narrow; what is in force never does. */
const LEAST_FIRST = ["percent", "lag", "speed", "tokens", "virtual", "layer", "paused"] as const;

/**
 * `layer 12/61  virtual 8.250 ms  speed 0.010  lag 0.00 s  81,920 tokens/s  in force: f  19 %`, or
 * as many whole parts of it as fit into `columns`.
 */
export function statusText(parts: StatusParts, columns = Number.POSITIVE_INFINITY): string {
  const { virtualTimePs, wallSeconds, lagSeconds, isPaused, faults } = parts;
  const { layersDone, layersTotal, tokensPerSecond } = parts;
  const speed = wallSeconds > 0 ? virtualTimePs / PS_PER_S / wallSeconds : 0;
  const percent = layersTotal === 0 ? 0 : Math.floor((100 * layersDone) / layersTotal);
  const shown = new Map([
    ["layer", `layer ${layersDone}/${layersTotal}`],
    ["virtual", `virtual ${formatTime(virtualTimePs)}`],
    isPaused ? ["paused", "paused"] : ["speed", `speed ${speed.toPrecision(2)}`],
    ["lag", `lag ${lagSeconds.toFixed(2)} s`],
    ...(tokensPerSecond === null ? [] : ([["tokens", tokensText(tokensPerSecond)]] as const)),
    ["force", inForceText(faults)],
    ["percent", `${percent} %`],
  ]);
  const text = (): string => [...shown.values()].join("  ");
  for (const part of LEAST_FIRST) {
    if (text().length <= columns) break;
    shown.delete(part);
  }
  return text();
}

/** `81,920 tokens/s`. */
export function tokensText(perSecond: number): string {
  return `${grouped(perSecond)} tokens/s`;
}

/** `in force: lost-nic`. */
export function inForceText(faults: readonly string[]): string {
  return `in force: ${faults.length === 0 ? "nothing" : listed(faults)}`;
}
