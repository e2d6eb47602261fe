/**
 * The way of an expert-parallel message through the cluster: which actors and lanes it crosses, and
 * its acknowledgement. Faults are named after it, so it asks the very tables that the switches
 * forward by. It moves no packets and knows nothing of time.
 */
import { violated } from "../base/assert.ts";
import type { ClusterSpec, SwitchRouting, WorkloadSpec } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { DevicePort } from "../model/topology.ts";
import { uplinkPortOf } from "../model/uplink.ts";

/**
 * What a message from a GPU to a GPU may cross, each actor and lane once, in the order in which it
 * gets there. Where it has one way and acknowledgements are left out, `lanes[i]` leads from
 * `actors[i]` to `actors[i + 1]`.
 */
export interface MessagePath {
  /** Actor indices. */
  readonly actors: readonly number[];
  /** Lane numbers. */
  readonly lanes: readonly number[];
}

/** Finds the path between two GPUs, given as actor indices. */
export type PathFinder = (fromGpu: number, toGpu: number) => MessagePath;

/** How messages travel; the default is the low-latency protocol with NVLink inside a node. */
export interface PathOptions extends Partial<Pick<WorkloadSpec, "protocol" | "intraNode">> {
  /**
   * Does the way back of the NIC's acknowledgement belong to the path? Without it a message cannot
   * be known to have arrived. Default true.
   */
  readonly acknowledgements?: boolean;
}

/** More hops than there are between two devices that switches join: leaf, spine, leaf, NIC. */
const MAX_HOPS = 8;

/**
 * Path finder of a fat tree. Inside a node a message crosses the NVSwitch. To another node it
 * enters the plane of the destination GPU's NIC: from the source GPU's own NIC if that is on the
 * plane, else after an NVLink hop to the local GPU with the destination's ordinal. The normal
 * protocol also uses the plane of the source GPU's own NIC, and an NVLink hop at the far end. With
 * `intraNode: rdma` everything goes from the source's own NIC straight to the destination's.
 *
 * Between switches it follows their tables by `cluster.switchRouting`. Adaptive routing may send
 * each message another way, so a path then has every uplink, and all that they lead to: a fault on
 * any of them may be what stopped a message. A GPU's path to itself has no lanes. Throws an
 * InvariantError for actors that are no GPUs.
 */
export function makePathFinder(
  topology: Topology,
  cluster: ClusterSpec,
  options: PathOptions = {},
): PathFinder {
  const { actors } = topology;
  const { gpusPerNode, switchRouting } = cluster;
  const { protocol, intraNode, acknowledgements = true } = options;
  const firstLane = firstLanesOf(topology);
  const gpuAt = new Int32Array(cluster.nodes * gpusPerNode);
  for (const [index, place] of actors.entries()) {
    if (place.kind === "gpu") gpuAt[place.node * gpusPerNode + place.ordinal] = index;
  }
  /** The GPU of the node of `one` that is in the place of `other`. */
  const opposite = (one: number, other: number): number =>
    gpuAt[actors[one].node * gpusPerNode + actors[other].ordinal];

  return (fromGpu, toGpu) => {
    const from = actors[fromGpu];
    const to = actors[toGpu];
    if (from?.kind !== "gpu" || to?.kind !== "gpu") {
      violated("path-joins-gpus", `${from?.id ?? fromGpu} to ${to?.id ?? toGpu}`);
    }
    const walk = new Walk({ topology, firstLane, switchRouting }, fromGpu);
    const overNvlink = (one: number, other: number): void => {
      if (one !== other) walk.follow(walk.cross(one, DevicePort.gpuToNvswitch), one, other);
    };
    const overNetwork = (one: number, other: number): void => {
      const target = walk.farEnd(other, DevicePort.gpuToNic);
      const source = walk.cross(one, DevicePort.gpuToNic);
      walk.follow(walk.cross(source, DevicePort.nicToLeaf), source, target);
      walk.cross(target, DevicePort.nicToGpu);
      if (!acknowledgements) return;
      walk.follow(walk.cross(target, DevicePort.nicToLeaf), target, source);
    };
    if (fromGpu === toGpu) return walk;
    if (intraNode === "rdma") overNetwork(fromGpu, toGpu);
    else if (from.node === to.node) overNvlink(fromGpu, toGpu);
    else {
      const relay = from.plane === to.plane ? fromGpu : opposite(fromGpu, toGpu);
      overNvlink(fromGpu, relay);
      overNetwork(relay, toGpu);
      if (protocol === "normal") {
        const beyond = opposite(toGpu, fromGpu);
        overNetwork(fromGpu, beyond);
        overNvlink(beyond, toGpu);
      }
    }
    return walk;
  };
}

/** By actor: number of the lane out of its port 0. */
function firstLanesOf({ actors, lanes }: Topology): Int32Array {
  const first = new Int32Array(actors.length).fill(-1);
  for (let lane = lanes.length - 1; lane >= 0; lane -= 1) first[lanes[lane].from] = lane;
  return first;
}

/** What a walk goes by. */
interface Fabric {
  readonly topology: Topology;
  /** By actor: number of the lane out of its port 0. */
  readonly firstLane: Int32Array;
  readonly switchRouting: SwitchRouting;
}

/** Goes through the cluster lane by lane, and notes what it crosses. */
class Walk implements MessagePath {
  readonly actors: number[];
  readonly lanes: number[] = [];
  readonly #fabric: Fabric;

  constructor(fabric: Fabric, start: number) {
    this.#fabric = fabric;
    this.actors = [start];
  }

  /** The actor at the other end of a port. */
  farEnd(actor: number, port: number): number {
    return this.#fabric.topology.lanes[this.#fabric.firstLane[actor] + port].to;
  }

  /** Crosses the lane out of a port; returns where it leads. */
  cross(actor: number, port: number): number {
    const lane = this.#fabric.firstLane[actor] + port;
    const far = this.farEnd(actor, port);
    if (!this.lanes.includes(lane)) this.lanes.push(lane);
    if (!this.actors.includes(far)) this.actors.push(far);
    return far;
  }

  /** Follows switches from `at` to `target`, by every way that a packet of `source` may take. */
  follow(at: number, source: number, target: number): void {
    let front = [at];
    for (let hops = 0; front.some((here) => here !== target); hops += 1) {
      if (hops === MAX_HOPS)
        violated("path-ends", `${this.#idOf(source)} to ${this.#idOf(target)}`);
      const next = front.flatMap((here) =>
        this.#portsTo(here, source, target).map((port) => this.cross(here, port)),
      );
      front = [...new Set(next)];
    }
  }

  /** Ports that a switch may give a packet for `target`: a GPU, or a NIC that `source` sends to. */
  #portsTo(at: number, source: number, target: number): readonly number[] {
    const { topology, switchRouting } = this.#fabric;
    const routes = topology.routesOf(at);
    if (routes.portOf[target] >= 0) return [routes.portOf[target]];
    if (routes.uplinks.length === 0) {
      violated("route-exists", `${this.#idOf(at)} has no way to ${this.#idOf(target)}`);
    }
    if (switchRouting === "adaptive") return routes.uplinks;
    return [uplinkPortOf(routes, switchRouting, source, target)];
  }

  #idOf(actor: number): string {
    return this.#fabric.topology.actors[actor].id;
  }
}
