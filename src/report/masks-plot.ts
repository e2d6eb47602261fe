/** How many ranks were given up, over virtual time. */
import { type Frame, legendItem, plotFrame, toldPath } from "./figure.ts";
import type { MaskPoint } from "./given-up-ranks.ts";
import { type Html, html, px } from "./html.ts";
import { ticks } from "./ticks.ts";
import type { TimeAxis } from "./time-axis.ts";

/** Height of the plot. */
export const MASKS_PX = 60;

/** The plot, from `top` downwards, to the end of the axis. */
export function masksPlot(
  frame: Frame,
  axis: TimeAxis,
  top: number,
  points: readonly MaskPoint[],
): Html {
  const bottom = top + MASKS_PX;
  const most = points.reduce((high, { byAny }) => Math.max(high, byAny), 1);
  const yOf = (count: number): number => px(bottom - (count / (most * 1.1)) * MASKS_PX);
  const marks = ticks(0, most, 3)
    .filter(Number.isInteger)
    .map((count) => ({ y: yOf(count), text: String(count) }));
  const line = (of: (point: MaskPoint) => number): string => {
    const path = columnsOfMasks(axis, points, of).map(({ x, high, last }) =>
      high === last ? `H${x}V${yOf(last)}` : `H${x}V${yOf(high)}V${yOf(last)}`,
    );
    return `M${frame.left} ${yOf(0)}${path.join("")}H${frame.right}`;
  };
  const name = frame.isNarrow ? "ranks given up" : "ranks that were given up";
  const legend = [
    legendItem(frame.right - 190, top - 8, "line any", "by any"),
    legendItem(frame.right - 90, top - 8, "line most", "by most"),
  ];
  const lines = [
    toldPath(
      "line any",
      line(({ byAny }) => byAny),
      "given up by anybody",
    ),
    toldPath(
      "line most",
      line(({ byMost }) => byMost),
      "given up by most of their group",
    ),
  ];
  return html`${plotFrame(frame, name, { top, bottom, ticks: marks })}${lines}${legend}`;
}

/** The most and the last of what falls on the same pixel. */
function columnsOfMasks(
  axis: TimeAxis,
  points: readonly MaskPoint[],
  of: (point: MaskPoint) => number,
): { readonly x: number; high: number; last: number }[] {
  const columns: { readonly x: number; high: number; last: number }[] = [];
  for (const point of points) {
    const x = Math.round(axis.x(point.atPs));
    const count = of(point);
    const before = columns.at(-1);
    if (before === undefined || before.x !== x) columns.push({ x, high: count, last: count });
    else {
      before.high = Math.max(before.high, count);
      before.last = count;
    }
  }
  return columns;
}
