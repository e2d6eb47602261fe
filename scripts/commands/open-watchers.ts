/**
 * Opens what looks on while a run goes, as options ask for it: metrics when somebody serves them,
 * kernel lines when there is a place for them. Each is loaded only then.
 */
import type { BlindSession } from "../../cluster/blind.ts";
import type { KernelLogTarget } from "../../cluster/kernel-log-target.ts";
import type { RunMetrics } from "../../cluster/metrics.ts";
import type { MetricSet } from "../../cluster/metrics-sources.ts";
import type { RunWatcher } from "../../cluster/run-watcher.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";

/** Options of commands that run something, after parsing: who looks on. */
export interface WatchOptions {
  /** Port of a page that shows the run and serves its metrics; 0: any free one. */
  readonly ui?: number | undefined;
  readonly metricsAs?: ReadonlySet<MetricSet> | undefined;
  readonly xidLog?: KernelLogTarget | undefined;
}

/** What looks on. */
export interface Watchers {
  readonly all: readonly RunWatcher[];
  /** Undefined: nobody serves them. */
  readonly metrics: RunMetrics | undefined;
}

/** The run that is looked at. */
export interface WatchedRun {
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly version: string;
  readonly runId: string;
  readonly blind?: BlindSession | undefined;
  /** Virtual time up to which a run that is taken up again has been seen, ps. */
  readonly fromPs?: number | undefined;
  /** Told what does not work, once; the run goes on. */
  readonly trouble: (text: string) => void;
}

/** Everybody who is to look on, in order. */
export async function openWatchers(options: WatchOptions, run: WatchedRun): Promise<Watchers> {
  const { ui, metricsAs, xidLog } = options;
  const all: RunWatcher[] = [];
  let metrics: RunMetrics | undefined;
  if (ui !== undefined) {
    const { RunMetrics } = await import("../../cluster/metrics.ts");
    metrics = new RunMetrics({ ...run, as: metricsAs });
    all.push(metrics);
  }
  if (xidLog !== undefined) {
    const { KernelLog } = await import("../../cluster/kernel-log.ts");
    all.push(new KernelLog({ ...run, faults: run.scenario.faults, target: xidLog }));
  }
  return { all, metrics };
}
