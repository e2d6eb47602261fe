/**
 * Clusters that the topology tests share: published and default shapes, and a generator of random
 * ones that can be built. It asserts nothing.
 */
import fc from "fast-check";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { topologyProblems } from "../../src/topology/problems.ts";

export const HARDWARE = HARDWARE_PRESETS["h800-infiniband"];

/** The paper's cluster: 2,048 GPUs, 8 planes, 64 ports. */
export const PUBLISHED: ClusterSpec = {
  nodes: 256,
  gpusPerNode: 8,
  planes: 8,
  switchPorts: 64,
  ...DEFAULT_NETWORK,
};
/** The default scenario's. */
export const SMALL: ClusterSpec = {
  nodes: 4,
  gpusPerNode: 8,
  planes: 8,
  switchPorts: 64,
  ...DEFAULT_NETWORK,
};
/** 128 hosts, 16 leaves of 8 hosts, 8 spines. */
export const W128: ClusterSpec = {
  nodes: 128,
  gpusPerNode: 1,
  planes: 1,
  switchPorts: 16,
  ...DEFAULT_NETWORK,
};
/** Parallel links, a last leaf that is not full, and two NICs of a node on each plane. */
export const CROOKED: ClusterSpec = {
  nodes: 7,
  gpusPerNode: 4,
  planes: 2,
  switchPorts: 8,
  ...DEFAULT_NETWORK,
};

/** One NVLink domain of 72 GPUs with a NIC on a plane of its own each. */
export const NVL72: ClusterSpec = {
  nodes: 1,
  gpusPerNode: 72,
  planes: 72,
  switchPorts: 64,
  ...DEFAULT_NETWORK,
};

export const NAMED: readonly (readonly [string, ClusterSpec])[] = [
  ["4 nodes x 8, 8 planes", SMALL],
  ["W128", W128],
  ["crooked", CROOKED],
  ["one GPU", { nodes: 1, gpusPerNode: 1, planes: 1, switchPorts: 1, ...DEFAULT_NETWORK }],
  ["odd radix", { nodes: 5, gpusPerNode: 6, planes: 3, switchPorts: 7, ...DEFAULT_NETWORK }],
  [
    "ten planes or more",
    { nodes: 3, gpusPerNode: 12, planes: 12, switchPorts: 4, ...DEFAULT_NETWORK },
  ],
  ["4 nodes x 8, 8 rails", { ...SMALL, network: "mrft" }],
  ["crooked rails", { ...CROOKED, network: "mrft", switchRouting: "ecmp" }],
  ["one rail", { ...W128, network: "mrft" }],
  ["72 GPUs and planes in one node", NVL72],
  ["two NVL72", { ...NVL72, nodes: 2, planes: 8 }],
];

export const build = (cluster: ClusterSpec): Topology => makeFatTree(cluster, HARDWARE);

/** Random clusters of up to 120 GPUs that can be built, of both networks and one way a flow. */
export const buildableCluster: fc.Arbitrary<ClusterSpec> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 15 }),
    gpusPerPlane: fc.integer({ min: 1, max: 4 }),
    planes: fc.integer({ min: 1, max: 4 }),
    switchPorts: fc.integer({ min: 1, max: 24 }),
    network: fc.constantFrom("mpft", "mrft"),
    switchRouting: fc.constantFrom("static", "ecmp"),
  })
  .map(({ nodes, gpusPerPlane, planes, switchPorts, network, switchRouting }) => ({
    ...DEFAULT_NETWORK,
    nodes,
    gpusPerNode: gpusPerPlane * planes,
    planes,
    switchPorts,
    network,
    switchRouting,
  }))
  .filter((cluster) => topologyProblems(cluster).length === 0);
