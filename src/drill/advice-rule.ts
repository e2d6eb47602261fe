/** What a rule of the advice is, and what it looks at. Only types, and sums that rules share. */
import type { FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Attribution } from "./attribution.ts";
import type { Reach } from "./reach.ts";
import type { RunSeries } from "./run-series.ts";
import type { Counter } from "./series.ts";
import type { RunTrace } from "./trace.ts";

/** A change, and the measured reason for it. */
export interface Advice {
  readonly change: string;
  readonly because: string;
}

export interface AdviceInput {
  readonly scenario: Scenario;
  /** What was in force, in the order of onset. */
  readonly faults: readonly FaultSpec[];
  readonly trace: RunTrace;
  readonly twin: RunTrace;
  readonly series: RunSeries;
  readonly healthy: RunSeries;
  readonly attribution: Attribution;
  readonly reach: Reach;
}

/** Speaks when its sign was seen. */
export type Rule = (input: AdviceInput) => Advice | undefined;

/** All of a counter. */
export const total = (counter: Counter): number => counter.between(0, NEVER_PS);
