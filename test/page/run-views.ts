/** Runs as the page is told of them, for tests of the page's pure parts. */
import { aboutRun } from "../../scripts/commands/page-about.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { RunView, StateView } from "../../src/observe/view-api.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** A run of so many nodes with eight GPUs each. */
export function runOf(nodes: number, more: Partial<Scenario["cluster"]> = {}): RunView {
  const tiny = tinyScenario();
  const cluster = { ...tiny.cluster, nodes, gpusPerNode: 8, planes: 8, switchPorts: 64, ...more };
  const scenario = { ...tiny, cluster };
  const topology = makeFatTree(cluster, scenario.hardware);
  const run = { faultplane: "test", runId: "r", scenario, topology, isBlind: false };
  return { ...aboutRun(run), isLive: false };
}

/** A fleet in which nothing is wrong. */
export const CALM: StateView = {
  ...{ atPs: 0, faults: [], masked: [], out: [], trapped: [], ranksFinished: 0 },
  ...{ layersDone: 0, layersTotal: 1, combined: 0, masksTotal: 0, mismatches: 0 },
  use: { fromPs: 0, spanPs: 1, permille: "" },
};
