/** What a measure is: its description, and how it is read from a run. Only types and helpers. */
import type { RunEnd } from "./run-end.ts";
import type { RunSeries } from "./run-series.ts";

/** A question that a measure can be asked with. */
export interface MeasureArgument {
  readonly key: string;
  readonly kind: "time" | "number" | "name";
  /** For a time in ps; undefined: it may be missing. */
  readonly fallback?: number;
  /** Bounds of a number or time, both allowed. */
  readonly least?: number;
  readonly most?: number;
  readonly about: string;
}

/** What is asked: of which run, over which part of it, [fromPs, toPs). */
export interface Query {
  readonly run: RunSeries;
  /** The same scenario without faults. */
  readonly healthy: RunSeries | undefined;
  readonly fromPs: number;
  readonly toPs: number;
  readonly arguments: Readonly<Record<string, number | string>>;
  /** How the run ended; undefined while it goes on. */
  readonly end: RunEnd | undefined;
}

/** A value, or why there is none (yet). */
export type Reading =
  | { readonly value: number }
  /** `isOpen`: it may still come; a check that is not the last one does not judge it. */
  | { readonly value?: undefined; readonly why: string; readonly isOpen: boolean };

export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly about: string;
  readonly source: "virtual time" | "count";
  /** `end`: only when the run is over. */
  readonly known: "any time" | "end";
  /** It compares with the healthy twin. */
  readonly needsHealthy?: true;
  /** It is about the whole run from a fault's onset on, whatever part the probe names. */
  readonly ignoresSpan?: true;
  readonly arguments: readonly MeasureArgument[];
  read(query: Query): Reading;
}

/** A reading of a value that may be missing. */
export function readingOf(value: number | undefined, why: string, isOpen = true): Reading {
  return value === undefined ? { why, isOpen } : { value };
}

/** An argument that is a number; its fallback was put in when the probe was parsed. */
export function numberOf(query: Query, key: string): number | undefined {
  const value = query.arguments[key];
  return typeof value === "number" ? value : undefined;
}

/** An argument that is a name. */
export function nameOf(query: Query, key: string): string | undefined {
  const value = query.arguments[key];
  return typeof value === "string" ? value : undefined;
}
