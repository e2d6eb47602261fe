/** Clusters that cannot be built: exact codes and texts, and the exact edge of what fits. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { topologyProblems } from "../../src/topology/problems.ts";
import { HARDWARE, NAMED, NVL72, PUBLISHED, SMALL } from "./clusters.ts";

const flat = (nodes: number, switchPorts: number): ClusterSpec => ({
  nodes,
  gpusPerNode: 1,
  planes: 1,
  switchPorts,
  ...DEFAULT_NETWORK,
});

test.each([...NAMED, ["published", PUBLISHED] as const])("none with %s", (_, cluster) => {
  expect(topologyProblems(cluster)).toEqual([]);
});

test("a spine with too few ports is named with what it needs and what would fit", () => {
  expect(topologyProblems(flat(2560, 64))).toEqual([
    {
      path: "cluster.switchPorts",
      message:
        "plane0.spine0 needs 80 ports, has 64; two layers of 64-port switches hold at most " +
        "2048 NICs a plane, this cluster has 2560",
      code: "E020",
    },
  ]);
});

test("a leaf with too few ports is named with what it needs and what would fit", () => {
  expect(topologyProblems({ ...SMALL, switchPorts: 1 })).toEqual([
    {
      path: "cluster.switchPorts",
      message:
        "plane0.leaf0 needs 2 ports, has 1; two layers of 1-port switches hold at most " +
        "1 NICs a plane, this cluster has 4",
      code: "E020",
    },
  ]);
});

test("planes that do not divide the GPUs of a node, or exceed them", () => {
  expect(topologyProblems({ ...SMALL, planes: 3 })).toEqual([
    {
      path: "cluster.planes",
      message: "8 GPUs a node do not divide over 3 planes; planes must divide gpusPerNode",
      code: "E019",
    },
  ]);
  expect(topologyProblems({ ...SMALL, planes: 16 })).toEqual([
    {
      path: "cluster.planes",
      message: "16 planes, but a node has 8 NICs; planes must divide gpusPerNode",
      code: "E020",
    },
  ]);
});

test("more than 4,096 GPUs, reported together with other problems", () => {
  expect(topologyProblems({ ...SMALL, nodes: 512 })).toEqual([]);
  expect(topologyProblems({ ...SMALL, nodes: 513, planes: 5 })).toEqual([
    {
      path: "cluster.nodes",
      message: "513 nodes x 8 GPUs are 4104 GPUs; at most 4096 are allowed",
      code: "E023",
    },
    {
      path: "cluster.planes",
      message: "8 GPUs a node do not divide over 5 planes; planes must divide gpusPerNode",
      code: "E019",
    },
  ]);
});

test("fields that are no whole numbers of 1 or more are all named", () => {
  const cluster = {
    nodes: 0,
    gpusPerNode: 1.5,
    planes: Number.NaN,
    switchPorts: -4,
    ...DEFAULT_NETWORK,
  };
  expect(topologyProblems(cluster).map(({ path, message, code }) => [path, message, code])).toEqual(
    [
      ["cluster.nodes", "must be a whole number of 1 or more, got 0", "E013"],
      ["cluster.gpusPerNode", "must be a whole number of 1 or more, got 1.5", "E013"],
      ["cluster.planes", "must be a whole number of 1 or more, got NaN", "E013"],
      ["cluster.switchPorts", "must be a whole number of 1 or more, got -4", "E013"],
    ],
  );
});

test("a shared spine with too few ports is named with what would fit on each rail", () => {
  const rails: ClusterSpec = { ...SMALL, nodes: 512, network: "mrft" };
  expect(topologyProblems({ ...rails, nodes: 256 })).toEqual([]);
  expect(topologyProblems(rails)).toEqual([
    {
      path: "cluster.switchPorts",
      message:
        "spine0 needs 128 ports, has 64; two layers of 64-port switches hold at most " +
        "256 NICs on each of 8 rails, this cluster has 512",
      code: "E020",
    },
  ]);
  expect(topologyProblems({ ...NVL72, network: "mrft" })).toEqual([
    {
      path: "cluster.switchPorts",
      message:
        "spine0 needs 72 ports, has 64; two layers of 64-port switches join at most " +
        "64 rails, this cluster has 72",
      code: "E020",
    },
  ]);
});

test("the largest plane named is the largest that is accepted, for every radix", () => {
  for (let radix = 1; radix <= 64; radix += 1) {
    const [problem] = topologyProblems(flat(4096, radix));
    const named = /at most (\d+) NICs/.exec(problem.message);
    const largest = Number(named?.[1]);
    expect(topologyProblems(flat(largest, radix)), `radix ${radix}`).toEqual([]);
    expect(topologyProblems(flat(largest + 1, radix)), `radix ${radix}`).toHaveLength(1);
  }
});

test("the largest rail named is the largest that is accepted, for every radix", () => {
  for (let radix = 1; radix <= 64; radix += 1) {
    for (const planes of [1, 2, 3, 8]) {
      const rails = (nodes: number): ClusterSpec => ({
        ...flat(nodes, radix),
        gpusPerNode: planes,
        planes,
        network: "mrft",
      });
      const where = `radix ${radix}, ${planes} rails`;
      const [problem] = topologyProblems(rails(4096 / 8));
      if (problem === undefined) continue;
      const named = /at most (\d+) (NICs|rails)/.exec(problem.message);
      if (named?.[2] === "rails") {
        expect(planes, where).toBeGreaterThan(radix);
        continue;
      }
      const largest = Number(named?.[1]);
      for (const nodes of [1, radix - 1, radix, radix + 1, largest]) {
        const fits = nodes >= 1 && nodes <= largest;
        if (fits) expect(topologyProblems(rails(nodes)), where).toEqual([]);
      }
      expect(topologyProblems(rails(largest + 1)), where).toHaveLength(1);
    }
  }
});

test("a cluster is built exactly when it has no problems", () => {
  const anyCluster = fc.record({
    nodes: fc.integer({ min: 0, max: 12 }),
    gpusPerNode: fc.integer({ min: 0, max: 8 }),
    planes: fc.integer({ min: 0, max: 8 }),
    switchPorts: fc.integer({ min: 0, max: 9 }),
    network: fc.constantFrom("mpft" as const, "mrft" as const),
  });
  fc.assert(
    fc.property(anyCluster, (fields) => {
      const cluster: ClusterSpec = { ...DEFAULT_NETWORK, ...fields };
      const make = (): unknown => makeFatTree(cluster, HARDWARE);
      if (topologyProblems(cluster).length === 0) expect(make).not.toThrow();
      else expect(make).toThrow("topology-is-possible");
    }),
    { numRuns: 200 },
  );
});
