/**
 * The emulated cluster as a graph: actors sorted by id, and links between their ports. A lane is
 * one direction of a link. Everything is derived from a scenario by pure functions, so every
 * process of a run builds the same one.
 */
import type { LaneClass } from "./hardware.ts";

export type ActorKind = "gpu" | "nic" | "nvswitch" | "leaf" | "spine" | "controller";

/** One actor's place in the cluster. Fields that do not apply to its kind are -1. */
export interface ActorPlace {
  /**
   * Unique: `node2.gpu3`, `node2.nic3`, `node2.nvswitch`, `plane3.leaf0`, `plane3.spine1`; `spine1`
   * for a spine that all rails share; `controller`.
   */
  readonly id: string;
  readonly kind: ActorKind;
  readonly node: number;
  /** Place inside the node (GPU or NIC number), or of the switch inside its tier and plane. */
  readonly ordinal: number;
  /**
   * Network plane, or rail; -1 for NVSwitches, for spines that all rails share, for the controller,
   * and for multi-port NICs, which are on every plane, with their GPUs.
   */
  readonly plane: number;
  /** Ports, numbered from 0; the lanes out of port p are `laneOf[portBase + p]` in the kernel. */
  readonly ports: number;
}

/**
 * Port of a GPU or NIC by what is at its other end. Of a multi-port NIC `nicToLeaf` is the port on
 * plane 0; that on plane p is p ports further. A GPU has a port to the controller if there is one;
 * the controller's ports are in the order of nodes, then of GPUs in the node.
 */
export const DevicePort = {
  gpuToNvswitch: 0,
  gpuToNic: 1,
  gpuToController: 2,
  nicToGpu: 0,
  nicToLeaf: 1,
} as const;

/** One direction of a link. */
export interface Lane {
  /** The link's id, `node2.nic3--plane3.leaf0`; its two lanes share it. */
  readonly link: string;
  /** Index of the sending actor, and its port. */
  readonly from: number;
  readonly fromPort: number;
  readonly to: number;
  readonly toPort: number;
  readonly lane: LaneClass;
}

/** A lane for people: `node2.nic3->plane3.leaf0`, with the `.1` of its link if it has one. */
export function laneName({ actors }: Pick<Topology, "actors">, { link, from, to }: Lane): string {
  const [one, other] = [actors[from].id, actors[to].id];
  const number = Math.max(link.length - one.length - other.length - 2, 0);
  return `${one}->${other}${link.slice(link.length - number)}`;
}

/** Where an actor sends a packet for a given next hop. */
export interface SwitchRoutes {
  /** By actor index: the port that leads down to it; -1 = by one of the uplinks. */
  readonly portOf: Int16Array;
  /** Ports that lead up, ascending; a packet takes one by the rule in uplink.ts. */
  readonly uplinks: readonly number[];
  /**
   * By actor index: a NIC's number on its plane, what the uplink rule counts with; 0 for others.
   */
  readonly numberOf: Int32Array;
  /** What this switch's ECMP hash starts from, 32 bits; another one for every switch. */
  readonly salt: number;
}

export interface Topology {
  /**
   * Sorted by id in natural order (node9 before node10); an actor's index is its place in event
   * order.
   */
  readonly actors: readonly ActorPlace[];
  /** Sorted by (from, fromPort): a lane's place here is its number. */
  readonly lanes: readonly Lane[];
  indexOf(id: string): number;
  /** Routes of a switch (NVSwitch, leaf or spine), by actor index. */
  routesOf(actor: number): SwitchRoutes;
}
