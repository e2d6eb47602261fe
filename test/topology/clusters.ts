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
];

export const build = (cluster: ClusterSpec): Topology => makeFatTree(cluster, HARDWARE);

/** Random clusters of up to 120 GPUs that can be built. */
export const buildableCluster: fc.Arbitrary<ClusterSpec> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 15 }),
    gpusPerPlane: fc.integer({ min: 1, max: 4 }),
    planes: fc.integer({ min: 1, max: 4 }),
    switchPorts: fc.integer({ min: 1, max: 24 }),
  })
  .map(({ nodes, gpusPerPlane, planes, switchPorts }) => ({
    nodes,
    gpusPerNode: gpusPerPlane * planes,
    planes,
    switchPorts,
    ...DEFAULT_NETWORK,
  }))
  .filter((cluster) => topologyProblems(cluster).length === 0);
