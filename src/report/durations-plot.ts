/** How long all-to-alls took over virtual time: shortest, mean and longest, logarithmic. */
import { PS_PER_S } from "../model/time.ts";
import { type Frame, legendItem, plotFrame, toldPath } from "./figure.ts";
import { type Html, html, px } from "./html.ts";
import type { RunSamples } from "./run-samples.ts";
import { decades, logShare, timeTick } from "./ticks.ts";
import type { TimeAxis } from "./time-axis.ts";
import { middleOf, type TimeBin } from "./time-bins.ts";

/** Height of the plot. */
export const DURATIONS_PX = 170;

/** The plot, from `top` downwards. */
export function durationsPlot(
  frame: Frame,
  axis: TimeAxis,
  top: number,
  samples: RunSamples,
): Html {
  const { dispatches, combines } = samples;
  const bottom = top + DURATIONS_PX;
  const all = [...dispatches, ...combines];
  if (all.length === 0) {
    const axisOfNone = { top, bottom, ticks: [] };
    return html`${plotFrame(frame, "no all-to-all was completed", axisOfNone)}`;
  }
  // What took no time at all is drawn at the foot, and has no place on a logarithmic axis.
  const shortest = (bin: TimeBin): number => (bin.least > 0 ? bin.least : bin.sum / bin.count);
  const positive = all.filter((bin) => bin.sum > 0);
  const least = positive.reduce((low, bin) => Math.min(low, shortest(bin)), PS_PER_S);
  const longest = all.reduce((high, bin) => Math.max(high, bin.most), 1);
  const powers = decades(least, longest);
  const [low, high] = [powers[0], Math.max(powers[powers.length - 1], powers[0] * 10)];
  const yOf = (ps: number): number => px(bottom - logShare(ps, low, high) * DURATIONS_PX);
  const marks = decades(low, high).map((ps) => ({ y: yOf(ps), text: timeTick(ps) }));
  const width = columnWidth(axis, samples);
  const of = (name: string, bins: readonly TimeBin[]): Html =>
    series(columnsOf(axis, bins, width), { name, yOf, joinPx: Math.max(24, 2.2 * width) });
  const legend = [
    legendItem(frame.right - 190, top - 8, "line dispatch", "dispatch"),
    legendItem(frame.right - 90, top - 8, "line combine", "combine"),
  ];
  const name = frame.isNarrow ? "duration" : "duration of all-to-alls, logarithmic";
  const plots = [of("dispatch", dispatches), of("combine", combines)];
  return html`${plotFrame(frame, name, { top, bottom, ticks: marks })}${plots}${legend}`;
}

interface Column {
  readonly x: number;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
}

/** A column for each layer where there is room, else one for every other pixel. */
function columnWidth({ parts }: TimeAxis, { spans: { layer } }: RunSamples): number {
  const plain = parts.filter(({ isShortened }) => !isShortened);
  const [widthPx, lengthPs] = plain.reduce(
    ([px, ps], part) => [px + part.width, ps + part.toPs - part.fromPs],
    [0, 1],
  );
  return Math.min(24, Math.max(2, (layer.percentilePs(50) * widthPx) / lengthPs));
}

/** What falls on the same few pixels, united. */
function columnsOf(axis: TimeAxis, bins: readonly TimeBin[], width: number): Column[] {
  const columns: { x: number; least: number; most: number; sum: number; count: number }[] = [];
  for (const bin of bins) {
    const atPs = middleOf(bin);
    const part = axis.partOf(atPs);
    const column = Math.floor((axis.x(atPs) - part.x) / width);
    const x = px(part.x + Math.min((column + 0.5) * width, part.width));
    const last = columns.at(-1);
    if (last === undefined || last.x !== x) {
      columns.push({ x, least: bin.least, most: bin.most, sum: bin.sum, count: bin.count });
      continue;
    }
    last.least = Math.min(last.least, bin.least);
    last.most = Math.max(last.most, bin.most);
    last.sum += bin.sum;
    last.count += bin.count;
  }
  return columns.map(({ sum, count, ...rest }) => ({ ...rest, mean: sum / count }));
}

interface SeriesStyle {
  readonly name: string;
  readonly yOf: (ps: number) => number;
  /** Means up to so many pixels apart are joined. */
  readonly joinPx: number;
}

/** Bars from the shortest to the longest, and a line through the means where columns are close. */
function series(columns: readonly Column[], { name, yOf, joinPx }: SeriesStyle): Html {
  const range = columns.map(({ x, least, most }) => {
    const [low, high] = [yOf(Math.max(1, least)), yOf(Math.max(1, most))];
    return `M${x} ${px(low + 0.5)}V${px(high - 0.5)}`;
  });
  let beforeX = Number.NEGATIVE_INFINITY;
  const means = columns.map(({ x, mean }) => {
    // One that stands alone is a dot: a line of next to no length, with round ends.
    const place = `${x} ${yOf(Math.max(1, mean))}`;
    const isApart = x - beforeX > joinPx;
    beforeX = x;
    return isApart ? `M${place}h.1` : `L${place}`;
  });
  const told = `${name}: bars from the shortest to the longest, line through the means`;
  const bars = toldPath(`range ${name}`, range.join(""), told);
  return html`${bars}${toldPath(`line ${name}`, means.join(""), told)}`;
}
