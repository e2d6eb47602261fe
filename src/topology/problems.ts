/**
 * What is wrong with the cluster a user asked for, before anything is built from it. It finds all
 * problems at once and words them for people; where in the file they stand is the caller's part.
 */
import type { ClusterSpec } from "../model/scenario.ts";
import { isMultiPort, largestPlane, planeShapeOf } from "./plane-shape.ts";

/** One reason why a cluster cannot be built. */
export interface TopologyProblem {
  /** Field of the scenario, `cluster.planes`. */
  readonly path: string;
  /** What was found; what is allowed. */
  readonly message: string;
  /** Error code of the catalogue, `E020`. */
  readonly code: string;
}

/** The largest cluster that is built, GPUs: twice the published one. */
export const MAX_GPUS = 4_096;
/** The most ports that a NIC can have: the most planes that a scenario file may ask for. */
const MAX_NIC_PORTS = 72;

/**
 * All problems of `cluster`, empty when it can be built. Codes: E013 not a whole number of 1 or
 * more, E019 does not divide or go together, E020 too few ports, E023 too large.
 */
export function topologyProblems(cluster: ClusterSpec): TopologyProblem[] {
  const problems = fieldProblems(cluster);
  if (problems.length > 0) return problems;
  const { nodes, gpusPerNode, planes } = cluster;
  const gpus = nodes * gpusPerNode;
  if (gpus > MAX_GPUS) {
    problems.push({
      path: "cluster.nodes",
      message: `${nodes} nodes x ${gpusPerNode} GPUs are ${gpus} GPUs; at most ${MAX_GPUS} are allowed`,
      code: "E023",
    });
  }
  if (isMultiPort(cluster)) problems.push(...multiPortProblems(cluster));
  else if (planes > gpusPerNode) {
    problems.push({
      path: "cluster.planes",
      message: `${planes} planes, but a node has ${gpusPerNode} NICs; planes must divide gpusPerNode`,
      code: "E020",
    });
  } else if (gpusPerNode % planes !== 0) {
    problems.push({
      path: "cluster.planes",
      message: `${gpusPerNode} GPUs a node do not divide over ${planes} planes; planes must divide gpusPerNode`,
      code: "E019",
    });
  } else {
    problems.push(...portProblems(cluster));
  }
  return problems;
}

function fieldProblems(cluster: ClusterSpec): TopologyProblem[] {
  const fields = ["nodes", "gpusPerNode", "planes", "switchPorts"] as const;
  return fields
    .filter((field) => !Number.isSafeInteger(cluster[field]) || cluster[field] < 1)
    .map((field) => ({
      path: `cluster.${field}`,
      message: `must be a whole number of 1 or more, got ${cluster[field]}`,
      code: "E013",
    }));
}

/** Multi-port NICs need no relation between planes and GPUs: every NIC is on every plane. */
function multiPortProblems(cluster: ClusterSpec): TopologyProblem[] {
  const { network, planes } = cluster;
  if (network === "mrft") {
    const message =
      "multi-port NICs have a port on each plane of network mpft; rails (mrft) join one-port NICs";
    return [{ path: "cluster.nicPorts", message, code: "E019" }];
  }
  if (planes > MAX_NIC_PORTS) {
    const message = `a NIC has at most ${MAX_NIC_PORTS} ports, one on each plane, got ${planes} planes`;
    return [{ path: "cluster.planes", message, code: "E013" }];
  }
  return portProblems(cluster);
}

function portProblems(cluster: ClusterSpec): TopologyProblem[] {
  const radix = cluster.switchPorts;
  const shape = planeShapeOf(cluster);
  const needs =
    shape.leafPorts > radix
      ? `plane0.leaf0 needs ${shape.leafPorts} ports`
      : shape.spinePorts > radix
        ? `${shape.joined ? "spine0" : "plane0.spine0"} needs ${shape.spinePorts} ports`
        : undefined;
  if (needs === undefined) return [];
  const message = `${needs}, has ${radix}; ${whatFits(cluster, shape.nics)}`;
  return [{ path: "cluster.switchPorts", message, code: "E020" }];
}

/** What the ports would suffice for, against the cluster's `nics` a plane or rail. */
function whatFits(cluster: ClusterSpec, nics: number): string {
  const { network, planes, switchPorts } = cluster;
  const layers = `two layers of ${switchPorts}-port switches`;
  const largest = largestPlane(cluster);
  if (network === "mpft" || planes === 1) {
    const all = isMultiPort(cluster) ? "; multi-port NICs are on every plane" : "";
    return `${layers} hold at most ${largest} NICs a plane, this cluster has ${nics}${all}`;
  }
  if (largest === 0) {
    return `${layers} join at most ${switchPorts} rails, this cluster has ${planes}`;
  }
  return `${layers} hold at most ${largest} NICs on each of ${planes} rails, this cluster has ${nics}`;
}
