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

/** What a command was asked for. */
export interface WatchOptions {
  /** Is handed the metrics before the run begins, and serves them; undefined: nobody does. */
  readonly serveMetrics?: ((metrics: RunMetrics) => void) | undefined;
  readonly metricsAs?: ReadonlySet<MetricSet> | undefined;
  readonly xidLog?: KernelLogTarget | undefined;
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
export async function openWatchers(options: WatchOptions, run: WatchedRun): Promise<RunWatcher[]> {
  const { serveMetrics, metricsAs, xidLog } = options;
  const watchers: RunWatcher[] = [];
  if (serveMetrics !== undefined) {
    const { RunMetrics } = await import("../../cluster/metrics.ts");
    const metrics = new RunMetrics({ ...run, as: metricsAs });
    serveMetrics(metrics);
    watchers.push(metrics);
  }
  if (xidLog !== undefined) {
    const { KernelLog } = await import("../../cluster/kernel-log.ts");
    watchers.push(new KernelLog({ ...run, faults: run.scenario.faults, target: xidLog }));
  }
  return watchers;
}
