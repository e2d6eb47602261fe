/** How long things took: the share of them that took no longer, on a logarithmic axis. */
import { formatTime } from "../model/time.ts";
import { type Drawing, type Frame, figure, legendItem, plotFrame } from "./figure.ts";
import { type Html, html, px } from "./html.ts";
import type { SpanHistogram } from "./span-histogram.ts";
import { decades, logShare, timeTick } from "./ticks.ts";

/** One line of the picture. */
export interface SpanLine {
  /** Its style, and its name in the legend. */
  readonly style: "dispatch" | "combine" | "layer" | "step";
  readonly name: string;
  readonly histogram: SpanHistogram;
}

const PLOT_PX = 170;

/** The picture; undefined where there is nothing to draw. */
export function spansFigure(title: string, all: readonly SpanLine[]): Html | undefined {
  const lines = all.filter(({ histogram }) => histogram.samples > 0);
  if (lines.length === 0) return undefined;
  const told = lines.map(({ name, histogram }) => {
    const [p50, p99] = [50, 99].map((percent) => formatTime(histogram.percentilePs(percent)));
    return `${name}: half took up to ${p50}, 99 % up to ${p99}, the longest ${formatTime(histogram.mostPs)}`;
  });
  return figure({
    title,
    label: `Share of samples by duration. ${told.join("; ")}`,
    caption:
      "Share of the samples that took no longer than the time on the axis below, which is " +
      "logarithmic. Dots: the middle, and 99 %. Drawn from buckets 1.6 % wide; the exact figures " +
      "are in the tables.",
    draw: (frame) => draw(frame, lines),
  });
}

function draw(frame: Frame, lines: readonly SpanLine[]): Drawing {
  const { left, right } = frame;
  const [top, bottom] = [30, 30 + PLOT_PX];
  const least = Math.max(1, Math.min(...lines.map(({ histogram }) => histogram.leastPs)));
  const most = Math.max(least, ...lines.map(({ histogram }) => histogram.mostPs));
  const { from, to, marks } = rangeOf(least, most);
  const xOf = (ps: number): number => px(left + logShare(ps, from, to) * (right - left));
  const yOf = (share: number): number => px(bottom - share * PLOT_PX);
  const shares = [0, 0.25, 0.5, 0.75, 1];
  const axis = { top, bottom, ticks: shares.map((at) => ({ y: yOf(at), text: `${at * 100} %` })) };
  const grid = marks.map(
    (ps) =>
      html`<path class="grid" d="M${xOf(ps)} ${top}V${bottom}"/><text class="tick" x="${xOf(ps)}" y="${bottom + 18}" text-anchor="middle">${timeTick(ps)}</text>`,
  );
  const paths = lines.map((line) => path(line, xOf, yOf));
  const step = frame.isNarrow ? 88 : 110;
  const legend = lines.map(({ style, name }, place) =>
    legendItem(right - step * (lines.length - place), top - 10, `line ${style}`, name),
  );
  const name = html`<text class="name" x="${right}" y="${bottom + 36}" text-anchor="end">duration, virtual time</text>`;
  return {
    height: bottom + 42,
    content: html`${plotFrame(frame, "share", axis)}${grid}${paths}${legend}${name}`,
  };
}

/** The axis: whole decades, or a part of one when everything took about as long. */
function rangeOf(least: number, most: number): { from: number; to: number; marks: number[] } {
  const powers = decades(least, most * (1 + 1e-9));
  const [first] = powers;
  const last = Math.max(powers[powers.length - 1], first * 10);
  const fine = [1, 2, 5].flatMap((times) => decades(first, last).map((power) => power * times));
  const marks = fine.filter((ps) => ps >= first && ps <= last).sort((a, b) => a - b);
  const below = marks.filter((ps) => ps <= least).at(-1) ?? first;
  const above = marks.find((ps) => ps >= most) ?? last;
  const inside = marks.filter((ps) => ps >= below && ps <= above);
  return {
    from: below,
    to: above > below ? above : below * 10,
    // Few enough to be read on a narrow screen.
    marks:
      inside.length > 5 ? decades(below, above).filter((ps) => ps >= below && ps <= above) : inside,
  };
}

function path(
  { style, name, histogram }: SpanLine,
  xOf: (ps: number) => number,
  yOf: (share: number) => number,
): Html {
  const { samples, leastPs } = histogram;
  let text = `M${xOf(leastPs)} ${yOf(0)}`;
  let beforeX = Number.NEGATIVE_INFINITY;
  const points = histogram.points();
  for (const [place, { untilPs, count }] of points.entries()) {
    const x = xOf(untilPs);
    // What falls on the same pixel is one step.
    if (x - beforeX < 0.8 && place + 1 < points.length) continue;
    beforeX = x;
    text += `H${x}V${yOf(count / samples)}`;
  }
  const dots = [50, 99].map((percent) => {
    const ps = histogram.percentilePs(percent);
    const told = `${name}, p${percent}: about ${formatTime(ps)}`;
    return html`<circle class="dot ${style}" cx="${xOf(ps)}" cy="${yOf(percent / 100)}" r="4"><title>${told}</title></circle>`;
  });
  return html`<path class="line ${style}" d="${text}"><title>${name}</title></path>${dots}`;
}
