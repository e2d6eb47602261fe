/**
 * One chart over virtual time, drawn by uPlot: lines, or rows of a strip. Faults in force lie
 * behind it as bands, and the instant that is looked at is a line. The only file that knows uPlot.
 */
import uPlot from "uplot";
import { type Palette, stepOf } from "../colours.ts";
import { tickTimes } from "./axis-text.ts";
import type { FaultSpan } from "./fault-spans.ts";
import type { ChartData } from "./series-store.ts";

/** One line of a chart. */
export interface PlotLine {
  readonly label: string;
  readonly colour: string;
  /** Dots instead of a line through. */
  readonly isDotted?: true;
  /** A value holds until the next one. */
  readonly isStepped?: true;
  readonly isFilled?: true;
  /** It goes on where values are missing. */
  readonly isSpanning?: true;
  /** It has the axis on the right. */
  readonly isRight?: true;
}

/** What a chart shows. */
export interface PlotPlan {
  readonly title: string;
  readonly unit: string;
  /** More about it, where the name does not say all. */
  readonly about?: string;
  readonly lines: readonly PlotLine[];
  /** Each line is a row of a strip, coloured by use in percent. */
  readonly isStrip?: true;
  readonly isLogarithmic?: true;
  /** A value for the axis and the legend; `right`: for the one on the right. */
  format(value: number): string;
  formatRight?(value: number): string;
}

/** What all charts share. */
export interface PlotScene {
  readonly palette: Palette;
  /** Ends of the time that is shown, ps. */
  range(): readonly [number, number];
  spans(): readonly Pick<FaultSpan, "fromPs" | "untilPs">[];
  /** Each of them by itself. */
  edges(): readonly Pick<FaultSpan, "fromPs" | "untilPs">[];
  /** The instant that is looked at; undefined: now. */
  cursorPs(): number | undefined;
  /** Some chart has an axis on the right. */
  readonly hasRight: boolean;
  /** Length of an interval, ps. */
  everyPs(): number;
  /** The pointer is at this place of the data; undefined: at none. */
  hovered(place: number | undefined): void;
}

const AXIS_FONT = "10px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const LEFT = 52;
const RIGHT = 30;
/** Right of charts without an axis there, px: half of the last time of the axis below. */
const RIGHT_EDGE = 14;
const TIME_AXIS = 22;

export class Plot {
  readonly #plot: uPlot;
  readonly #plan: PlotPlan;
  readonly #scene: PlotScene;

  constructor(
    place: HTMLElement,
    options: {
      readonly plan: PlotPlan;
      readonly scene: PlotScene;
      readonly hasTimeAxis: boolean;
      readonly width: number;
      readonly height: number;
    },
  ) {
    const { plan, scene } = options;
    this.#plan = plan;
    this.#scene = scene;
    const { hasTimeAxis, width, height } = options;
    const none = [[], ...plan.lines.map(() => [])] as unknown as uPlot.AlignedData;
    this.#plot = new uPlot(
      {
        ...{ width, height, legend: { show: false }, padding: [8, 0, hasTimeAxis ? 0 : 8, 0] },
        cursor: {
          sync: { key: "virtual-time" },
          ...{ drag: { x: false, y: false, setScale: false }, y: false },
          points: { show: plan.isStrip !== true, size: 5 },
        },
        scales: this.#scales(),
        axes: this.#axes(hasTimeAxis),
        series: [{}, ...plan.lines.map((line) => this.#series(line))],
        hooks: {
          drawClear: [() => this.#drawBehind()],
          draw: [() => this.#drawBefore()],
          setCursor: [({ cursor }) => scene.hovered(cursor.idx ?? undefined)],
        },
      },
      none,
      place,
    );
  }

  /** Where pointers and wheels act. */
  get surface(): HTMLElement {
    return this.#plot.over;
  }

  /** The instant at a place of the surface, px; ps. */
  timeAt(x: number): number {
    return this.#plot.posToVal(x, "x");
  }

  /** Takes what is new, and draws. */
  update(data: ChartData): void {
    this.#plot.setData(data as unknown as uPlot.AlignedData);
  }

  resize(width: number, height: number): void {
    if (width !== this.#plot.width || height !== this.#plot.height) {
      this.#plot.setSize({ width, height });
    }
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #series(line: PlotLine): uPlot.Series {
    const { isStrip } = this.#plan;
    return {
      ...{ label: line.label, stroke: line.colour, width: line.isDotted ? 1 : 1.5 },
      ...{
        show: isStrip !== true,
        scale: line.isRight ? "right" : "y",
        spanGaps: line.isSpanning === true,
      },
      ...(line.isFilled ? { fill: `${line.colour}22` } : {}),
      ...(line.isDotted ? { dash: [2, 2] } : {}),
      ...(line.isStepped ? { paths: uPlot.paths.stepped?.({ align: 1 }) } : {}),
      points: { show: !line.isStepped, size: 3, width: 1, filter: lonePoints },
    } as uPlot.Series;
  }

  #scales(): uPlot.Scales {
    const { isStrip, isLogarithmic, lines } = this.#plan;
    const fromNothing: uPlot.Range.Function = (_plot, _least, most) => [
      0,
      (most ?? 0) > 0 ? most * 1.12 : 1,
    ];
    const decades: uPlot.Range.Function = (_plot, least, most) => {
      const [low, high] = [least > 0 ? least : 10, most > 0 ? most : 100];
      return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.01))];
    };
    const y: uPlot.Scale = isStrip
      ? { range: () => [0, lines.length], dir: -1 }
      : { range: isLogarithmic ? decades : fromNothing, distr: isLogarithmic ? 3 : 1 };
    return {
      x: { time: false, range: () => [...this.#scene.range()] as [number, number] },
      y,
      right: { range: (_plot, _least, most) => [0, Math.max(1, (most ?? 0) * 1.12)] },
    };
  }

  #axes(hasTimeAxis: boolean): uPlot.Axis[] {
    const { palette } = this.#scene;
    const { isStrip, isLogarithmic, lines, format, formatRight } = this.#plan;
    const axis: uPlot.Axis = {
      ...{ stroke: palette.quiet, font: AXIS_FONT, gap: 4 },
      grid: { stroke: palette.line, width: 0.5 },
      ticks: { stroke: palette.line, width: 0.5, size: 4 },
    };
    const rows = lines.map((_, row) => row + 0.5);
    const hasRight = lines.some(({ isRight }) => isRight);
    return [
      {
        ...axis,
        ...{ size: hasTimeAxis ? TIME_AXIS : 0, space: 70 },
        values: (_plot, ticks) => (hasTimeAxis ? tickTimes(ticks) : ticks.map(() => "")),
      },
      isStrip
        ? {
            ...axis,
            ...{ size: LEFT, splits: rows, grid: { show: false }, ticks: { show: false } },
            values: () => lines.map(({ label }) => label),
          }
        : {
            ...axis,
            ...{ size: LEFT, space: 22 },
            ...(isLogarithmic
              ? {
                  splits: (_plot, _axis, low, high) => decadesOf(low, high),
                  filter: (_plot, ticks) => ticks,
                }
              : {}),
            values: (_plot, ticks) => ticks.map((tick) => (tick === null ? "" : format(tick))),
          },
      {
        ...axis,
        ...{
          side: 1,
          scale: "right",
          size: this.#scene.hasRight ? RIGHT : RIGHT_EDGE,
          show: true,
          grid: { show: false },
          space: 22,
        },
        ticks: { show: hasRight, stroke: palette.line, width: 0.5, size: 4 },
        values: (_plot, ticks) =>
          ticks.map((tick) => (hasRight && formatRight ? formatRight(tick) : "")),
      },
    ];
  }

  /** Faults in force; and the rows of a strip. */
  #drawBehind(): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const { ctx: context, bbox } = plot;
    const { palette } = this.#scene;
    const [from, until] = this.#scene.range();
    context.save();
    context.beginPath();
    context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    context.clip();
    if (this.#plan.isStrip) this.#drawStrip(context);
    for (const { fromPs, untilPs } of this.#scene.spans()) {
      if (fromPs > until || (untilPs ?? until) < from) continue;
      const left = this.#x(fromPs);
      const right = this.#x(untilPs ?? until);
      if (this.#plan.isStrip === true) continue;
      context.fillStyle = palette.band;
      context.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    }
    context.fillStyle = palette.onset;
    for (const { fromPs, untilPs } of this.#scene.edges()) {
      if (fromPs >= from && fromPs <= until) {
        context.fillRect(this.#x(fromPs), bbox.top, devicePixelRatio, bbox.height);
      }
      if (untilPs !== undefined && untilPs >= from && untilPs <= until) {
        dotted(context, this.#x(untilPs), bbox.top, bbox.height);
      }
    }
    context.restore();
  }

  #drawStrip(context: CanvasRenderingContext2D): void {
    const { bbox, data } = this.#plot;
    const { palette, range, everyPs } = this.#scene;
    const [from, until] = range();
    const [times, ...rows] = data;
    const height = bbox.height / Math.max(1, rows.length);
    context.fillStyle = palette.scale[0];
    for (const [row] of rows.entries()) {
      const [top, bottom] = [Math.round(row * height), Math.round((row + 1) * height)];
      context.fillRect(bbox.left, bbox.top + top, bbox.width, bottom - top - 1);
    }
    for (const [place, at] of times.entries()) {
      if (at > until || at + everyPs() < from) continue;
      const left = Math.round(this.#x(at));
      const right = Math.max(left + 1, Math.round(this.#x(at + everyPs())));
      for (const [row, values] of rows.entries()) {
        const [top, bottom] = [Math.round(row * height), Math.round((row + 1) * height)];
        context.fillStyle = palette.scale[stepOf(10 * (values[place] ?? 0))];
        context.fillRect(left, bbox.top + top, right - left, bottom - top - 1);
      }
    }
  }

  /** The instant that is looked at. */
  #drawBefore(): void {
    const at = this.#scene.cursorPs();
    const [from, until] = this.#scene.range();
    if (at === undefined || at < from || at > until) return;
    const { ctx: context, bbox } = this.#plot;
    const x = Math.round(this.#x(at));
    context.save();
    context.fillStyle = this.#scene.palette.accent;
    context.fillRect(x - devicePixelRatio, bbox.top, 2 * devicePixelRatio, bbox.height);
    context.restore();
  }

  #x(ps: number): number {
    return this.#plot.valToPos(ps, "x", true);
  }
}

/** Points that no line touches: nothing was there before and after. */
function lonePoints(plot: uPlot, line: number): number[] {
  const values = plot.data[line];
  const found: number[] = [];
  for (let place = 0; place < values.length; place += 1) {
    const isThere = values[place] !== null && values[place] !== undefined;
    if (isThere && values[place - 1] == null && values[place + 1] == null) found.push(place);
  }
  return found;
}

/** Powers of ten within a scale; only every second or third where there are many. */
function decadesOf(low: number, high: number): number[] {
  const first = Math.round(Math.log10(low));
  const last = Math.round(Math.log10(high));
  const step = Math.max(1, Math.ceil((last - first) / 3));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += step) ticks.push(10 ** power);
  return ticks;
}

function dotted(context: CanvasRenderingContext2D, x: number, y: number, height: number): void {
  const dot = 2 * devicePixelRatio;
  for (let at = y; at < y + height; at += 2 * dot) context.fillRect(x, at, devicePixelRatio, dot);
}
