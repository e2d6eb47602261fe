/**
 * The charts over virtual time, one above the other with one axis: each with its name and the
 * values under the pointer, or the last ones. A click or a drag goes to an instant, a wheel zooms.
 */
import type { RunView } from "../../../src/observe/view-api.ts";
import type { Palette } from "../colours.ts";
import { type ChartPlan, chartPlans } from "./plans.ts";
import { Plot, type PlotScene } from "./plot.ts";
import type { ChartData, SeriesStore } from "./series-store.ts";

export interface ChartsOptions {
  readonly holder: HTMLElement;
  readonly run: RunView;
  readonly series: SeriesStore;
  readonly scene: Omit<PlotScene, "palette" | "hovered">;
  /** Goes to an instant, ps. */
  look(atPs: number): void;
  /** Shows `factor` times as much of the time around an instant. */
  zoom(factor: number, aroundPs: number): void;
}

interface Chart {
  readonly plan: ChartPlan;
  readonly plot: Plot;
  readonly place: HTMLElement;
  readonly values: readonly HTMLElement[];
  data: ChartData;
}

/** Intervals back that are still the present, for values below no pointer. */
const RECENT = 4;

const CAPTION = 18;
const TIME_AXIS = 22;

export class Charts {
  readonly #options: ChartsOptions;
  #charts: Chart[] = [];
  #hovered: number | undefined;

  constructor(options: ChartsOptions) {
    this.#options = options;
  }

  /** Makes all of them anew, in the colours of a theme. */
  restyle(palette: Palette): void {
    for (const { plot } of this.#charts) plot.destroy();
    const { holder, run } = this.#options;
    holder.replaceChildren();
    const plans = chartPlans(run, palette);
    this.#charts = plans.map((plan, row) => this.#make(plan, palette, row === plans.length - 1));
    this.fit();
    this.update();
  }

  /** Takes what is new of the series, and draws. */
  update(): void {
    for (const chart of this.#charts) {
      chart.data = chart.plan.data(this.#options.series);
      chart.plot.update(chart.data);
    }
    this.#write();
  }

  /** Fits the charts to the place that there is. */
  fit(): void {
    const { clientWidth, clientHeight } = this.#options.holder;
    if (clientWidth < 50) return;
    const shares = this.#charts.reduce((sum, { plan }) => sum + plan.share, 0);
    const room = clientHeight - this.#charts.length * CAPTION - TIME_AXIS;
    for (const [row, { plan, plot }] of this.#charts.entries()) {
      const isLast = row === this.#charts.length - 1;
      const height = Math.max(40, Math.floor((room * plan.share) / shares));
      plot.resize(clientWidth, height + (isLast ? TIME_AXIS : 0));
    }
  }

  #make(plan: ChartPlan, palette: Palette, isLast: boolean): Chart {
    const { holder, scene } = this.#options;
    const figure = document.createElement("figure");
    const values: HTMLElement[] = [];
    const caption = captionOf(plan, values);
    const place = document.createElement("div");
    place.className = "plot";
    figure.append(caption, place);
    holder.append(figure);
    const plot = new Plot(place, {
      plan,
      scene: { ...scene, palette, hovered: (at) => this.#hover(plan, at) },
      ...{ hasTimeAxis: isLast, width: Math.max(100, holder.clientWidth), height: 80 },
    });
    this.#listen(plot);
    return { plan, plot, place, values, data: [[]] };
  }

  #listen(plot: Plot): void {
    const { look, zoom } = this.#options;
    const { surface } = plot;
    const timeOf = (event: MouseEvent): number =>
      Math.max(0, Math.round(plot.timeAt(event.clientX - surface.getBoundingClientRect().left)));
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      surface.setPointerCapture(event.pointerId);
      look(timeOf(event));
    });
    surface.addEventListener("pointermove", (event) => {
      if (surface.hasPointerCapture(event.pointerId)) look(timeOf(event));
    });
    surface.addEventListener(
      "wheel",
      (event) => {
        if (event.deltaY === 0) return;
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.25 : 0.8, timeOf(event));
      },
      { passive: false },
    );
  }

  /** The pointer is on one chart; the others follow through their common cursor. */
  #hover(plan: ChartPlan, at: number | undefined): void {
    const chart = this.#charts.find((one) => one.plan === plan);
    if (chart !== undefined) this.#writeOne(chart, at);
    this.#hovered = at;
  }

  get #recentPs(): number {
    return RECENT * this.#options.series.everyPs;
  }

  #write(): void {
    for (const chart of this.#charts) this.#writeOne(chart, this.#hovered);
  }

  #writeOne({ plan, values, data }: Chart, at: number | undefined): void {
    const [times, ...lines] = data;
    const cursorPs = this.#options.scene.cursorPs();
    const shown = at ?? (cursorPs === undefined ? undefined : placeOf(times, cursorPs));
    for (const [row, place] of values.entries()) {
      const { isRight } = plan.lines[row];
      const format = isRight ? (plan.formatRight ?? plan.format) : plan.format;
      const isAt = shown !== undefined && shown < times.length;
      const value = isAt ? lines[row]?.[shown] : latest(times, lines[row], this.#recentPs);
      const text = value === undefined || value === null ? "-" : format(value);
      if (place.textContent !== text) place.textContent = text;
    }
  }
}

/** The name of a chart and, unless it is a strip, its lines with a place for their values. */
function captionOf(plan: ChartPlan, values: HTMLElement[]): HTMLElement {
  const caption = document.createElement("figcaption");
  const title = document.createElement("span");
  title.className = "title";
  title.textContent = plan.title;
  caption.title = plan.about ?? "";
  const unit = document.createElement("small");
  unit.textContent = plan.unit;
  const key = document.createElement("span");
  key.className = "key";
  caption.append(title, unit, key);
  if (plan.isStrip) return caption;
  for (const line of plan.lines) {
    const label = document.createElement("span");
    label.textContent = line.label;
    label.style.color = line.colour;
    const value = document.createElement("b");
    value.textContent = "-";
    key.append(label, value);
    values.push(value);
  }
  return caption;
}

/** Place of the interval that holds an instant; undefined: there is none. */
function placeOf(times: readonly number[], atPs: number): number | undefined {
  const place = times.findLastIndex((time) => time <= atPs);
  return place < 0 ? undefined : place;
}

/** The last value, if it is of the last `recentPs`: an older one says nothing of the present. */
function latest(
  times: readonly number[],
  values: readonly (number | null)[] | undefined,
  recentPs: number,
): number | null | undefined {
  const place = values?.findLastIndex((value) => value !== null) ?? -1;
  if (place < 0 || times[place] < (times.at(-1) ?? 0) - recentPs) return undefined;
  return values?.[place];
}
