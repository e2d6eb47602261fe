/** Measures of how long steps, layers and all-to-alls took, over ranks, in virtual time. */
import { type Measure, type MeasureArgument, numberOf, type Query, readingOf } from "./measure.ts";
import type { RunSeries } from "./run-series.ts";
import type { Series } from "./series.ts";

const percentileArgument = (fallback?: number): MeasureArgument => ({
  key: "percentile",
  kind: "number",
  least: 1,
  most: 100,
  ...(fallback === undefined ? {} : { fallback }),
  about: `by nearest rank; default: ${fallback ?? "the mean"}; 100 is the slowest`,
});

/** The mean, or a percentile, of durations that ended in the part of the run. */
function durations(
  name: string,
  unit: "ms" | "us",
  what: string,
  about: string,
  pick: (run: RunSeries) => Series,
  fallback?: number,
): Measure {
  return {
    name,
    unit,
    about,
    source: "virtual time",
    known: "any time",
    arguments: [percentileArgument(fallback)],
    read: (query) => {
      const values = pick(query.run).between(query.fromPs, query.toPs);
      const value = statistic(values, numberOf(query, "percentile"));
      const scale = unit === "ms" ? 1e9 : 1e6;
      const none = `no ${what} was completed`;
      return readingOf(value === undefined ? undefined : value / scale, none);
    },
  };
}

/** The nearest rank of p % of n values is the ceil(p n / 100)-th; undefined of none. */
function statistic(values: readonly number[], percent: number | undefined): number | undefined {
  if (values.length === 0) return undefined;
  if (percent === undefined) return values.reduce((sum, value) => sum + value, 0) / values.length;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((percent * values.length) / 100) - 1)];
}

const stepMs = durations(
  "step_ms",
  "ms",
  "step",
  "how long a step took on a rank",
  (run) => run.steps,
);

/** See {@link MEASURES}. */
export const latencyMeasures: readonly Measure[] = [
  {
    ...stepMs,
    name: "tpot_ms",
    about: "time per output token: step_ms over the tokens that a step accepts",
    read: (query: Query) => {
      const reading = stepMs.read(query);
      if (reading.value === undefined) return reading;
      return { value: reading.value / query.run.acceptedTokensPerStep };
    },
  },
  stepMs,
  durations(
    "layer_ms",
    "ms",
    "layer",
    "how long a layer took on a rank, with waiting",
    (run) => run.layers,
    99,
  ),
  durations(
    "dispatch_us",
    "us",
    "dispatch",
    "how long the dispatch of a layer took on a rank",
    (run) => run.dispatches,
    99,
  ),
  durations(
    "combine_us",
    "us",
    "combine",
    "how long the combine of a layer took on a rank",
    (run) => run.combines,
    99,
  ),
];
