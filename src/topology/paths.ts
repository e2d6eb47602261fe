/**
 * The path of an expert-parallel message through the cluster under the low-latency protocol with
 * PXN: which actors and lanes it crosses. Faults are named after it, so it asks the very tables
 * that the switches forward by. It moves no packets and knows nothing of time.
 */
import { violated } from "../base/assert.ts";
import type { ClusterSpec } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { DevicePort } from "../model/topology.ts";
import { uplinkOf } from "../model/uplink.ts";

/**
 * A path from a GPU to a GPU, both ends included: `lanes[i]` leads from `actors[i]` to `actors[i +
 * 1]`.
 */
export interface MessagePath {
  /** Actor indices. */
  readonly actors: readonly number[];
  /** Lane numbers; one fewer than the actors. */
  readonly lanes: readonly number[];
}

/** Finds the path between two GPUs, given as actor indices. */
export type PathFinder = (fromGpu: number, toGpu: number) => MessagePath;

/** Packet number of static routing: one flow keeps one path. */
const STATIC_PACKET_NUMBER = 0;
/** More lanes than any path has: NVLink 2, PCIe 2, network 4. */
const MAX_LANES = 8;

/**
 * Path finder of a fat tree. Inside a node a message crosses the NVSwitch. To another node it
 * enters the plane of the destination GPU's NIC: from the source GPU's own NIC if that is on the
 * plane, else after an NVLink hop to the local GPU with the destination's ordinal. A GPU's path to
 * itself has no lanes. Throws an InvariantError for actors that are no GPUs.
 */
export function makePathFinder(topology: Topology, cluster: ClusterSpec): PathFinder {
  const { actors, lanes } = topology;
  const firstLane = new Int32Array(actors.length).fill(-1);
  for (let lane = lanes.length - 1; lane >= 0; lane -= 1) firstLane[lanes[lane].from] = lane;
  const gpuAt = new Int32Array(cluster.nodes * cluster.gpusPerNode);
  for (const [index, place] of actors.entries()) {
    if (place.kind === "gpu") gpuAt[place.node * cluster.gpusPerNode + place.ordinal] = index;
  }
  const laneOut = (actor: number, port: number): number => firstLane[actor] + port;
  const ownNic = (gpu: number): number => lanes[laneOut(gpu, DevicePort.gpuToNic)].to;

  /** Port that a switch gives a packet for `target` (a GPU, or a NIC that `source` sends to). */
  const switchPort = (at: number, source: number, target: number): number => {
    const { portOf, uplinks, numberOf } = topology.routesOf(at);
    if (portOf[target] >= 0) return portOf[target];
    if (uplinks.length === 0) {
      violated("route-exists", `${actors[at].id} has no way to ${actors[target].id}`);
    }
    const packet = STATIC_PACKET_NUMBER;
    return uplinks[uplinkOf(numberOf[source], numberOf[target], packet, uplinks.length)];
  };

  return (fromGpu, toGpu) => {
    const from = actors[fromGpu];
    const to = actors[toGpu];
    if (from?.kind !== "gpu" || to?.kind !== "gpu") {
      violated("path-joins-gpus", `${from?.id ?? fromGpu} to ${to?.id ?? toGpu}`);
    }
    const path = { actors: [fromGpu], lanes: [] as number[] };
    const cross = (port: number): number => {
      const lane = laneOut(path.actors[path.actors.length - 1], port);
      if (path.lanes.length >= MAX_LANES) violated("path-ends", `${from.id} to ${to.id}`);
      path.lanes.push(lane);
      path.actors.push(lanes[lane].to);
      return lanes[lane].to;
    };
    /** Follows switches from `at` until `target`. */
    const follow = (at: number, source: number, target: number): void => {
      for (let here = at; here !== target; ) here = cross(switchPort(here, source, target));
    };
    if (fromGpu === toGpu) return path;
    if (from.node === to.node) {
      follow(cross(DevicePort.gpuToNvswitch), fromGpu, toGpu);
      return path;
    }
    if (from.plane !== to.plane) {
      const relay = gpuAt[from.node * cluster.gpusPerNode + to.ordinal];
      follow(cross(DevicePort.gpuToNvswitch), fromGpu, relay);
    }
    const sourceNic = cross(DevicePort.gpuToNic);
    follow(cross(DevicePort.nicToLeaf), sourceNic, ownNic(toGpu));
    cross(DevicePort.nicToGpu);
    return path;
  };
}
