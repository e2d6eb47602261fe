/**
 * Converts the quantities of checked fields: times to ps, hardware changes to parameters. Bounds
 * that need the unit (no zero bandwidth, no latency below the lookahead's minimum) are checked
 * here.
 */
import { type ParameterName, valuesOf } from "../hardware/parameters.ts";
import { HARDWARE_PRESETS, makeHardware, PRESET_PARAMETERS } from "../hardware/presets.ts";
import type { Hardware } from "../model/hardware.ts";
import { PS_PER_MS, PS_PER_NS, PS_PER_S } from "../model/time.ts";
import { COMPUTE_RATES, LANE_LATENCIES, LINK_RATES, OVERHEADS } from "./hardware-fields.ts";
import type { ProblemList } from "./problem-list.ts";
import { bytesPerSecondOf, flopsPerSecondOf, psPerByteOf, readTime } from "./quantity.ts";
import type { ScenarioFields } from "./schema.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Slowest and fastest link, bytes a second: 1 Mbit/s and 1000 Tbit/s. */
const SLOWEST = 1.25e5;
const FASTEST = 1.25e14;
/** Slowest and fastest kernel, FLOP/s: 1 TFLOP/s and 1000 PFLOP/s. */
const SLOWEST_KERNEL = 1e12;
const FASTEST_KERNEL = 1e18;

/** A time in ps; undefined, with a problem, when it is no whole ps or not `above` (then E025). */
export function timeAt(
  path: DocumentPath,
  text: string,
  least: number,
  problems: ProblemList,
): number | undefined {
  const reading = readTime(text);
  if (!reading.ok) {
    problems.add("E025", path, reading.message);
    return undefined;
  }
  if (reading.ps >= least) return reading.ps;
  problems.add("E025", path, `must be ${least === 0 ? "0 or later" : "> 0"}, got ${text}`);
  return undefined;
}

/** A converter of one kind of quantity; undefined with a problem. */
type Reader = (path: DocumentPath, text: string, problems: ProblemList) => number | undefined;

/**
 * The preset with the file's changes: hardware is made anew from the changed parameters. With
 * problems the preset stands in for what is wrong.
 */
export function readHardware(fields: ScenarioFields["hardware"], problems: ProblemList): Hardware {
  const changes = typeof fields === "string" ? { preset: fields } : fields;
  if (Object.keys(changes).length === 1) return HARDWARE_PRESETS[changes.preset];
  const values: Record<ParameterName, number> = { ...valuesOf(PRESET_PARAMETERS[changes.preset]) };
  const given: Readonly<Record<string, unknown>> = changes;
  const rates: Readonly<Record<string, unknown>> = changes.computeRates ?? {};
  const set = (parameter: ParameterName, value: unknown): void => {
    if (typeof value === "number") values[parameter] = value;
  };
  for (const [key, [parameter]] of Object.entries(LINK_RATES)) {
    set(parameter, read(given[key], ["hardware", key], rateAt, problems));
  }
  for (const [key, [parameter]] of Object.entries(LANE_LATENCIES)) {
    set(parameter, read(given[key], ["hardware", key], latencyAt, problems));
  }
  for (const [key, [parameter]] of Object.entries(OVERHEADS)) {
    set(parameter, read(given[key], ["hardware", key], overheadAt, problems));
  }
  for (const [key, [parameter]] of Object.entries(COMPUTE_RATES)) {
    set(parameter, read(rates[key], ["hardware", "computeRates", key], kernelAt, problems));
  }
  set("hbmBytesPerSecond", read(changes.hbmRate, ["hardware", "hbmRate"], memoryAt, problems));
  set("packetBytes", changes.packetBytes);
  set("nvlinkDomainGpus", changes.nvlinkDomainGpus);
  return makeHardware(`${changes.preset}, changed`, values);
}

function read(
  text: unknown,
  path: DocumentPath,
  reader: Reader,
  problems: ProblemList,
): number | undefined {
  return typeof text === "string" ? reader(path, text, problems) : undefined;
}

/** Serialization time of a byte, ps. */
const rateAt: Reader = (path, text, problems) =>
  memoryAt(path, text, problems) === undefined ? undefined : psPerByteOf(text);

/** Bytes a second. */
const memoryAt: Reader = (path, text, problems) => {
  const perSecond = bytesPerSecondOf(text);
  if (!(perSecond > 0)) {
    const message = `bandwidth must be > 0, got ${text}; use a link-down fault instead`;
    problems.add("E017", path, message);
    return undefined;
  }
  if (perSecond >= SLOWEST && perSecond <= FASTEST) return perSecond;
  problems.add("E013", path, `must be 1 Mbit/s..1000 Tbit/s, got ${text}`);
  return undefined;
};

/** FLOP/s. */
const kernelAt: Reader = (path, text, problems) => {
  const perSecond = flopsPerSecondOf(text);
  if (perSecond >= SLOWEST_KERNEL && perSecond <= FASTEST_KERNEL) return perSecond;
  problems.add("E013", path, `must be 1 TFLOP/s..1000 PFLOP/s, got ${text}`);
  return undefined;
};

/** A latency, ps. */
const latencyAt: Reader = (path, text, problems) => {
  const reading = readTime(text);
  if (!reading.ok) {
    problems.add("E025", path, reading.message);
    return undefined;
  }
  if (reading.ps < PS_PER_NS) {
    problems.add("E018", path, `latency ${text} gives no lookahead; minimum 1 ns`);
    return undefined;
  }
  return atMost(LATENCY_MAX, reading.ps, path, text, problems);
};

/** A time that comes on top of another, ps. */
const overheadAt: Reader = (path, text, problems) => {
  const ps = timeAt(path, text, 0, problems);
  return ps === undefined ? undefined : atMost(OVERHEAD_MAX, ps, path, text, problems);
};

/** Times beyond these are mistakes, and add up to more than virtual time holds (2.5 hours). */
const LATENCY_MAX = { ps: PS_PER_S, text: "1 s" };
const OVERHEAD_MAX = { ps: PS_PER_MS, text: "1 ms" };

function atMost(
  most: { readonly ps: number; readonly text: string },
  ps: number,
  path: DocumentPath,
  text: string,
  problems: ProblemList,
): number | undefined {
  if (ps <= most.ps) return ps;
  problems.add("E013", path, `must be at most ${most.text}, got ${text}`);
  return undefined;
}
