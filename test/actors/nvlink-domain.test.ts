/** NVLink domains of 72 GPUs run like nodes of 8: inside one, and over the network between two. */
import { expect, it } from "vitest";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

const NVL72: ClusterSpec = {
  ...DEFAULT_NETWORK,
  nodes: 1,
  gpusPerNode: 72,
  planes: 72,
  switchPorts: 64,
};

it.each([
  ["one, with a plane for each NIC", NVL72],
  ["two, on eight planes", { ...NVL72, nodes: 2, planes: 8 }],
  ["two, on eight rails", { ...NVL72, nodes: 2, planes: 8, network: "mrft" as const }],
])("NVL72: %s", (_, cluster) => {
  const epSize = cluster.nodes * cluster.gpusPerNode;
  const scenario = tinyScenario({
    cluster,
    model: { ...TINY_MODEL, n_routed_experts: epSize * 2, n_group: 1, topk_group: 1 },
    workload: { epSize, layers: [1], tokensPerGpu: 2 },
    routing: { source: "uniform" },
  });
  const one = runInMemory(scenario);
  expectHealthy(one);
  expect(one.assignments.combined).toBe(epSize * 2 * 2);
  expect(runInMemory(scenario, { placement: "pack", workers: 3 }).digest).toBe(one.digest);
});
