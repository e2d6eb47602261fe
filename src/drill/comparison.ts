/**
 * The faulted run beside its healthy twin, in the measures that probes ask, each over the whole
 * run. A row says where its numbers come from.
 */
import type { Scenario } from "../model/scenario.ts";
import type { AssignmentTotals } from "../model/window.ts";
import { measureOf } from "./measures.ts";
import type { RunEnd } from "./run-end.ts";
import type { RunSeries } from "./run-series.ts";
import type { RunTrace } from "./trace.ts";

/** What a figure is in; `ps` is virtual time. */
export type Unit = "ps" | "count" | "per-second";

/** One row of the comparison. A figure is missing where nothing was completed. */
export interface ComparisonRow {
  readonly name: string;
  readonly unit: Unit;
  readonly healthy?: number;
  readonly faulted?: number;
  /** Where the numbers come from. */
  readonly source: string;
  /** Of a run that was cut, against a twin that was not: what grew, or came, until then. */
  readonly isCut?: true;
}

/** A run that is over, as the comparison reads it. */
export interface MeasuredRun {
  readonly series: RunSeries;
  readonly trace: RunTrace;
  readonly end: RunEnd;
}

/** Rows by measure: name, measure, its percentile (mean without), source. */
const MEASURED: readonly (readonly [string, string, number | undefined, string])[] = [
  ["time per output token", "tpot_ms", undefined, "mean step / accepted tokens"],
  ["step, mean", "step_ms", undefined, "over ranks and steps"],
  ["step, worst", "step_ms", 100, "longest of all"],
  ["layer, p50", "layer_ms", 50, "over ranks, layers and steps"],
  ["layer, p99", "layer_ms", 99, "over ranks, layers and steps"],
  ["dispatch, p99", "dispatch_us", 99, "first copy sent to last received"],
  ["combine, p99", "combine_us", 99, "first result sent to last received"],
  ["tokens a second", "tokens_per_second", undefined, "combined, whole fleet"],
  ["sent again", "retransmits", undefined, "packets that NICs sent again"],
  ["ACK timeouts", "timeouts", undefined, "ticks over all queue pairs"],
  ["ranks finished", "ranks_finished", undefined, "all their steps"],
];

/** Rows by the ledger. */
const COUNTED: readonly (readonly [string, keyof AssignmentTotals, string])[] = [
  ["combined", "combined", "(token, expert) assignments, counted"],
  ["masked", "masked", "assignments given up, counted"],
  ["lost", "lost", "assignments whose owner died or gave up, counted"],
];

/**
 * The comparison; time per output token for decode only. `cutAtPs`: the faulted run was cut then.
 * Its sums are those of a part of the work, and its times those of what was done by then: only what
 * is a rate can be compared.
 */
export function compareRuns(
  faulted: MeasuredRun,
  healthy: MeasuredRun,
  { workload }: Scenario,
  cutAtPs?: number,
): ComparisonRow[] {
  const isDecode = workload.phase === "decode";
  const rows = MEASURED.filter(([, measure]) => isDecode || measure !== "tpot_ms").map(
    ([name, measure, percent, source]): ComparisonRow => {
      const found = measureOf(measure);
      const kind = found?.source === "virtual time" ? "virtual time" : "counted";
      return {
        name,
        unit: UNITS[found?.unit ?? ""]?.unit ?? "count",
        ...given("healthy", read(healthy, measure, percent)),
        ...given("faulted", read(faulted, measure, percent)),
        source: `${source}, ${kind}`,
      };
    },
  );
  const length: ComparisonRow = {
    name: "run",
    unit: "ps",
    healthy: healthy.trace.endPs,
    faulted: faulted.trace.endPs,
    source: "until the last rank finished, virtual time",
  };
  const counts = COUNTED.map(
    ([name, key, source]): ComparisonRow => ({
      name,
      unit: "count",
      healthy: healthy.end.assignments[key],
      faulted: faulted.end.assignments[key],
      source,
    }),
  );
  const wrong: ComparisonRow = {
    name: "wrong and unseen",
    unit: "count",
    healthy: healthy.end.corrupted,
    faulted: faulted.end.corrupted,
    source: "combined results that a fault corrupted, counted by the oracle",
  };
  const all = [length, ...rows, ...counts, wrong].filter(
    (row) => row.healthy !== undefined || row.faulted !== undefined,
  );
  if (cutAtPs === undefined) return all;
  return all.map((row) => (row.unit === "per-second" ? row : { ...row, isCut: true }));
}

/** Measures' units as ours, and what a value is multiplied by. */
const UNITS: Readonly<Record<string, { readonly unit: Unit; readonly times: number }>> = {
  ms: { unit: "ps", times: 1e9 },
  us: { unit: "ps", times: 1e6 },
  "tokens/s": { unit: "per-second", times: 1 },
};

/** A measure over a whole run, in our units, whole ps; undefined when there is no value. */
export function read(run: MeasuredRun, name: string, percentile?: number): number | undefined {
  const measure = measureOf(name);
  if (measure === undefined) return undefined;
  const { value } = measure.read({
    run: run.series,
    healthy: undefined,
    fromPs: 0,
    toPs: run.end.virtualTimePs + 1,
    arguments: percentile === undefined ? {} : { percentile },
    end: run.end,
  });
  if (value === undefined) return undefined;
  const { unit, times } = UNITS[measure.unit] ?? { unit: "count", times: 1 };
  return unit === "ps" ? Math.round(value * times) : value * times;
}

/** A field when it has a value. */
function given<Key extends string>(key: Key, value: number | undefined): { [K in Key]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: number });
}
