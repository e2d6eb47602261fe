/** The charts over virtual time: uPlot, with faults as bands and one cursor for all. */
import uPlot from "uplot";
import { formatTime } from "../../src/model/time.ts";
import type { Palette } from "./colours.ts";
import type { PageState } from "./page-state.ts";
import type { ChartData } from "./series-store.ts";

interface ChartPlan {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly string[];
  data(state: PageState): ChartData;
}

const HEIGHT = 150;

/** Pixels from which on a drag is one, and no click. */
const DRAG_MIN = 6;

function plansOf(state: PageState): readonly ChartPlan[] {
  const planes = Array.from({ length: state.run.cluster.planes }, (_, plane) => `plane ${plane}`);
  return [
    {
      title: "Throughput",
      unit: "tokens/s",
      lines: ["tokens/s"],
      data: (of) => of.series.throughput(),
    },
    {
      title: "All-to-all",
      unit: "us",
      lines: ["dispatch median", "dispatch slowest", "combine median", "combine slowest"],
      data: (of) => of.series.latency(),
    },
    { title: "Use of planes", unit: "%", lines: planes, data: (of) => of.series.planeUse() },
    { title: "Lag", unit: "s wall", lines: ["lag"], data: (of) => of.series.lag() },
  ];
}

export class Charts {
  readonly #state: PageState;
  readonly #plots: { readonly plan: ChartPlan; readonly box: HTMLElement; plot: uPlot }[] = [];
  readonly #holder: HTMLElement;
  readonly #look: (atPs: number) => void;
  #zoom: readonly [number, number] | undefined;
  #hasDragged = false;

  /** `look` is called with the instant that was clicked. */
  constructor(state: PageState, holder: HTMLElement, look: (atPs: number) => void) {
    this.#state = state;
    this.#holder = holder;
    this.#look = look;
  }

  /** Draws all of them anew, in the colours of a theme. */
  restyle(palette: Palette): void {
    for (const { plot } of this.#plots) plot.destroy();
    this.#plots.length = 0;
    this.#holder.replaceChildren();
    for (const plan of plansOf(this.#state)) {
      const box = document.createElement("figure");
      box.className = "chart";
      const caption = document.createElement("figcaption");
      caption.textContent = `${plan.title}, ${plan.unit}`;
      const place = document.createElement("div");
      box.append(caption, place);
      this.#holder.append(box);
      const plot = new uPlot(
        this.#options(plan, palette, place),
        columns(plan, this.#state),
        place,
      );
      plot.over.setAttribute("aria-label", `${plan.title} over virtual time`);
      plot.over.addEventListener("click", () => {
        if (this.#hasDragged) {
          this.#hasDragged = false;
          return;
        }
        const atPs = plot.posToVal(plot.cursor.left ?? 0, "x");
        if (Number.isFinite(atPs)) this.#look(Math.max(0, atPs));
      });
      plot.over.addEventListener("dblclick", () => this.#zoomTo(undefined));
      this.#plots.push({ plan, box, plot });
    }
  }

  /** Takes what is new. */
  update(): void {
    for (const { plan, plot } of this.#plots) plot.setData(columns(plan, this.#state));
  }

  /** Fits the charts to the width that there is. */
  fit(): void {
    for (const { plot } of this.#plots) {
      const width = this.#width(plot.root.parentElement ?? this.#holder);
      if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: HEIGHT });
    }
  }

  /** Shows a part of virtual time only; undefined: all of it. */
  #zoomTo(zoom: readonly [number, number] | undefined): void {
    this.#zoom = zoom;
    this.update();
  }

  #range(): [number, number] {
    const [from, to] = this.#zoom ?? [0, Math.max(1, this.#state.endPs)];
    return [from, to];
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < DRAG_MIN) return;
    this.#hasDragged = true;
    const from = Math.max(0, plot.posToVal(left, "x"));
    const to = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to > from) this.#zoomTo([from, to]);
  }

  #width(place: HTMLElement): number {
    return Math.max(200, Math.floor(place.clientWidth));
  }

  #options(plan: ChartPlan, palette: Palette, place: HTMLElement): uPlot.Options {
    const axis = {
      stroke: palette.quiet,
      grid: { stroke: palette.line, width: 0.5 },
      ticks: { stroke: palette.line, width: 0.5 },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: this.#width(place),
      height: HEIGHT,
      padding: [8, 28, 0, 0],
      cursor: { sync: { key: "virtual-time" }, drag: { x: true, y: false, setScale: false } },
      legend: { show: plan.lines.length > 1 && plan.lines.length <= 8, live: false },
      scales: {
        x: { time: false, range: () => this.#range() },
        y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        { ...axis, size: 30, values: (_plot, ticks) => ticks.map((tick) => formatTime(tick)) },
        { ...axis, size: 52, values: (_plot, ticks) => ticks.map(shortNumber) },
      ],
      series: [
        {},
        ...plan.lines.map((label, place) => ({
          label,
          stroke: palette.lines[place % palette.lines.length],
          width: 1.5,
          dash: place >= palette.lines.length ? [4, 3] : [],
          points: { show: false },
          spanGaps: true,
        })),
      ],
      hooks: {
        drawClear: [(plot) => this.#drawBands(plot, palette)],
        setSelect: [(plot) => this.#selected(plot)],
      },
    };
  }

  /** Faults in force as bands, and the instant that is looked at as a line. */
  #drawBands(plot: uPlot, palette: Palette): void {
    const { ctx: context, bbox } = plot;
    const { min = 0, max = 0 } = plot.scales.x;
    if (min === null || max === null || max <= min) return;
    const at = (ps: number): number => plot.valToPos(Math.min(max, Math.max(min, ps)), "x", true);
    context.save();
    context.fillStyle = palette.band;
    for (const { fromPs, untilPs } of this.#state.spans.union) {
      const [left, right] = [at(fromPs), at(untilPs ?? max)];
      context.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    }
    const { cursorPs } = this.#state;
    if (cursorPs !== undefined) {
      context.fillStyle = palette.text;
      context.fillRect(at(cursorPs) - 1, bbox.top, 2, bbox.height);
    }
    context.restore();
  }
}

function columns(plan: ChartPlan, state: PageState): uPlot.AlignedData {
  return plan.data(state) as unknown as uPlot.AlignedData;
}

/** `12 k`, `3.4 M`, `0.5`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trimmed(value / 1e9)} G`;
  if (size >= 1e6) return `${trimmed(value / 1e6)} M`;
  if (size >= 1e4) return `${trimmed(value / 1e3)} k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}
