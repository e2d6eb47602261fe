/** What a drill did and found, in a line each: for its timeline, live and in the report. */
import type { FaultSpec } from "../model/fault.ts";
import { type HostFaultRun, hostFaultText } from "../model/host-fault.ts";
import { formatTime } from "../model/time.ts";
import { escapeText } from "../scenario/problem.ts";
import type { Tolerance } from "./drill.ts";
import type { ProbeResult } from "./drill-record.ts";
import { listed } from "./words.ts";

/** `nic-down of node2.nic3, until 36.000 ms`; instants of the run. */
export function describeFault({ kind, targets, atPs, healAtPs }: FaultSpec, nowPs: number): string {
  const begin = atPs > nowPs ? `, from ${formatTime(atPs)}` : "";
  const end = healAtPs === undefined ? ", for good" : `, until ${formatTime(healAtPs)}`;
  return `${kind} of ${listed(targets)}${begin}${end}`;
}

/** A real fault and what became of it, in a line. */
export function hostRunText({
  fault,
  wallSeconds,
  done,
  detail,
  followedBy,
}: HostFaultRun): string {
  const wall = `${wallSeconds.toFixed(2)} s of wall time`;
  const how = done ? detail : `not carried out: ${detail}`;
  const then = followedBy.length === 0 ? "" : `; followed by ${listed(followedBy)}`;
  return `${hostFaultText(fault)}, after ${wall}: ${how}${then}`;
}

/** `tpot_ms is 1.250 ms, within 0..2`. */
export function describeResult({ measure, unit, value, why, tolerance, met }: ProbeResult): string {
  const space = unit === "" ? "" : ` ${unit}`;
  const found =
    value === undefined
      ? `${measure} has no value: ${why}`
      : `${measure} is ${formatValue(value)}${space}`;
  if (tolerance === undefined) return found;
  const limits = formatTolerance(tolerance);
  if (met === undefined) return `${found}; not judged yet (${limits})`;
  return `${found}, ${met ? "within" : "outside"} ${limits}`;
}

/** `1..5`, `0`, `true`. */
export function formatTolerance(tolerance: Tolerance): string {
  return tolerance.type === "range"
    ? `${tolerance.least}..${tolerance.most}`
    : String(tolerance.value);
}

/** Whole numbers as they are, others with up to four decimals. */
export function formatValue(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(4)));
}

/** A name from a file, safe for a terminal. */
export function quoted(name: string): string {
  return `'${escapeText(name)}'`;
}
