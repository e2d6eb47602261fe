/**
 * The shape of a two-layer fat tree of switches with a given radix: how many leaves and spines one
 * network plane needs (MPFT), or all rails together (MRFT). Every plane of a cluster has the same
 * leaves. Only arithmetic: whether the ports suffice is asked in problems.ts, and the graph is
 * built in fat-tree.ts.
 */
import type { ClusterSpec } from "../model/scenario.ts";

/** Leaves of one plane (rail), and the spines above them; without spines it is a single leaf. */
export interface PlaneShape {
  /** NICs on the plane: nodes x gpusPerNode / planes; of multi-port NICs all of them. */
  readonly nics: number;
  /** NICs that one leaf serves: NIC number m sits on leaf floor(m / down). */
  readonly down: number;
  /** Leaves of one plane. */
  readonly leaves: number;
  /** Do the leaves of all planes share the spines (MRFT)? */
  readonly joined: boolean;
  /** Links from one leaf to all spines; 0 without spines. */
  readonly uplinks: number;
  /** Spines of one plane, or of all rails together; 0 when there is only one leaf to join. */
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
 * 2505.09343: 256 NICs and 64 ports make 8 leaves and 4 spines. In an MRFT of 8 such rails 64
 * leaves share 32 spines. Where one leaf serves a whole rail it has as many links up as it has
 * ports left, up to its links down; rails of one full leaf are divided, so that they can be joined.
 * `planes` must divide `gpusPerNode` unless NICs are multi-port. With a cluster too large for the
 * radix, the shape says how many ports would be needed.
 */
export function planeShapeOf(cluster: ClusterSpec): PlaneShape {
  const radix = cluster.switchPorts;
  const nics = cluster.nodes * nicsOnPlane(cluster);
  const joined = cluster.network === "mrft";
  const hasOneLeaf = nics <= largestLeaf(cluster);
  const down = hasOneLeaf ? nics : halfOf(radix);
  const leaves = Math.ceil(nics / down);
  const above = joined ? leaves * cluster.planes : leaves;
  if (above === 1) {
    const none = { uplinks: 0, spines: 0, parallel: 0, spinePorts: 0 };
    return { nics, down, leaves, joined, leafPorts: nics, ...none };
  }
  const uplinks = hasOneLeaf ? Math.min(down, radix - down) : down;
  let spines = Math.min(uplinks, Math.ceil((above * uplinks) / radix));
  while (uplinks % spines !== 0) spines += 1;
  const parallel = uplinks / spines;
  const spinePorts = above * parallel;
  const leafPorts = down + uplinks;
  return { nics, down, leaves, joined, uplinks, spines, parallel, leafPorts, spinePorts };
}

/** Place of a leaf among all leaves that its spines join: the order of their ports. */
export function leafPlaceOf(shape: PlaneShape, plane: number, leaf: number): number {
  return shape.joined ? plane * shape.leaves + leaf : leaf;
}

/**
 * The most NICs that a plane (rail) of `cluster` can hold in two layers of its switches; 0 when
 * there are more rails to join than a spine has ports.
 */
export function largestPlane(cluster: ClusterSpec): number {
  const radix = cluster.switchPorts;
  const rails = cluster.network === "mrft" ? cluster.planes : 1;
  if (rails > radix) return 0;
  return Math.max(largestLeaf(cluster), Math.floor(radix / rails) * Math.floor(radix / 2));
}

/** The most NICs of a plane that one leaf alone serves: rails need a port for an uplink. */
function largestLeaf({ network, planes, switchPorts }: ClusterSpec): number {
  return network === "mrft" && planes > 1 ? switchPorts - 1 : switchPorts;
}

/** Ports down, and as many up, of a leaf that is one of several. */
function halfOf(radix: number): number {
  return Math.max(1, Math.floor(radix / 2));
}

/** Does every NIC have a port on each plane? */
export function isMultiPort(cluster: ClusterSpec): boolean {
  return cluster.nicPorts === "multi-port";
}

/** Network ports of one NIC. */
export function portsOfNic(cluster: ClusterSpec): number {
  return isMultiPort(cluster) ? cluster.planes : 1;
}

/** Plane of the network port with a number, from 0, of the NIC in a place of its node. */
export function planeOfPort(cluster: ClusterSpec, ordinal: number, port: number): number {
  return isMultiPort(cluster) ? port : ordinal % cluster.planes;
}

/**
 * NIC's number on its plane, from its node and its number in the node: the order of its leaf ports.
 * A multi-port NIC has the same number on every plane.
 */
export function nicNumberOf(cluster: ClusterSpec, node: number, ordinal: number): number {
  const inNode = isMultiPort(cluster) ? ordinal : Math.floor(ordinal / cluster.planes);
  return node * nicsOnPlane(cluster) + inNode;
}

/** NICs of one node on each plane. */
function nicsOnPlane(cluster: ClusterSpec): number {
  return isMultiPort(cluster) ? cluster.gpusPerNode : cluster.gpusPerNode / cluster.planes;
}
