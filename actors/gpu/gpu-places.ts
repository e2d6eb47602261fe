/**
 * Who is where in the cluster, as columns by actor. Every GPU of a process looks at the same ones:
 * a process of 2,048 GPUs would otherwise fill 2,048 copies.
 */
import type { ClusterSpec } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";

export interface GpuPlaces {
  /** By actor: node, place in the node, plane; and node x gpusPerNode + place, -1 if no GPU. */
  readonly nodeOf: Int16Array;
  readonly ordinalOf: Int16Array;
  readonly planeOf: Int16Array;
  readonly numberOf: Int32Array;
  /** GPUs and NICs by node x gpusPerNode + place. */
  readonly gpuAt: Int32Array;
  readonly nicAt: Int32Array;
}

const known = new WeakMap<Topology, GpuPlaces>();

/** The columns of a topology; made when first asked for. Nobody writes to them. */
export function gpuPlacesOf(topology: Topology, cluster: ClusterSpec): GpuPlaces {
  const found = known.get(topology);
  if (found !== undefined) return found;
  const places = topology.actors;
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const columns: GpuPlaces = {
    nodeOf: Int16Array.from(places, (place) => place.node),
    ordinalOf: Int16Array.from(places, (place) => place.ordinal),
    planeOf: Int16Array.from(places, (place) => place.plane),
    numberOf: new Int32Array(places.length).fill(-1),
    gpuAt: new Int32Array(gpus),
    nicAt: new Int32Array(gpus),
  };
  places.forEach((place, actor) => {
    const number = place.node * cluster.gpusPerNode + place.ordinal;
    if (place.kind === "gpu") {
      columns.gpuAt[number] = actor;
      columns.numberOf[actor] = number;
    }
    if (place.kind === "nic") columns.nicAt[number] = actor;
  });
  known.set(topology, columns);
  return columns;
}
