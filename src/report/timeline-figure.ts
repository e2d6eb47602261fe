/**
 * A run over virtual time: faults in force, throughput, how long all-to-alls took, and how many
 * ranks were given up, one below the other on one axis.
 */
import { formatTime, PS_PER_S } from "../model/time.ts";
import { type FaultLane, faultLanes } from "./fault-lanes.ts";
import { type Drawing, type Frame, figure, legendItem, plotFrame } from "./figure.ts";
import { type Html, type HtmlValue, html, px } from "./html.ts";
import type { RunSamples } from "./run-samples.ts";
import { decades, logShare, shortNumber, ticks, timeTick } from "./ticks.ts";
import { TimeAxis } from "./time-axis.ts";
import type { TimeBin } from "./time-bins.ts";

/** The healthy twin, as a line to compare with. */
export interface HealthyRun {
  /** Assignments combined a ps, on the mean. */
  readonly perPs: number;
  readonly endPs: number;
}

export interface TimelineOptions {
  readonly samples: RunSamples;
  /** End of the axis, ps. */
  readonly endPs: number;
  readonly lanes: readonly FaultLane[];
  readonly healthy?: HealthyRun | undefined;
  readonly caption: string;
}

const THROUGHPUT_PX = 120;
const SPANS_PX = 170;
const MASKS_PX = 60;
/** A slice of throughput is no shorter than so many layers: else it would show layers. */
const LAYERS_OF_SLICE = 2;

/** The picture. */
export function timelineFigure(options: TimelineOptions): Html {
  const { samples, endPs } = options;
  const faults = samples.faults.length;
  return figure({
    title: "The run over virtual time",
    label:
      `Virtual time from 0 to ${formatTime(endPs)}: ${faults} faults in force, throughput, ` +
      `duration of all-to-alls, ranks given up; the tables below have the figures`,
    caption: options.caption,
    draw: (frame) => draw(frame, options),
  });
}

function draw(frame: Frame, { samples, endPs, lanes, healthy }: TimelineOptions): Drawing {
  const axis = new TimeAxis(endPs, samples.busy, frame.left, frame.right);
  const drawn = faultLanes(frame, axis, lanes);
  let y = drawn.height + 30;
  const top = drawn.height + 6;
  const plots: HtmlValue[] = [throughput(frame, axis, samples, healthy, y)];
  y += THROUGHPUT_PX + 34;
  plots.push(spans(frame, axis, samples, y));
  y += SPANS_PX;
  if (samples.masks.length > 0) {
    y += 34;
    plots.push(masks(frame, axis, samples, endPs, y));
    y += MASKS_PX;
  }
  const bands = samples.faults.map(({ fromPs, toPs = endPs }) => {
    const x = axis.x(fromPs);
    return html`<rect class="band" x="${x}" y="${top}" width="${px(Math.max(1, axis.x(toPs) - x))}" height="${px(y - top)}"/>`;
  });
  const content = html`${bands}${drawn.content}${plots}${timeAxis(frame, axis, top, y)}`;
  return { height: y + 48, content };
}

/** The axis of virtual time, and the stretches that it shortens. */
function timeAxis({ left, right }: Frame, axis: TimeAxis, top: number, y: number): Html {
  const short = axis.parts.filter(({ isShortened }) => isShortened);
  const marks = axis
    .ticks()
    .map(
      ({ x, text }) =>
        html`<path class="axis" d="M${x} ${y}v5"/><text class="tick" x="${x}" y="${y + 18}" text-anchor="middle">${text}</text>`,
    );
  const gaps = short.map(({ x, width, fromPs, toPs }) => {
    const span = formatTime(toPs - fromPs);
    const told = `${span} in which nothing was completed, drawn shorter`;
    return html`<rect class="gap" x="${px(x)}" y="${top}" width="${px(width)}" height="${px(y - top)}"><title>${told}</title></rect><text class="tick" x="${px(x + width / 2)}" y="${y + 32}" text-anchor="middle">${span}</text>`;
  });
  const name = html`<text class="name" x="${right}" y="${y + 44}" text-anchor="end">virtual time, ${axis.unit.name}</text>`;
  const hatched =
    short.length === 0
      ? ""
      : html`<text class="tick" x="${left}" y="${y + 44}">hatched: drawn shorter</text>`;
  return html`${gaps}${marks}${name}${hatched}`;
}

/** A slice of the axis with what was combined in it. */
interface Slice {
  readonly fromPs: number;
  readonly toPs: number;
  readonly combined: number;
}

function throughput(
  frame: Frame,
  axis: TimeAxis,
  samples: RunSamples,
  healthy: HealthyRun | undefined,
  top: number,
): Html {
  const { assignmentsPerToken } = samples;
  const unit = assignmentsPerToken === undefined ? "assignments/s" : "tokens/s";
  const perPs = PS_PER_S / (assignmentsPerToken ?? 1);
  const slices = slicesOf(axis, samples);
  const rateOf = ({ combined, fromPs, toPs }: Slice): number =>
    (combined / Math.max(1, toPs - fromPs)) * perPs;
  const healthyRate = (healthy?.perPs ?? 0) * perPs;
  const most = Math.max(1e-9, healthyRate, ...slices.map(rateOf)) * 1.05;
  const bottom = top + THROUGHPUT_PX;
  const yOf = (rate: number): number => px(bottom - (rate / most) * THROUGHPUT_PX);
  const marks = ticks(0, most, 4).map((rate) => ({ y: yOf(rate), text: shortNumber(rate) }));
  const bars = slices.map((slice) => {
    const [x, to, y] = [axis.x(slice.fromPs), axis.x(slice.toPs), yOf(rateOf(slice))];
    const told = `${formatTime(slice.fromPs)} to ${formatTime(slice.toPs)}: ${shortNumber(Math.round(rateOf(slice)))} ${unit}`;
    return html`<rect class="bar" x="${x}" y="${y}" width="${px(Math.max(0.5, to - x))}" height="${px(bottom - y)}"><title>${told}</title></rect>`;
  });
  const twin =
    healthy === undefined
      ? ""
      : html`<path class="twin" d="M${frame.left} ${yOf(healthyRate)}H${axis.x(healthy.endPs)}"><title>${`healthy twin: ${shortNumber(Math.round(healthyRate))} ${unit} on the mean, done at ${formatTime(healthy.endPs)}`}</title></path>${legendItem(frame.right - 96, top - 8, "twin", "healthy twin")}`;
  const name = `throughput, ${unit}`;
  return html`${plotFrame(frame, name, { top, bottom, ticks: marks })}${bars}${twin}`;
}

/**
 * Equal slices of each part of the axis. What a layer yields counts over the time of a middling
 * layer before its end: counted at the end alone, one slice would have three layers and the next
 * one four.
 */
function slicesOf(axis: TimeAxis, { combined, spans: { layer } }: RunSamples): Slice[] {
  const layerPs = layer.percentilePs(50);
  return axis.parts.flatMap(({ fromPs, toPs, width, isShortened }) => {
    const spanPs = toPs - fromPs;
    const fits = Math.floor(spanPs / Math.max(1, LAYERS_OF_SLICE * layerPs));
    const slices = isShortened ? 1 : Math.max(1, Math.min(fits, Math.floor(width / 6)));
    const counts = new Float64Array(slices);
    for (const bin of combined) {
      const endPs = middleOf(bin);
      if (endPs < fromPs || endPs >= toPs) continue;
      spread(counts, spanPs / slices, bin.sum, {
        fromPs: Math.max(0, endPs - layerPs - fromPs),
        toPs: endPs - fromPs,
      });
    }
    return Array.from(counts, (count, slice) => ({
      fromPs: fromPs + (spanPs * slice) / slices,
      toPs: fromPs + (spanPs * (slice + 1)) / slices,
      combined: count,
    }));
  });
}

/** Adds a sum to the slices that a stretch of time lies in, by how much of it lies in each. */
function spread(
  counts: Float64Array,
  slicePs: number,
  sum: number,
  { fromPs, toPs }: { readonly fromPs: number; readonly toPs: number },
): void {
  const last = Math.min(counts.length - 1, Math.floor(toPs / slicePs));
  const first = Math.min(last, Math.floor(fromPs / slicePs));
  const lengthPs = Math.max(1, toPs - fromPs);
  let left = sum;
  for (let slice = last; slice > first; slice -= 1) {
    const insidePs = Math.min(toPs, (slice + 1) * slicePs) - slice * slicePs;
    const part = (sum * insidePs) / lengthPs;
    counts[slice] += part;
    left -= part;
  }
  counts[first] += left;
}

/** Shortest, mean and longest all-to-alls, on a logarithmic axis. */
function spans(frame: Frame, axis: TimeAxis, samples: RunSamples, top: number): Html {
  const { dispatches, combines } = samples;
  const bottom = top + SPANS_PX;
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
  const yOf = (ps: number): number => px(bottom - logShare(ps, low, high) * SPANS_PX);
  const marks = decades(low, high).map((ps) => ({ y: yOf(ps), text: timeTick(ps) }));
  const of = (name: string, bins: readonly TimeBin[]): Html =>
    series(columnsOf(axis, bins, frame.isNarrow ? 1.5 : 2), name, yOf);
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

/** What falls on the same few pixels, united. */
function columnsOf(axis: TimeAxis, bins: readonly TimeBin[], width: number): Column[] {
  const columns: { x: number; least: number; most: number; sum: number; count: number }[] = [];
  for (const bin of bins) {
    const x = px(Math.round(axis.x(middleOf(bin)) / width) * width);
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

/** Bars from the shortest to the longest, and a line through the means where columns are close. */
function series(columns: readonly Column[], name: string, yOf: (ps: number) => number): Html {
  const range = columns.map(({ x, least, most }) => {
    const [low, high] = [yOf(Math.max(1, least)), yOf(Math.max(1, most))];
    return `M${x} ${px(low + 0.5)}V${px(high - 0.5)}`;
  });
  let beforeX = Number.NEGATIVE_INFINITY;
  const means = columns.map(({ x, mean }) => {
    // One that stands alone is a dot: a line of next to no length, with round ends.
    const place = `${x} ${yOf(Math.max(1, mean))}`;
    const isApart = x - beforeX > 24;
    beforeX = x;
    return isApart ? `M${place}h.1` : `L${place}`;
  });
  const told = `${name}: bars from the shortest to the longest, line through the means`;
  return html`<path class="range ${name}" d="${range.join("")}"><title>${told}</title></path><path class="line ${name}" d="${means.join("")}"><title>${told}</title></path>`;
}

function masks(
  frame: Frame,
  axis: TimeAxis,
  { masks: points }: RunSamples,
  endPs: number,
  top: number,
): Html {
  const bottom = top + MASKS_PX;
  const most = points.reduce((high, { byAny }) => Math.max(high, byAny), 1);
  const yOf = (count: number): number => px(bottom - (count / (most * 1.1)) * MASKS_PX);
  const marks = ticks(0, most, 3)
    .filter(Number.isInteger)
    .map((count) => ({ y: yOf(count), text: String(count) }));
  const line = (of: (point: (typeof points)[number]) => number): string => {
    const path = points.map((point) => `H${axis.x(point.atPs)}V${yOf(of(point))}`);
    return `M${frame.left} ${yOf(0)}${path.join("")}H${axis.x(endPs)}`;
  };
  const name = frame.isNarrow ? "ranks given up" : "ranks that were given up";
  const legend = [
    legendItem(frame.right - 190, top - 8, "line any", "by any"),
    legendItem(frame.right - 90, top - 8, "line most", "by most"),
  ];
  return html`${plotFrame(frame, name, { top, bottom, ticks: marks })}<path class="line any" d="${line(({ byAny }) => byAny)}"/><path class="line most" d="${line(({ byMost }) => byMost)}"/>${legend}`;
}

function middleOf({ fromPs, toPs }: TimeBin): number {
  return (fromPs + toPs) / 2;
}
