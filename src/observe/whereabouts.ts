/**
 * Which nodes and network planes a name stands for: the id of an actor, of a link or of one of its
 * directions, or what a fault hits. Read off the name, since a page has no topology.
 */
import type { ClusterSpec } from "../model/scenario.ts";

/** What has to be known of a fleet besides. */
export type FleetShape = Pick<ClusterSpec, "planes" | "nicPorts">;

const IN_NODE = /^node(\d+)(?:\.(?:gpu|nic)(\d+))?/;
const ON_PLANE = /^plane(\d+)/;

/** Nodes that `name` is in, or has an end in; from 0. */
export function nodesOf(name: string): number[] {
  return endsOf(name).flatMap((end) => {
    const node = IN_NODE.exec(end)?.[1];
    return node === undefined ? [] : [Number(node)];
  });
}

/**
 * Planes that `name` is on, or has an end on; from 0. GPUs and NICs are on the plane of the NIC's
 * one port. Multi-port NICs, NVSwitches, shared spines and controllers are on none of their own.
 */
export function planesOf(name: string, { planes, nicPorts }: FleetShape): number[] {
  return endsOf(name).flatMap((end) => {
    const plane = ON_PLANE.exec(end)?.[1];
    if (plane !== undefined) return [Number(plane)];
    const ordinal = IN_NODE.exec(end)?.[2];
    return ordinal === undefined || nicPorts === "multi-port" ? [] : [Number(ordinal) % planes];
  });
}

/** The names of both ends of a link or direction; any other name is one end. */
function endsOf(name: string): string[] {
  return name.split(/--|->/);
}
