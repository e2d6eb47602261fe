/** Reports of small scenarios with faults, as a drill that is over makes them. */
import { attribute, linksOf } from "../../src/drill/attribution.ts";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import type { Drill } from "../../src/drill/drill.ts";
import type { DrillRecord } from "../../src/drill/drill-record.ts";
import { type DrillReport, makeDrillReport } from "../../src/drill/drill-report.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import { Timeline } from "../../src/drill/timeline.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type Traced, traced } from "./runs.ts";

const HOST: DrillReport["host"] = {
  node: "20",
  platform: "test",
  startedAt: "2026-01-01T00:00:00.000Z",
  endedAt: "2026-01-01T00:00:02.000Z",
  wallSeconds: 2,
  twinSeconds: 0.5,
  chainSeconds: 0,
  lagSeconds: 0,
  events: 1,
  windows: 1,
  processes: 1,
  peakRssBytes: 1,
};

function measured(scenario: Scenario, { result, trace }: Traced): MeasuredRun {
  const series = new RunSeries(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  series.take(result.facts);
  return { series, trace, end: { ...result, maxLagSeconds: 0 } };
}

/** The report of a scenario with its faults. */
export function reportOf(scenario: Scenario, record: Partial<DrillRecord> = {}): DrillReport {
  const links = linksOf(scenario.faults);
  const twin = traced({ ...scenario, faults: [] });
  const run = traced(scenario);
  const timeline = new Timeline();
  timeline.take(run.result.facts);
  const drill: Drill = {
    title: "A tiny drill",
    description: "It teaches nothing.",
    tags: [],
    scenario,
    method: [],
    rollbacks: [],
    controls: [],
    strategies: {
      hypothesis: "default",
      frequencyPs: PS_PER_MS,
      failFast: false,
      rollbacks: "default",
    },
    stop: { afterPs: 1e12, when: [] },
    leastTraffic: 0,
  };
  const whole: DrillRecord = {
    status: "completed",
    deviated: false,
    checks: [],
    activities: [],
    rollbacks: [],
    rollbacksRun: false,
    timeline: [],
    faults: [],
    methodEndPs: 0,
    methodDone: true,
    trafficBefore: 0,
    endPs: run.trace.endPs,
    ...record,
  };
  return makeDrillReport({
    drill,
    verdict: "PASS",
    reasons: [],
    end: run.result.end,
    identity: {
      faultplane: "0",
      runId: "r",
      digest: run.result.digest,
      twinDigest: twin.result.digest,
      scenarioHash: "h",
      seed: "1",
      placement: "single",
      speed: "max",
      runDir: "/runs/r",
    },
    record: whole,
    faults: scenario.faults,
    run: measured(scenario, run),
    twin: measured(scenario, twin),
    attribution: attribute({
      links: links.length > 1 ? [links.flat()] : links,
      chain: [twin.trace, run.trace],
      assignments: run.result.assignments,
      twinAssignments: twin.result.assignments,
      byFault: run.result.byFault,
    }),
    timeline: timeline.lines(whole.timeline),
    host: HOST,
  });
}
