/**
 * NICs with a port on every plane: wiring, rates, what fits, and the ways between GPUs, none of
 * which needs a hop over NVLink.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { censusLines } from "../../scripts/commands/topology.ts";
import type { ClusterSpec, PlacementName } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { takeCensus } from "../../src/topology/census.ts";
import { makePathFinder } from "../../src/topology/paths.ts";
import { crossingPeers, placeActors } from "../../src/topology/placement.ts";
import { topologyProblems } from "../../src/topology/problems.ts";
import { build, CROOKED, HARDWARE, PUBLISHED, SMALL, W128 } from "./clusters.ts";

const ported = (cluster: ClusterSpec): ClusterSpec => ({ ...cluster, nicPorts: "multi-port" });

/** Rate of all leaf-spine links together, against that of a NIC. */
function trunkRate(topology: Topology): number {
  const { actors, lanes } = topology;
  const trunks = lanes.filter(
    ({ from, to }) => actors[from].kind === "leaf" && actors[to].kind === "spine",
  );
  return trunks.reduce((sum, { lane }) => sum + HARDWARE.nicToLeaf.psPerByte / lane.psPerByte, 0);
}

const anyCluster: fc.Arbitrary<ClusterSpec> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 8 }),
    gpusPerNode: fc.integer({ min: 1, max: 4 }),
    planes: fc.integer({ min: 1, max: 5 }),
    switchPorts: fc.integer({ min: 2, max: 24 }),
  })
  .map((numbers) => ported({ ...SMALL, ...numbers }))
  .filter((cluster) => topologyProblems(cluster).length === 0);

describe("a multi-port fleet", () => {
  test("has every NIC on every plane, port 1 + p on plane p, in the same place of each", () => {
    const topology = build(ported(SMALL));
    const nic = topology.indexOf("node2.nic3");
    const out = topology.lanes.filter((lane) => lane.from === nic);
    expect(out.map((lane) => [lane.fromPort, lane.link])).toEqual([
      [0, "node2.gpu3--node2.nic3"],
      ...Array.from({ length: 8 }, (_, plane) => [1 + plane, `node2.nic3--plane${plane}.leaf0`]),
    ]);
    expect(new Set(out.slice(1).map((lane) => lane.toPort))).toEqual(new Set([2 * 8 + 3]));
    expect(topology.actors[nic]).toMatchObject({ plane: -1, ports: 9 });
    expect(topology.actors[topology.indexOf("node2.gpu3")]).toMatchObject({ plane: -1, ports: 2 });
  });

  test("has planes of all NICs: as many leaves and spines as one plane of that size", () => {
    const census = takeCensus(build(ported(SMALL)));
    expect(census.planes).toHaveLength(8);
    expect(census.planes[7]).toEqual({ plane: 7, nics: 32, leaves: 1, spines: 0 });
    expect([census.nics, census.links.nicLeaf, census.links.gpuNic]).toEqual([32, 256, 32]);
    const large = takeCensus(build(ported(PUBLISHED)));
    // 2,048 NICs: the most that two layers of 64-port switches hold.
    expect(large.planes[0]).toEqual({ plane: 0, nics: 2048, leaves: 64, spines: 32 });
    expect(censusLines(large).join("\n")).toContain(
      "planes 0-7, each   2048 NICs, 64 leaf switches, 32 spine switches",
    );
  });

  test("has links of 1/planes of the rate, so that the bisection is the one-port fleet's", () => {
    const topology = build(ported(SMALL));
    const { actors, lanes } = topology;
    const port = lanes.find(
      ({ from, to }) => actors[from].kind === "nic" && actors[to].kind === "leaf",
    );
    expect(port?.lane).toEqual({
      ...HARDWARE.nicToLeaf,
      psPerByte: HARDWARE.nicToLeaf.psPerByte * 8,
      psPerRequest: HARDWARE.nicToLeaf.psPerRequest * 8,
    });
    const gpu = lanes.find(({ link }) => link === "node0.gpu0--node0.nic0");
    expect([HARDWARE.gpuToNic, HARDWARE.nicToGpu]).toContain(gpu?.lane);
    // 128 NICs and 32 ports: one plane of 8 leaves and 4 spines, or eight of them.
    const large = { ...SMALL, nodes: 16, switchPorts: 32, planes: 1 };
    const one = trunkRate(build(large));
    expect(one).toBe(128);
    expect(trunkRate(build(ported({ ...large, planes: 8 })))).toBeCloseTo(one, 6);
  });

  test("uses every port once and every link both ways on random clusters", () => {
    fc.assert(
      fc.property(anyCluster, (cluster) => {
        const { actors, lanes } = build(cluster);
        expect(lanes.map((lane) => [lane.from, lane.fromPort])).toEqual(
          actors.flatMap(({ ports }, actor) =>
            Array.from({ length: ports }, (_, port) => [actor, port]),
          ),
        );
        for (const actor of actors) {
          const isSwitch = actor.kind === "leaf" || actor.kind === "spine";
          if (isSwitch) expect(actor.ports).toBeLessThanOrEqual(cluster.switchPorts);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("is placed like any other: a worker for each node and plane, which all meet", () => {
    const topology = build(ported(SMALL));
    const placement = placeActors(topology, "node", 1);
    expect(placement.workers.map(({ label }) => label)).toEqual([
      ...[0, 1, 2, 3].map((node) => `node${node}`),
      ...[0, 1, 2, 3, 4, 5, 6, 7].map((plane) => `plane${plane}`),
    ]);
    expect(crossingPeers(topology, placement)).toHaveLength(4 * 8);
    for (const name of ["pack", "actor", "single"] satisfies PlacementName[]) {
      const { workerOf } = placeActors(topology, name, 5);
      expect(workerOf.every((worker) => worker >= 0)).toBe(true);
    }
  });
});

describe("a multi-port fleet that cannot be built", () => {
  test("has too few switch ports for all NICs on one plane, and is told so", () => {
    expect(topologyProblems(ported(PUBLISHED))).toEqual([]);
    expect(topologyProblems(ported({ ...PUBLISHED, nodes: 257 }))).toEqual([
      {
        path: "cluster.switchPorts",
        message:
          "plane0.spine0 needs 65 ports, has 64; two layers of 64-port switches hold at most 2048 " +
          "NICs a plane, this cluster has 2056; multi-port NICs are on every plane",
        code: "E020",
      },
    ]);
  });

  test("has rails, or more planes than a NIC has ports", () => {
    expect(topologyProblems(ported({ ...SMALL, network: "mrft" }))).toEqual([
      {
        path: "cluster.nicPorts",
        message:
          "multi-port NICs have a port on each plane of network mpft; rails (mrft) join one-port " +
          "NICs",
        code: "E019",
      },
    ]);
    expect(topologyProblems(ported({ ...SMALL, planes: 73 }))).toMatchObject([
      { path: "cluster.planes", code: "E013" },
    ]);
  });

  test("need not have planes that divide the GPUs of a node", () => {
    expect(topologyProblems(ported({ ...SMALL, planes: 3 }))).toEqual([]);
    expect(topologyProblems(ported({ ...SMALL, gpusPerNode: 1, planes: 4 }))).toEqual([]);
  });
});

describe("a path of a multi-port fleet", () => {
  const idsOf = (topology: Topology, actors: readonly number[]): string[] =>
    actors.map((actor) => topology.actors[actor].id);

  test("leads from the sender's NIC over all planes straight to the receiver's", () => {
    const cluster = ported({ ...SMALL, planes: 3 });
    const topology = build(cluster);
    const find = makePathFinder(topology, cluster, { acknowledgements: false });
    const path = find(topology.indexOf("node0.gpu1"), topology.indexOf("node3.gpu6"));
    expect(idsOf(topology, path.actors)).toEqual([
      "node0.gpu1",
      "node0.nic1",
      "plane0.leaf0",
      "node3.nic6",
      "plane1.leaf0",
      "plane2.leaf0",
      "node3.gpu6",
    ]);
    expect(path.lanes.map((lane) => topology.lanes[lane].link)).toEqual([
      "node0.gpu1--node0.nic1",
      "node0.nic1--plane0.leaf0",
      "node3.nic6--plane0.leaf0",
      "node0.nic1--plane1.leaf0",
      "node3.nic6--plane1.leaf0",
      "node0.nic1--plane2.leaf0",
      "node3.nic6--plane2.leaf0",
      "node3.gpu6--node3.nic6",
    ]);
  });

  test("holds the acknowledgement's ways back over all planes, and needs no NVSwitch", () => {
    const cluster = ported({ ...CROOKED, planes: 2 });
    const topology = build(cluster);
    const path = makePathFinder(topology, cluster)(
      topology.indexOf("node0.gpu0"),
      topology.indexOf("node6.gpu3"),
    );
    const ids = idsOf(topology, path.actors);
    expect(ids.some((id) => id.includes("nvswitch"))).toBe(false);
    const from = path.lanes.map((lane) => topology.lanes[lane].from);
    for (const nic of ["node0.nic0", "node6.nic3"]) {
      expect(from.filter((actor) => actor === topology.indexOf(nic)).length).toBeGreaterThan(1);
    }
  });

  test("inside a node crosses the NVSwitch, or the network where that is asked for", () => {
    const cluster = ported(SMALL);
    const topology = build(cluster);
    const [from, to] = [topology.indexOf("node1.gpu0"), topology.indexOf("node1.gpu7")];
    expect(idsOf(topology, makePathFinder(topology, cluster)(from, to).actors)).toEqual([
      "node1.gpu0",
      "node1.nvswitch",
      "node1.gpu7",
    ]);
    const rdma = makePathFinder(topology, cluster, { intraNode: "rdma" })(from, to);
    expect(idsOf(topology, rdma.actors)).toContain("plane5.leaf0");
  });
});

test("with any uplink a path holds all spines, and the one that the table names among them", () => {
  const topology = build(W128);
  const [from, to] = [topology.indexOf("node3.gpu0"), topology.indexOf("node100.gpu0")];
  const options = { acknowledgements: false };
  const table = makePathFinder(topology, W128, options)(from, to);
  const every = makePathFinder(topology, W128, { ...options, anyUplink: true })(from, to);
  const spines = every.actors.filter((actor) => topology.actors[actor].kind === "spine");
  expect(spines).toHaveLength(8);
  expect(every.lanes).toEqual(expect.arrayContaining([...table.lanes]));
  expect(every.lanes).toHaveLength(table.lanes.length + 2 * 7);
  const adaptive: ClusterSpec = { ...W128, switchRouting: "adaptive" };
  expect(makePathFinder(topology, adaptive, options)(from, to)).toEqual(every);
});
