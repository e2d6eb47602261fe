/** Drills of small fleets for tests, and how they are run: twin first, then under a director. */
import type { Activity, Drill, Hypothesis } from "../../src/drill/drill.ts";
import { DrillDirector } from "../../src/drill/drill-director.ts";
import type { DrillRecord } from "../../src/drill/drill-record.ts";
import type { RunEnd } from "../../src/drill/run-end.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import { type Judgement, judgeDrill } from "../../src/drill/verdict.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";

/** A drill of `scenario` that does nothing, with changes. */
export function drillWith(scenario: Scenario, changes: Partial<Drill> = {}): Drill {
  return {
    title: "a drill",
    description: "",
    tags: [],
    scenario,
    method: [],
    rollbacks: [],
    controls: [],
    strategies: {
      hypothesis: "default",
      frequencyPs: PS_PER_S / 100,
      failFast: false,
      rollbacks: "default",
    },
    stop: { afterPs: 20 * PS_PER_S, when: [] },
    leastTraffic: 0,
    ...changes,
  };
}

/** An action that injects a fault whose times count from when it is due. */
export function inject(fault: FaultSpec, pauseBeforePs = 0, pauseAfterPs = 0): Activity {
  const act = { func: "inject", fault, since: "due" } as const;
  return { type: "action", name: `inject ${fault.name}`, act, pauseBeforePs, pauseAfterPs };
}

/** A hypothesis of one probe: a measure within [least, most]. */
export function holds(
  measure: string,
  least: number,
  most: number,
  args: Hypothesis["probes"][number]["arguments"] = {},
  over: Hypothesis["probes"][number]["over"] = "run",
): Hypothesis {
  const tolerance = { type: "range", least, most } as const;
  const probe = {
    type: "probe",
    name: measure,
    measure,
    arguments: args,
    over,
    tolerance,
  } as const;
  return { title: `${measure} is right`, probes: [probe] };
}

export interface DrillRun {
  readonly result: InMemoryResult;
  readonly record: DrillRecord;
  readonly judgement: Judgement;
  readonly healthy: RunSeries;
  readonly series: RunSeries;
}

/** The end of a run as the cluster tells it. */
export function endOf(result: InMemoryResult): RunEnd {
  return { ...result, maxLagSeconds: 0 } as RunEnd;
}

/** Runs a drill and its twin. */
export function runDrill(drill: Drill, placement: PlacementName = "single"): DrillRun {
  const { scenario } = drill;
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const healthy = new RunSeries(scenario, topology);
  healthy.take(runInMemory({ ...scenario, faults: [] }).facts);
  const director = new DrillDirector({ drill, topology, healthy });
  const result = runInMemory(scenario, { placement, director });
  const end = endOf(result);
  const record = director.finish(end);
  const series = new RunSeries(scenario, topology);
  series.take(result.facts);
  return { result, record, judgement: judgeDrill(drill, record, end), healthy, series };
}
