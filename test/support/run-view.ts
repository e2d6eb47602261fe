/** Runs as the page is told of them: any cluster, with no run behind it. */
import { aboutRun } from "../../scripts/commands/page-about.ts";
import { FleetIndex } from "../../scripts/page/fleet/fleet-index.ts";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { encodeUse } from "../../src/observe/lane-use.ts";
import type { RunView, StateView } from "../../src/observe/view-api.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "./scenarios.ts";

/** The view of a run on 4 nodes of 8 GPUs on 8 planes, or as `changes` say. */
export function runViewOf(changes: Partial<ClusterSpec> = {}): RunView {
  const cluster: ClusterSpec = {
    ...{ nodes: 4, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    ...changes,
  };
  const scenario = tinyScenario({ cluster });
  const topology = makeFatTree(cluster, scenario.hardware);
  const run = {
    faultplane: "0.0.0",
    runId: "test",
    title: "tiny",
    scenario,
    topology,
    isBlind: false,
  };
  return { ...aboutRun(run), isLive: true };
}

export function fleetOf(changes: Partial<ClusterSpec> = {}): FleetIndex {
  return new FleetIndex(runViewOf(changes));
}

/** A state in which nothing is wrong, or what `changes` say; use in thousandths by lane. */
export function stateOf(
  { run }: FleetIndex,
  changes: Partial<StateView> = {},
  use: ReadonlyMap<number, number> = new Map(),
): StateView {
  const permille = run.lanes.from.map((_, lane) => use.get(lane) ?? 0);
  return {
    ...{ atPs: 1e9, faults: [], masked: [], givenUp: 0, out: [], trapped: [], ranksFinished: 0 },
    ...{ layersDone: 0, layersTotal: 1, combined: 0, masksTotal: 0, mismatches: 0 },
    use: { fromPs: 0, spanPs: 1e8, permille: encodeUse(permille) },
    ...changes,
  };
}
