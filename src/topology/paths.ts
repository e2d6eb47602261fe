/**
 * The path of an expert-parallel message through the cluster under the low-latency protocol with
 * PXN: which actors and lanes it crosses. Faults are named after it, so it asks the very tables
 * that the switches forward by. It moves no packets and knows nothing of time.
 */
import { violated } from "../base/assert.ts";
import type { ClusterSpec } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { DevicePort } from "../model/topology.ts";
import { uplinkPortOf } from "../model/uplink.ts";

/**
 * The way from a GPU to a GPU, both ends included. Static and ECMP routing give a flow one path:
 * `lanes[i]` leads from `actors[i]` to `actors[i + 1]`. Adaptive routing may send each message
 * another way: then every device and lane that a message may cross is here once, those of a hop
 * before those of the next, and a fault on any of them may be what stopped it.
 */
export interface MessagePath {
  /** Actor indices. */
  readonly actors: readonly number[];
  /** Lane numbers. */
  readonly lanes: readonly number[];
}

/** Finds the path between two GPUs, given as actor indices. */
export type PathFinder = (fromGpu: number, toGpu: number) => MessagePath;

/** More hops than any path has: NVLink 2, PCIe 2, network 4. */
const MAX_HOPS = 8;

/**
 * Path finder of a fat tree. Inside a node a message crosses the NVSwitch. To another node it
 * enters the plane of the destination GPU's NIC: from the source GPU's own NIC if that is on the
 * plane, else after an NVLink hop to the local GPU with the destination's ordinal. A GPU's path to
 * itself has no lanes. Between switches it follows their tables, by `cluster.switchRouting`. Throws an InvariantError for actors that are no GPUs.
 */
export function makePathFinder(topology: Topology, cluster: ClusterSpec): PathFinder {
  const { actors, lanes } = topology;
  const { switchRouting } = cluster;
  const firstLane = new Int32Array(actors.length).fill(-1);
  for (let lane = lanes.length - 1; lane >= 0; lane -= 1) firstLane[lanes[lane].from] = lane;
  const gpuAt = new Int32Array(cluster.nodes * cluster.gpusPerNode);
  for (const [index, place] of actors.entries()) {
    if (place.kind === "gpu") gpuAt[place.node * cluster.gpusPerNode + place.ordinal] = index;
  }
  const laneOut = (actor: number, port: number): number => firstLane[actor] + port;
  const ownNic = (gpu: number): number => lanes[laneOut(gpu, DevicePort.gpuToNic)].to;

  /** Ports that a switch may give a packet for `target` (a GPU, or a NIC that `source` sends to). */
  const switchPorts = (at: number, source: number, target: number): readonly number[] => {
    const routes = topology.routesOf(at);
    if (routes.portOf[target] >= 0) return [routes.portOf[target]];
    if (routes.uplinks.length === 0) {
      violated("route-exists", `${actors[at].id} has no way to ${actors[target].id}`);
    }
    if (switchRouting === "adaptive") return routes.uplinks;
    return [uplinkPortOf(routes, switchRouting, source, target)];
  };

  return (fromGpu, toGpu) => {
    const from = actors[fromGpu];
    const to = actors[toGpu];
    if (from?.kind !== "gpu" || to?.kind !== "gpu") {
      violated("path-joins-gpus", `${from?.id ?? fromGpu} to ${to?.id ?? toGpu}`);
    }
    const path = { actors: [fromGpu], lanes: [] as number[] };
    const cross = (at: number, port: number): number => {
      const lane = laneOut(at, port);
      const far = lanes[lane].to;
      path.lanes.push(lane);
      if (!path.actors.includes(far)) path.actors.push(far);
      return far;
    };
    /** Follows switches from `at` until `target`, by every way that a packet may take. */
    const follow = (at: number, source: number, target: number): number => {
      let front = [at];
      for (let hops = 0; front.some((here) => here !== target); hops += 1) {
        if (hops >= MAX_HOPS) violated("path-ends", `${from.id} to ${to.id}`);
        const next = front.flatMap((here) =>
          switchPorts(here, source, target).map((port) => cross(here, port)),
        );
        front = [...new Set(next)];
      }
      return target;
    };
    if (fromGpu === toGpu) return path;
    if (from.node === to.node) {
      follow(cross(fromGpu, DevicePort.gpuToNvswitch), fromGpu, toGpu);
      return path;
    }
    let sender = fromGpu;
    if (from.plane !== to.plane) {
      const relay = gpuAt[from.node * cluster.gpusPerNode + to.ordinal];
      sender = follow(cross(fromGpu, DevicePort.gpuToNvswitch), fromGpu, relay);
    }
    const sourceNic = cross(sender, DevicePort.gpuToNic);
    const targetNic = ownNic(toGpu);
    follow(cross(sourceNic, DevicePort.nicToLeaf), sourceNic, targetNic);
    cross(targetNic, DevicePort.nicToGpu);
    return path;
  };
}
