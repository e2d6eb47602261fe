/** The charts that a run has: what each draws, and from which columns. Pure. */
import type { RunView } from "../../../src/observe/view-api.ts";
import type { Palette } from "../colours.ts";
import { shortDuration, shortNumber } from "./axis-text.ts";
import type { PlotLine, PlotPlan } from "./plot.ts";
import type { ChartData, SeriesStore } from "./series-store.ts";

/** A chart with its share of the height. */
export interface ChartPlan extends PlotPlan {
  readonly share: number;
  data(series: SeriesStore): ChartData;
}

/** How late the run is by the wall clock: nobody knows that of one that is over. */
function lagLine(palette: Palette): PlotLine {
  return { label: "lag, s of wall time", colour: palette.quiet, isRight: true, isSpanning: true };
}

/** From top to bottom. */
export function chartPlans(run: RunView, palette: Palette): readonly ChartPlan[] {
  const [throughput, dispatch, combine, lag] = palette.lines;
  const planeWord = run.cluster.network === "mrft" ? "rail" : "plane";
  return [
    {
      ...{ title: "Throughput", unit: "tokens/s of virtual time", share: 1 },
      lines: [{ label: "tokens/s", colour: throughput, isStepped: true, isFilled: true }],
      format: shortNumber,
      data: (series) => series.throughput(),
    },
    {
      ...{ title: "All-to-all", unit: "", share: 1.25, isLogarithmic: true },
      lines: [
        { label: "dispatch", colour: dispatch },
        { label: "/", colour: dispatch, isDotted: true },
        { label: "combine", colour: combine },
        { label: "/", colour: combine, isDotted: true },
      ],
      about: "median / slowest of the dispatches and combines that ended in an interval",
      format: shortDuration,
      data: (series) => series.latency(),
    },
    {
      ...{ title: `Use by ${planeWord}`, unit: "% of its NICs' rate", share: 1.1, isStrip: true },
      lines: Array.from({ length: run.cluster.planes }, (_, plane) => {
        return { label: String(plane), colour: palette.quiet };
      }),
      format: (percent) => `${percent.toFixed(percent < 10 ? 1 : 0)} %`,
      data: (series) => series.planeUse(),
    },
    {
      ...{ title: "Masked", unit: "", share: 0.85 },
      lines: [
        { label: "ranks", colour: lag, isStepped: true, isFilled: true },
        ...(run.isLive ? [lagLine(palette)] : []),
      ],
      // There is no half of a rank.
      format: (value) => (Number.isInteger(value) ? String(value) : ""),
      formatRight: shortNumber,
      data: (series) => series.standing(),
    },
  ];
}
