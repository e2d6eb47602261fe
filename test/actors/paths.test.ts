/**
 * The way of every token copy, link by link: what the devices do is what the path finder says,
 * which names faults. A copy for another plane goes over NVLink to the GPU that owns it.
 */
import { describe, expect, it } from "vitest";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { makePathFinder } from "../../src/topology/paths.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

/** Links that each token copy of a run crossed, by copy. */
function waysOf(cluster: ClusterSpec): Map<string, { from: string; to: string; links: string[] }> {
  const epSize = cluster.nodes * cluster.gpusPerNode;
  const scenario = tinyScenario({
    cluster,
    model: { ...TINY_MODEL, n_routed_experts: epSize * 4, n_group: 1, topk_group: 1 },
    workload: { epSize, layers: [1] },
    routing: { source: "uniform" },
    run: { logPackets: true },
  });
  const ways = new Map<string, { from: string; to: string; links: string[] }>();
  for (const { fact } of runInMemory(scenario).facts) {
    if (fact.type !== "packet.delivered" || fact.kind !== "dispatch") continue;
    const key = [fact.origin, fact.destination, fact.token, fact.slot].join(" ");
    const way = ways.get(key) ?? { from: fact.origin, to: fact.destination, links: [] };
    way.links.push(fact.link);
    ways.set(key, way);
  }
  return ways;
}

describe("the way of a token copy", () => {
  it.each([
    [
      "one leaf a plane",
      { nodes: 2, gpusPerNode: 4, planes: 4, switchPorts: 8, ...DEFAULT_NETWORK },
    ],
    [
      "leaves and spines",
      { nodes: 6, gpusPerNode: 2, planes: 2, switchPorts: 4, ...DEFAULT_NETWORK },
    ],
    [
      "fewer planes than GPUs a node",
      { nodes: 3, gpusPerNode: 4, planes: 2, switchPorts: 4, ...DEFAULT_NETWORK },
    ],
    [
      "leaves and spines, by ECMP",
      {
        ...DEFAULT_NETWORK,
        nodes: 6,
        gpusPerNode: 2,
        planes: 2,
        switchPorts: 4,
        switchRouting: "ecmp",
      },
    ],
    [
      "rails that share spines",
      {
        ...DEFAULT_NETWORK,
        nodes: 6,
        gpusPerNode: 2,
        planes: 2,
        switchPorts: 6,
        network: "mrft",
      },
    ],
    [
      "rails that share spines, by ECMP",
      {
        ...DEFAULT_NETWORK,
        nodes: 7,
        gpusPerNode: 2,
        planes: 2,
        switchPorts: 8,
        network: "mrft",
        switchRouting: "ecmp",
      },
    ],
  ] as const)("is the path finder's: %s", (_, cluster) => {
    const topology = makeFatTree(cluster, tinyScenario().hardware);
    const pathOf = makePathFinder(topology, cluster, { acknowledgements: false });
    const ways = waysOf(cluster);
    expect(ways.size).toBeGreaterThan(20);
    for (const { from, to, links } of ways.values()) {
      const { lanes } = pathOf(topology.indexOf(from), topology.indexOf(to));
      expect(links, `${from} to ${to}`).toEqual(lanes.map((lane) => topology.lanes[lane].link));
    }
  });

  it.each([
    ["mpft", 4],
    ["mrft", 6],
  ] as const)("under adaptive routing is one of its: %s", (network, switchPorts) => {
    const cluster: ClusterSpec = {
      ...DEFAULT_NETWORK,
      nodes: 6,
      gpusPerNode: 2,
      planes: 2,
      switchPorts,
      network,
      switchRouting: "adaptive",
    };
    const topology = makeFatTree(cluster, tinyScenario().hardware);
    const pathOf = makePathFinder(topology, cluster, { acknowledgements: false });
    const used = new Set<string>();
    for (const { from, to, links } of waysOf(cluster).values()) {
      const { lanes } = pathOf(topology.indexOf(from), topology.indexOf(to));
      const known = new Set(lanes.map((lane) => topology.lanes[lane].link));
      expect(known, `${from} to ${to}`).toEqual(new Set([...known, ...links]));
      for (const link of links) if (link.includes("spine")) used.add(link);
    }
    expect(used.size).toBeGreaterThan(6);
  });

  it("to another plane first crosses NVLink to the local owner of that plane", () => {
    const ways = waysOf({
      nodes: 2,
      gpusPerNode: 4,
      planes: 4,
      switchPorts: 8,
      ...DEFAULT_NETWORK,
    });
    const crossing = [...ways.values()].filter(
      ({ from, to }) => from === "node0.gpu0" && to === "node1.gpu3",
    );
    expect(crossing.length).toBeGreaterThan(0);
    expect(crossing[0].links).toEqual([
      "node0.gpu0--node0.nvswitch",
      "node0.gpu3--node0.nvswitch",
      "node0.gpu3--node0.nic3",
      "node0.nic3--plane3.leaf0",
      "node1.nic3--plane3.leaf0",
      "node1.gpu3--node1.nic3",
    ]);
  });
});
