/**
 * The way of an expert-parallel message through the cluster: which actors and lanes it crosses, and
 * its acknowledgement. Faults are named after it, so it asks the very tables that the switches
 * forward by. It moves no packets and knows nothing of time.
 */
import { violated } from "../base/assert.ts";
import type { ClusterSpec, WorkloadSpec } from "../model/scenario.ts";
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
  /** Actors and lanes on all ways, where there are several: no message gets round them. */
  readonly certain: { readonly actors: ReadonlySet<number>; readonly lanes: ReadonlySet<number> };
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
  /**
   * Do switches avoid links that are down, so that a message may take any uplink, whatever the rule
   * says? Default false.
   */
  readonly anyUplink?: boolean;
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
 * any of them may be what stopped a message. Likewise with multi-port NICs, which lead straight to
 * each other, a path has the ways over all planes. A GPU's path to itself has no lanes. Throws an
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
  const anyUplink = options.anyUplink === true || switchRouting === "adaptive";
  const rule = switchRouting === "ecmp" ? "ecmp" : "static";
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
    const walk = new Walk({ topology, firstLane, anyUplink, rule }, fromGpu);
    const overNvlink = (one: number, other: number): void => {
      if (one !== other) walk.follow(walk.cross(one, DevicePort.gpuToNvswitch), one, other);
    };
    const betweenNics = (source: number, target: number): void => {
      const ways = actors[source].ports - DevicePort.nicToLeaf;
      for (let way = 0; way < ways; way += 1) {
        const leaf = walk.cross(source, DevicePort.nicToLeaf + way, ways);
        walk.follow(leaf, source, target, ways);
      }
    };
    const overNetwork = (one: number, other: number): void => {
      const target = walk.farEnd(other, DevicePort.gpuToNic);
      const source = walk.cross(one, DevicePort.gpuToNic);
      betweenNics(source, target);
      walk.cross(target, DevicePort.nicToGpu);
      if (acknowledgements) betweenNics(target, source);
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
  /** Does a switch without a way down take any of its uplinks, or the one of a rule? */
  readonly anyUplink: boolean;
  readonly rule: "static" | "ecmp";
}

/** Goes through the cluster lane by lane, and notes what it crosses. */
class Walk implements MessagePath {
  readonly actors: number[];
  readonly lanes: number[] = [];
  readonly certain = { actors: new Set<number>(), lanes: new Set<number>() };
  readonly #fabric: Fabric;

  constructor(fabric: Fabric, start: number) {
    this.#fabric = fabric;
    this.actors = [start];
    this.certain.actors.add(start);
  }

  /** The actor at the other end of a port. */
  farEnd(actor: number, port: number): number {
    return this.#fabric.topology.lanes[this.#fabric.firstLane[actor] + port].to;
  }

  /** Crosses the lane out of a port, the only one or one of `ways`; returns where it leads. */
  cross(actor: number, port: number, ways = 1): number {
    const lane = this.#fabric.firstLane[actor] + port;
    const far = this.farEnd(actor, port);
    if (!this.lanes.includes(lane)) this.lanes.push(lane);
    if (!this.actors.includes(far)) this.actors.push(far);
    if (ways > 1) return far;
    this.certain.lanes.add(lane);
    this.certain.actors.add(far);
    return far;
  }

  /**
   * Follows switches from `at` to `target`, by every way that a packet of `source` may take, `at`
   * being one of `ways`.
   */
  follow(at: number, source: number, target: number, ways = 1): void {
    let front = [at];
    for (let hops = 0; front.some((here) => here !== target); hops += 1) {
      if (hops === MAX_HOPS)
        violated("path-ends", `${this.#idOf(source)} to ${this.#idOf(target)}`);
      const out = front.map((here) => this.#portsTo(here, source, target));
      const all = ways * out.reduce((sum, ports) => sum + ports.length, 0);
      const next = front.flatMap((here, place) =>
        out[place].map((port) => this.cross(here, port, all)),
      );
      front = [...new Set(next)];
      if (ways === 1 && front.length === 1) this.certain.actors.add(front[0]);
    }
    this.certain.actors.add(target);
  }

  /** Ports that a switch may give a packet for `target`: a GPU, or a NIC that `source` sends to. */
  #portsTo(at: number, source: number, target: number): readonly number[] {
    const { topology, anyUplink, rule } = this.#fabric;
    const routes = topology.routesOf(at);
    if (routes.portOf[target] >= 0) return [routes.portOf[target]];
    if (routes.uplinks.length === 0) {
      violated("route-exists", `${this.#idOf(at)} has no way to ${this.#idOf(target)}`);
    }
    if (anyUplink) return routes.uplinks;
    return [uplinkPortOf(routes, rule, source, target)];
  }

  #idOf(actor: number): string {
    return this.#fabric.topology.actors[actor].id;
  }
}
