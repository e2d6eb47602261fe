/**
 * The two-layer fat trees of arXiv 2505.09343, section 5.1, as a graph: every GPU has a NIC of its
 * own, NIC i of every node is on plane i mod P, and every node has one NVSwitch. Multi-plane
 * (MPFT): every plane has spines of its own. Multi-rail (MRFT): a plane is called a rail, and the
 * leaves of all rails share one set of spines. Multi-port NICs (figure 4 there): every NIC has a
 * port on each plane of an MPFT, with an equal share of its rate. A recovery controller stands
 * beside the fabric, with a management link to every GPU. Pure: every process of a run builds the
 * same graph from the same scenario.
 */
import { violated } from "../base/assert.ts";
import type { Hardware, LaneClass } from "../model/hardware.ts";
import type { ClusterSpec } from "../model/scenario.ts";
import { type ActorPlace, DevicePort, type Lane, type Topology } from "../model/topology.ts";
import { compareNatural } from "./natural-order.ts";
import {
  isMultiPort,
  leafPlaceOf,
  nicNumberOf,
  type PlaneShape,
  planeOfPort,
  planeShapeOf,
  portsOfNic,
} from "./plane-shape.ts";
import { topologyProblems } from "./problems.ts";
import { makeRoutes } from "./switch-routes.ts";

const CONTROLLER_ID = "controller";

/** A link before its ends have numbers. `there` is the lane class from `from` to `to`. */
interface LinkPlan {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  /** `.k` of one of several parallel links, else empty. */
  readonly suffix: string;
  readonly there: LaneClass;
  readonly back: LaneClass;
}

/**
 * Builds the cluster. Every port that a place counts carries a link, so the lane out of port p is
 * the sum of the ports of the actors before, plus p. Throws an InvariantError for a cluster that
 * has {@link topologyProblems}: ask first.
 */
export function makeFatTree(cluster: ClusterSpec, hardware: Hardware): Topology {
  const problem = topologyProblems(cluster)[0];
  if (problem !== undefined) {
    violated("topology-is-possible", `${problem.path}: ${problem.message}`);
  }
  const actors = [
    ...nodePlaces(cluster),
    ...planePlaces(cluster),
    ...controllerPlaces(cluster),
  ].sort((left, right) => compareNatural(left.id, right.id));
  const places = new Map(actors.map((actor, index) => [actor.id, index]));
  const indexOf = (id: string): number =>
    places.get(id) ?? violated("actor-exists", `there is no actor ${id}`);
  const ported = withPortRates(cluster, hardware);
  const links = [
    ...nodeLinks(cluster, ported),
    ...planeLinks(cluster, ported),
    ...managementLinks(cluster, ported),
  ];
  const lanes = links
    .flatMap((link) => lanesOf(link, indexOf))
    .sort((left, right) => left.from - right.from || left.fromPort - right.fromPort);
  return { actors, lanes, indexOf, routesOf: makeRoutes(cluster, actors) };
}

/**
 * The hardware with the network lanes of this cluster. A port of a multi-port NIC has 1/planes of
 * the NIC's rate, in bytes and in work requests, and so has the switch port that it leads to. Links
 * between switches have the same: a switch's ports are all alike, and the network's bisection is
 * then that of the one-port fleet, whose planes have 1/planes as many links of `planes` times the
 * rate.
 */
function withPortRates(cluster: ClusterSpec, hardware: Hardware): Hardware {
  const ports = portsOfNic(cluster);
  if (ports === 1) return hardware;
  const port = (lane: LaneClass): LaneClass => ({
    ...lane,
    psPerByte: lane.psPerByte * ports,
    psPerRequest: lane.psPerRequest * ports,
  });
  return {
    ...hardware,
    nicToLeaf: port(hardware.nicToLeaf),
    leafToNic: port(hardware.leafToNic),
    leafToSpine: port(hardware.leafToSpine),
    spineToLeaf: port(hardware.spineToLeaf),
  };
}

/**
 * Places of the GPUs, NICs and NVSwitches. A GPU's plane is its NIC's: the one that it owns. With
 * multi-port NICs neither has one.
 */
function nodePlaces(cluster: ClusterSpec): ActorPlace[] {
  const places: ActorPlace[] = [];
  for (let node = 0; node < cluster.nodes; node += 1) {
    for (let ordinal = 0; ordinal < cluster.gpusPerNode; ordinal += 1) {
      const plane = isMultiPort(cluster) ? -1 : ordinal % cluster.planes;
      const place = { node, ordinal, plane };
      const gpuPorts = cluster.controller === true ? 3 : 2;
      places.push({ id: `node${node}.gpu${ordinal}`, kind: "gpu", ...place, ports: gpuPorts });
      const ports = 1 + portsOfNic(cluster);
      places.push({ id: `node${node}.nic${ordinal}`, kind: "nic", ...place, ports });
    }
    const place = { node, ordinal: 0, plane: -1, ports: cluster.gpusPerNode };
    places.push({ id: `node${node}.nvswitch`, kind: "nvswitch", ...place });
  }
  return places;
}

/** Places of the leaves and spines. */
function planePlaces(cluster: ClusterSpec): ActorPlace[] {
  const shape = planeShapeOf(cluster);
  const places: ActorPlace[] = [];
  const addSpines = (plane: number): void => {
    for (let spine = 0; spine < shape.spines; spine += 1) {
      const id = spineId(shape, plane, spine);
      const ports = shape.spinePorts;
      places.push({ id, kind: "spine", node: -1, ordinal: spine, plane, ports });
    }
  };
  for (let plane = 0; plane < cluster.planes; plane += 1) {
    for (let leaf = 0; leaf < shape.leaves; leaf += 1) {
      const nics = Math.min(shape.down, shape.nics - leaf * shape.down);
      const ports = nics + shape.uplinks;
      const id = `plane${plane}.leaf${leaf}`;
      places.push({ id, kind: "leaf", node: -1, ordinal: leaf, plane, ports });
    }
    if (!shape.joined) addSpines(plane);
  }
  if (shape.joined) addSpines(-1);
  return places;
}

/** Place of the recovery controller, if there is one. */
function controllerPlaces({ controller, nodes, gpusPerNode }: ClusterSpec): ActorPlace[] {
  if (controller !== true) return [];
  const ports = nodes * gpusPerNode;
  return [{ id: CONTROLLER_ID, kind: "controller", node: -1, ordinal: 0, plane: -1, ports }];
}

/** Id of a spine that a leaf of `plane` has links to. */
function spineId(shape: PlaneShape, plane: number, spine: number): string {
  return shape.joined ? `spine${spine}` : `plane${plane}.spine${spine}`;
}

/** Links of every GPU to its NVSwitch and its NIC, and of every NIC to its leaf or leaves. */
function nodeLinks(cluster: ClusterSpec, hardware: Hardware): LinkPlan[] {
  const { down } = planeShapeOf(cluster);
  const links: LinkPlan[] = [];
  for (let node = 0; node < cluster.nodes; node += 1) {
    for (let ordinal = 0; ordinal < cluster.gpusPerNode; ordinal += 1) {
      const gpu = `node${node}.gpu${ordinal}`;
      const nic = `node${node}.nic${ordinal}`;
      const number = nicNumberOf(cluster, node, ordinal);
      links.push({
        from: gpu,
        fromPort: DevicePort.gpuToNvswitch,
        to: `node${node}.nvswitch`,
        toPort: ordinal,
        suffix: "",
        there: hardware.gpuToNvswitch,
        back: hardware.nvswitchToGpu,
      });
      links.push({
        from: gpu,
        fromPort: DevicePort.gpuToNic,
        to: nic,
        toPort: DevicePort.nicToGpu,
        suffix: "",
        there: hardware.gpuToNic,
        back: hardware.nicToGpu,
      });
      for (let port = 0; port < portsOfNic(cluster); port += 1) {
        const plane = planeOfPort(cluster, ordinal, port);
        links.push({
          from: nic,
          fromPort: DevicePort.nicToLeaf + port,
          to: `plane${plane}.leaf${Math.floor(number / down)}`,
          toPort: number % down,
          suffix: "",
          there: hardware.nicToLeaf,
          back: hardware.leafToNic,
        });
      }
    }
  }
  return links;
}

/**
 * Links between leaves and spines: on a leaf by spine, on a spine by leaf, then by parallel number.
 */
function planeLinks(cluster: ClusterSpec, hardware: Hardware): LinkPlan[] {
  const shape = planeShapeOf(cluster);
  const { down, leaves, uplinks, parallel, nics } = shape;
  const links: LinkPlan[] = [];
  for (let plane = 0; plane < cluster.planes; plane += 1) {
    for (let leaf = 0; leaf < leaves; leaf += 1) {
      const firstUplink = Math.min(down, nics - leaf * down);
      const firstDownlink = leafPlaceOf(shape, plane, leaf) * parallel;
      for (let uplink = 0; uplink < uplinks; uplink += 1) {
        const among = uplink % parallel;
        links.push({
          from: `plane${plane}.leaf${leaf}`,
          fromPort: firstUplink + uplink,
          to: spineId(shape, plane, (uplink - among) / parallel),
          toPort: firstDownlink + among,
          suffix: parallel > 1 ? `.${among}` : "",
          there: hardware.leafToSpine,
          back: hardware.spineToLeaf,
        });
      }
    }
  }
  return links;
}

/** A link from every GPU to the controller, if there is one. */
function managementLinks(cluster: ClusterSpec, { management }: Hardware): LinkPlan[] {
  if (cluster.controller !== true) return [];
  return Array.from({ length: cluster.nodes * cluster.gpusPerNode }, (_, gpu) => ({
    from: `node${Math.floor(gpu / cluster.gpusPerNode)}.gpu${gpu % cluster.gpusPerNode}`,
    fromPort: DevicePort.gpuToController,
    to: CONTROLLER_ID,
    toPort: gpu,
    suffix: "",
    there: management,
    back: management,
  }));
}

/** Both directions of a link. */
function lanesOf(plan: LinkPlan, indexOf: (id: string) => number): Lane[] {
  const link = `${plan.from}--${plan.to}${plan.suffix}`;
  const from = indexOf(plan.from);
  const to = indexOf(plan.to);
  const { fromPort, toPort } = plan;
  return [
    { link, from, fromPort, to, toPort, lane: plan.there },
    { link, from: to, fromPort: toPort, to: from, toPort: fromPort, lane: plan.back },
  ];
}
