/** Asks a probe and holds its value against its tolerance. */
import type { Probe, Tolerance } from "./drill.ts";
import type { ProbeResult } from "./drill-record.ts";
import { measureOf } from "./measures.ts";
import type { RunEnd } from "./run-end.ts";
import type { RunSeries } from "./run-series.ts";

/** A run at an instant, with the parts that probes look at. Instants in ps. */
export interface Moment {
  readonly run: RunSeries;
  readonly healthy: RunSeries | undefined;
  /** All facts before this instant are in. */
  readonly nowPs: number;
  /** The method, from its first action to its end; undefined: there is none. */
  readonly method: { readonly fromPs: number; readonly toPs: number } | undefined;
  /** Length of the span `window`. */
  readonly windowPs: number;
  /** Given when the run is over. */
  readonly end: RunEnd | undefined;
}

/**
 * What a probe finds. Without a value it does not meet its tolerance, unless the run goes on and
 * the value may still come.
 */
export function ask(probe: Probe, moment: Moment): ProbeResult {
  const { name, measure: measureName, over, tolerance } = probe;
  const measure = measureOf(measureName);
  const asked = { name, measure: measureName, arguments: probe.arguments, over };
  const judged = { ...asked, ...(tolerance === undefined ? {} : { tolerance }) };
  if (measure === undefined) return { ...judged, unit: "", why: "no such measure", met: false };
  const [fromPs, toPs] = spanOf(over, moment);
  const { run, healthy, end } = moment;
  const reading = measure.read({ run, healthy, end, fromPs, toPs, arguments: probe.arguments });
  const { unit } = measure;
  if (reading.value === undefined) {
    const { why, isOpen } = reading;
    const mayCome = isOpen && end === undefined;
    const met = tolerance === undefined || mayCome ? {} : { met: false };
    return { ...judged, unit, why, ...met };
  }
  const { value } = reading;
  const met = tolerance === undefined ? {} : { met: isWithin(value, tolerance) };
  return { ...judged, unit, value, ...met };
}

/** Whether a value meets a tolerance; true stands for anything but 0. */
export function isWithin(value: number, tolerance: Tolerance): boolean {
  if (tolerance.type === "range") return value >= tolerance.least && value <= tolerance.most;
  if (typeof tolerance.value === "boolean") return (value !== 0) === tolerance.value;
  return value === tolerance.value;
}

/** The part of the run that a probe looks at, [from, to), ps. */
function spanOf(over: Probe["over"], { nowPs, method, windowPs }: Moment): [number, number] {
  switch (over) {
    case "before":
      return [0, Math.min(nowPs, method?.fromPs ?? nowPs)];
    case "during":
      return [Math.min(nowPs, method?.fromPs ?? nowPs), Math.min(nowPs, method?.toPs ?? nowPs)];
    case "after":
      return [Math.min(nowPs, method?.toPs ?? 0), nowPs];
    case "window":
      return [Math.max(0, nowPs - windowPs), nowPs];
    default:
      return [0, nowPs];
  }
}
