/**
 * What the metrics of a run are of, and what they are read from. Types, and the names of other
 * exporters that can be had; light, so that options can be checked without loading anything.
 */
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { AssignmentTotals } from "../src/model/window.ts";
import type { BlindSession } from "./blind.ts";
import type { FactCounts } from "./fact-counts.ts";
import type { HardwareSignals } from "./hardware-signals.ts";
import type { HostEvent } from "./journal-orders.ts";
import type { LinkBytes } from "./link-bytes.ts";

/** Other exporters whose names can be had besides our own. */
export const METRIC_SETS = ["dcgm", "node", "rdma"] as const;
export type MetricSet = (typeof METRIC_SETS)[number];

/** What metrics are of. */
export interface RunMetricsOptions {
  /** Resolved: no moment is left in it. */
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** Version of Faultplane. */
  readonly version: string;
  readonly runId: string;
  /** The drill is blind: its title and what it breaks are not shown, what that does to all is. */
  readonly blind?: BlindSession | undefined;
  /** Names of other exporters to give, too; default: none. */
  readonly as?: ReadonlySet<MetricSet> | undefined;
}

/** What the metrics are read from, at any moment. */
export interface MetricSources {
  readonly options: RunMetricsOptions;
  readonly counts: FactCounts;
  readonly hardware: HardwareSignals;
  readonly links: LinkBytes;
  readonly pace: PaceState;
}

/** How the run stands with the wall clock. */
export interface PaceState {
  virtualTimePs: number;
  windows: number;
  events: number;
  lagSeconds: number;
  /** Virtual seconds per wall second since the run began. */
  speed: number;
  /** As asked for. */
  target: number | "max";
  isPaused: boolean;
  /** Wall seconds since 1970 when a window was committed last; 0: none was. */
  lastWindowSeconds: number;
  readonly hostEvents: Map<HostEvent, number>;
  /** Final totals; undefined until the run is over. */
  totals: AssignmentTotals | undefined;
}
