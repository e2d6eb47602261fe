/**
 * The shape of one network plane: how many leaves and spines a two-layer fat tree of switches with
 * a given radix needs. Every plane of a cluster has the same shape. Only arithmetic: whether the
 * ports suffice is asked in problems.ts, and the graph is built in fat-tree.ts.
 */
import type { ClusterSpec } from "../model/scenario.ts";

/** Two-layer fat tree of one plane; without spines it is a single leaf. */
export interface PlaneShape {
  /** NICs on the plane: nodes x gpusPerNode / planes. */
  readonly nics: number;
  /** NICs that one leaf serves: NIC number m sits on leaf floor(m / down). */
  readonly down: number;
  readonly leaves: number;
  /** 0 when one leaf serves the whole plane. */
  readonly spines: number;
  /** Links between one leaf and one spine; 0 without spines. */
  readonly parallel: number;
  /** Ports in use on leaf 0, the fullest one. */
  readonly leafPorts: number;
  /** Ports in use on every spine; 0 without spines. */
  readonly spinePorts: number;
}

/**
 * Shape of a plane of `cluster`, non-blocking (a leaf has as many links up as down), after arXiv
 * 2505.09343: 256 NICs and 64 ports make 8 leaves and 4 spines. `planes` must divide `gpusPerNode`.
 * With a cluster too large for the radix, the shape says how many ports would be needed.
 */
export function planeShapeOf(cluster: ClusterSpec): PlaneShape {
  const radix = cluster.switchPorts;
  const nics = (cluster.nodes * cluster.gpusPerNode) / cluster.planes;
  if (nics <= radix) {
    return { nics, down: nics, leaves: 1, spines: 0, parallel: 0, leafPorts: nics, spinePorts: 0 };
  }
  const down = radix < 2 ? 1 : Math.floor(radix / 2);
  const leaves = Math.ceil(nics / down);
  let spines = Math.min(down, Math.ceil((leaves * down) / radix));
  while (down % spines !== 0) spines += 1;
  const parallel = down / spines;
  const spinePorts = leaves * parallel;
  return { nics, down, leaves, spines, parallel, leafPorts: 2 * down, spinePorts };
}

/** The most NICs that a plane of two layers of switches with `radix` ports can hold. */
export function largestPlane(radix: number): number {
  return Math.max(radix, radix * Math.floor(radix / 2));
}

/**
 * NIC's number on its plane, from its node and its number in the node: the order of its leaf ports.
 */
export function nicNumberOf(cluster: ClusterSpec, node: number, ordinal: number): number {
  return node * (cluster.gpusPerNode / cluster.planes) + Math.floor(ordinal / cluster.planes);
}
