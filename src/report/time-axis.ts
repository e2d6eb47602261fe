/**
 * Virtual time on a drawing. A run may wait for half a second in the middle of some milliseconds of
 * work: long stretches in which nothing was completed are drawn shorter, and marked. Inside each
 * part the axis is linear, so nothing is out of order.
 */
import { px } from "./html.ts";
import { type TimeUnit, ticks, tickText, unitOf } from "./ticks.ts";

/** A part of the axis, ps and pixels. */
export interface AxisPart {
  readonly fromPs: number;
  readonly toPs: number;
  readonly x: number;
  readonly width: number;
  /** Nothing was completed in it, and it is drawn shorter than it is. */
  readonly isShortened: boolean;
}

/** A mark of the axis. */
export interface AxisTick {
  readonly x: number;
  readonly text: string;
}

/** A short while in which something was completed, ps. */
export interface BusySpan {
  readonly fromPs: number;
  readonly toPs: number;
}

/** A stretch between two completions, ps. */
type Gap = readonly [fromPs: number, toPs: number];

/** A stretch is shortened from this share of the rest on, and there are at most so many. */
const SHORTENED_SHARE = 0.25;
const SHORTENED_MAX = 4;
/** Pixels between two ticks, about: a tenth of the axis, but room for their words. */
const TICK_PX_MIN = 48;

export class TimeAxis {
  readonly parts: readonly AxisPart[];
  readonly unit: TimeUnit;
  readonly #endPs: number;
  readonly #tickPx: number;

  /**
   * An axis from 0 to `endPs`, from `left` to `right` in pixels. `busy`: when something was
   * completed, ascending.
   */
  constructor(endPs: number, busy: readonly BusySpan[], left: number, right: number) {
    this.#endPs = Math.max(1, endPs);
    this.#tickPx = Math.max(TICK_PX_MIN, (right - left) / 10);
    const gaps = longGaps(this.#endPs, busy);
    const gapPx = gaps.length === 0 ? 0 : Math.min(90, (right - left) / (2 * gaps.length + 2));
    const gapsPs = gaps.reduce((sum, [fromPs, toPs]) => sum + toPs - fromPs, 0);
    const pxPerPs = (right - left - gaps.length * gapPx) / (this.#endPs - gapsPs);
    const parts: AxisPart[] = [];
    let x = left;
    let fromPs = 0;
    const add = (toPs: number, width: number, isShortened: boolean): void => {
      if (toPs > fromPs) parts.push({ fromPs, toPs, x, width, isShortened });
      x += width;
      fromPs = toPs;
    };
    for (const [gapFromPs, gapToPs] of gaps) {
      add(gapFromPs, (gapFromPs - fromPs) * pxPerPs, false);
      add(gapToPs, gapPx, true);
    }
    add(this.#endPs, right - x, false);
    this.parts = parts;
    const longest = parts.filter(({ isShortened }) => !isShortened);
    this.unit = unitOf(Math.max(...longest.map((part) => part.toPs - part.fromPs)));
  }

  /** Where an instant is, in pixels; what is beyond the end is at the end. */
  x(atPs: number): number {
    const at = Math.min(Math.max(0, atPs), this.#endPs);
    const part = this.partOf(at);
    const share = (at - part.fromPs) / (part.toPs - part.fromPs);
    return px(part.x + share * part.width);
  }

  /** The part that an instant is in; where two meet, the later one. */
  partOf(atPs: number): AxisPart {
    return this.parts.find(({ toPs }) => atPs < toPs) ?? this.parts[this.parts.length - 1];
  }

  /** Round instants, none in what is shortened. */
  ticks(): AxisTick[] {
    const { ps } = this.unit;
    const found: AxisTick[] = [];
    for (const { fromPs, toPs, width, isShortened } of this.parts) {
      if (isShortened) continue;
      const values = ticks(fromPs / ps, toPs / ps, Math.max(2, Math.floor(width / this.#tickPx)));
      const step = values.length > 1 ? values[1] - values[0] : 1;
      for (const value of values) {
        const x = this.x(value * ps);
        // A narrow part may have its only tick right beside the one before it.
        if (found.some((other) => Math.abs(other.x - x) < this.#tickPx / 2)) continue;
        found.push({ x, text: tickText(value, step) });
      }
    }
    return found;
  }
}

/**
 * The longest stretches between two completions that are worth shortening, in order: each takes a
 * good part of what is left without the longer ones.
 */
function longGaps(endPs: number, busy: readonly BusySpan[]): Gap[] {
  const gaps: Gap[] = [];
  let beforePs = 0;
  for (const { fromPs, toPs } of [...busy, { fromPs: endPs, toPs: endPs }]) {
    const untilPs = Math.min(fromPs, endPs);
    if (untilPs > beforePs) gaps.push([beforePs, untilPs]);
    beforePs = Math.max(beforePs, toPs);
  }
  gaps.sort((left, right) => lengthOf(right) - lengthOf(left));
  let leftPs = endPs;
  const long: Gap[] = [];
  for (const gap of gaps.slice(0, SHORTENED_MAX)) {
    if (lengthOf(gap) < SHORTENED_SHARE * leftPs) break;
    leftPs -= lengthOf(gap);
    long.push(gap);
  }
  // Where nothing is left but gaps there is nothing to make room for.
  if (leftPs < endPs * 1e-7) return [];
  return long.sort(([left], [right]) => left - right);
}

function lengthOf([fromPs, toPs]: Gap): number {
  return toPs - fromPs;
}
