/** Throughput over virtual time, in slices, beside the mean of the healthy twin. */
import { formatTime, PS_PER_S } from "../model/time.ts";
import { type Frame, legendItem, plotFrame, toldBox, toldPath } from "./figure.ts";
import { type Html, html, px } from "./html.ts";
import type { RunSamples } from "./run-samples.ts";
import { shortNumber, ticks } from "./ticks.ts";
import type { TimeAxis } from "./time-axis.ts";
import { middleOf } from "./time-bins.ts";

/** The healthy twin, as a line to compare with. */
export interface HealthyRun {
  /** Assignments combined a ps, on the mean. */
  readonly perPs: number;
  readonly endPs: number;
}

/** Height of the plot. */
export const THROUGHPUT_PX = 120;
/** A slice of throughput is no shorter than so many layers: else it would show layers. */
const LAYERS_OF_SLICE = 2;

/** A slice of the axis with what was combined in it. */
interface Slice {
  readonly fromPs: number;
  readonly toPs: number;
  readonly combined: number;
}

/** The plot, from `top` downwards. */
export function throughputPlot(
  frame: Frame,
  axis: TimeAxis,
  top: number,
  { samples, healthy }: { readonly samples: RunSamples; readonly healthy?: HealthyRun | undefined },
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
    const rate = shortNumber(Math.round(rateOf(slice)));
    const told = `${formatTime(slice.fromPs)} to ${formatTime(slice.toPs)}: ${rate} ${unit}`;
    return toldBox("bar", { x, y, width: Math.max(0.5, to - x), height: bottom - y }, told);
  });
  const twin: Html[] = [];
  if (healthy !== undefined) {
    const rate = `${shortNumber(Math.round(healthyRate))} ${unit} on the mean`;
    const told = `healthy twin: ${rate}, done at ${formatTime(healthy.endPs)}`;
    const path = `M${frame.left} ${yOf(healthyRate)}H${axis.x(healthy.endPs)}`;
    twin.push(toldPath("twin", path, told));
    twin.push(legendItem(frame.right - 96, top - 8, "twin", "healthy twin"));
  }
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
