/** What the fleet of a scenario is to do, for those who tell how far it is. */
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { FleetPlan } from "../src/observe/layer-progress.ts";
import { makeSchedule } from "../src/workload/schedules.ts";

export function fleetPlanOf(scenario: Scenario, { actors }: Topology): FleetPlan {
  const { layers, steps } = scenario.workload;
  return {
    gpus: actors.filter(({ kind }) => kind === "gpu").map(({ id }) => id),
    layers,
    steps,
    chains: makeSchedule(scenario).chains,
    retries: scenario.transport.retryCount,
  };
}
