/**
 * A run over virtual time: faults in force, throughput, how long all-to-alls took, and how many
 * ranks were given up, one below the other on one axis.
 */
import { formatTime } from "../model/time.ts";
import { DURATIONS_PX, durationsPlot } from "./durations-plot.ts";
import { type FaultLane, faultLanes } from "./fault-lanes.ts";
import { type Drawing, type Frame, figure } from "./figure.ts";
import { type Html, type HtmlValue, html, px } from "./html.ts";
import { MASKS_PX, masksPlot } from "./masks-plot.ts";
import type { RunSamples } from "./run-samples.ts";
import { type HealthyRun, THROUGHPUT_PX, throughputPlot } from "./throughput-plot.ts";
import { TimeAxis } from "./time-axis.ts";

export interface TimelineOptions {
  readonly samples: RunSamples;
  /** End of the axis, ps. */
  readonly endPs: number;
  readonly lanes: readonly FaultLane[];
  readonly healthy?: HealthyRun | undefined;
  readonly caption: string;
}

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
  const plots: HtmlValue[] = [throughputPlot(frame, axis, y, { samples, healthy })];
  y += THROUGHPUT_PX + 34;
  plots.push(durationsPlot(frame, axis, y, samples));
  y += DURATIONS_PX;
  if (samples.masks.length > 0) {
    y += 34;
    plots.push(masksPlot(frame, axis, y, samples.masks));
    y += MASKS_PX;
  }
  const bands = bandsOf(axis, samples, endPs).map(
    ({ from, to }) =>
      html`<rect class="band" x="${from}" y="${top}" width="${px(to - from)}" height="${px(y - top)}"/>`,
  );
  const content = html`${bands}${drawn.content}${plots}${timeAxis(frame, axis, top, y)}`;
  return { height: y + 52, content };
}

interface Band {
  readonly from: number;
  to: number;
}

/** Where any fault was in force, in pixels. */
function bandsOf(axis: TimeAxis, { faults }: RunSamples, endPs: number): Band[] {
  const bands: Band[] = [];
  for (const { fromPs, toPs = endPs } of faults) {
    const from = axis.x(fromPs);
    const to = px(Math.max(from + 1, axis.x(toPs)));
    const last = bands.at(-1);
    if (last === undefined || from > last.to) bands.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return bands;
}

/** The axis of virtual time, and the stretches that it shortens. */
function timeAxis({ left, right }: Frame, axis: TimeAxis, top: number, y: number): Html {
  const short = axis.parts.filter(({ isShortened }) => isShortened);
  const marks = axis.ticks().map(({ x, text }) => ({ x, text, isWord: true }));
  const ticks = apart(marks).map(({ x, text, isWord }) => {
    const word = isWord ? text : "";
    return html`<path class="axis" d="M${x} ${y}v5"/><text class="tick" x="${x}" y="${y + 18}" text-anchor="middle">${word}</text>`;
  });
  const hatched = short.map(({ x, width, fromPs, toPs }) => {
    const told = `${formatTime(toPs - fromPs)} in which nothing was completed, drawn shorter`;
    return html`<rect class="gap" x="${px(x)}" y="${top}" width="${px(width)}" height="${px(y - top)}"><title>${told}</title></rect>`;
  });
  const lengths = short.map(({ x, width, fromPs, toPs }) => ({
    x: px(x + width / 2),
    text: formatTime(toPs - fromPs),
    isWord: true,
  }));
  const words = apart(lengths)
    .filter(({ isWord }) => isWord)
    .map(
      ({ x, text }) =>
        html`<text class="tick" x="${x}" y="${y + 32}" text-anchor="middle">${text}</text>`,
    );
  const name = html`<text class="name" x="${right}" y="${y + 46}" text-anchor="end">virtual time, ${axis.unit.name}</text>`;
  const legend =
    short.length === 0
      ? ""
      : html`<text class="tick" x="${left}" y="${y + 46}">hatched: drawn shorter</text>`;
  return html`${hatched}${ticks}${words}${name}${legend}`;
}

interface Word {
  readonly x: number;
  readonly text: string;
  readonly isWord: boolean;
}

/** Words in the middle of their places; one that would touch the one before it is left out. */
function apart(words: readonly Word[]): Word[] {
  let end = Number.NEGATIVE_INFINITY;
  return words.map((word) => {
    // About 6.6 pixels a letter.
    const half = word.text.length * 3.3;
    if (word.x - half < end + 5) return { ...word, isWord: false };
    end = word.x + half;
    return word;
  });
}
