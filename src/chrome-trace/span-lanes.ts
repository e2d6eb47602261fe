/**
 * Rows for spans that may overlap. On one row slices must lie beside or inside each other; a span
 * that would only partly overlap another goes to the next row that takes it.
 */
import { nanoseconds } from "./trace-event.ts";

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The rows of one sort of spans. */
export class SpanLanes {
  readonly #lanes: Interval[][] = [];
  readonly #most: number;

  /** At most `most` rows. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The row of a span, from 0; undefined when none of them takes it. Instants in ps. */
  place(fromPs: number, toPs: number): number | undefined {
    const span = { from: nanoseconds(fromPs), to: nanoseconds(toPs) };
    let lane = this.#lanes.findIndex((spans) => !spans.some((other) => cross(span, other)));
    if (lane < 0) {
      if (this.#lanes.length === this.#most) return undefined;
      lane = this.#lanes.push([]) - 1;
    }
    this.#lanes[lane].push(span);
    return lane;
  }
}

/** Do two spans overlap, and neither holds the other? */
function cross(left: Interval, right: Interval): boolean {
  const [first, second] = left.from <= right.from ? [left, right] : [right, left];
  return first.from < second.from && second.from < first.to && first.to < second.to;
}
