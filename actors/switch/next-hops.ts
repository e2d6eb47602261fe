/**
 * What lies beyond the ports of a leaf or spine: where its ways to a target may lead, and by which
 * ports of which spine a leaf is reached. Read from the topology once, when first needed.
 */
import type { Topology } from "../../src/model/topology.ts";

export class NextHops {
  readonly isLeaf: boolean;
  /** Ports among which there is a choice: a leaf's uplinks, all ports of a spine. Ascending. */
  readonly ports: readonly number[];
  /** Links between one leaf and one spine. */
  readonly parallel: number;
  /** Leaf: the spines above it (actor indices), in the order of its uplinks. */
  readonly spines: readonly number[];
  /** All leaves that those spines join (actor indices), in the order of the spines' ports. */
  readonly leaves: readonly number[];
  readonly #topology: Topology;
  readonly #self: number;
  readonly #firstLane: number;

  constructor(self: number, topology: Topology) {
    const { kind, ports } = topology.actors[self];
    this.#topology = topology;
    this.#self = self;
    this.#firstLane = firstLaneOf(topology, self);
    this.isLeaf = kind === "leaf";
    const { uplinks } = topology.routesOf(self);
    this.ports = this.isLeaf ? uplinks : Array.from({ length: ports }, (_, port) => port);
    const ends = this.ports.map((port) => topology.lanes[this.#firstLane + port].to);
    this.parallel = ends.filter((end) => end === ends[0]).length;
    this.spines = this.isLeaf ? distinct(ends) : [];
    this.leaves = this.isLeaf ? leavesOf(topology, this.spines[0]) : distinct(ends);
  }

  /** Name of the link at a port. */
  linkOf(port: number): string {
    return this.#topology.lanes[this.#firstLane + port].link;
  }

  idOf(actor: number): string {
    return this.#topology.actors[actor].id;
  }

  /** Leaf: place among `leaves` of the one that a NIC hangs on, as its spines see it. */
  leafOf(nic: number): number {
    return Math.floor(this.#topology.routesOf(this.spines[0]).portOf[nic] / this.parallel);
  }

  /** Place of this leaf among `leaves`. */
  get own(): number {
    return this.leaves.indexOf(this.#self);
  }
}

function leavesOf(topology: Topology, spine: number | undefined): number[] {
  if (spine === undefined) return [];
  const first = firstLaneOf(topology, spine);
  const { ports } = topology.actors[spine];
  return distinct(topology.lanes.slice(first, first + ports).map((lane) => lane.to));
}

/** Number of the lane out of port 0; lanes are sorted by sender. */
function firstLaneOf({ lanes }: Topology, actor: number): number {
  let low = 0;
  let high = lanes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lanes[middle].from < actor) low = middle + 1;
    else high = middle;
  }
  return low;
}

function distinct(actors: readonly number[]): number[] {
  return [...new Set(actors)];
}
