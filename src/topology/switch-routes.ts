/**
 * Routing tables of the fat tree's switches: for every device that a packet may be bound for, the
 * port that leads down to it, or the uplinks to choose from. Which uplink a packet takes is decided
 * in model/uplink.ts, not here.
 */
import { violated } from "../base/assert.ts";
import { hashString } from "../base/hash.ts";
import type { ClusterSpec } from "../model/scenario.ts";
import type { ActorPlace, SwitchRoutes } from "../model/topology.ts";
import { leafPlaceOf, nicNumberOf, type PlaneShape, planeShapeOf } from "./plane-shape.ts";

/**
 * `routesOf` of a topology with these actors: a table is made when first asked for, and kept. All
 * tables share one `numberOf`. Asking for a GPU or NIC is a bug and throws.
 */
export function makeRoutes(
  cluster: ClusterSpec,
  actors: readonly ActorPlace[],
): (actor: number) => SwitchRoutes {
  const shape = planeShapeOf(cluster);
  const numberOf = new Int32Array(actors.length);
  for (const [index, place] of actors.entries()) {
    if (place.kind === "nic") numberOf[index] = nicNumberOf(cluster, place.node, place.ordinal);
  }
  const tables = new Map<number, SwitchRoutes>();
  return (actor) => {
    const known = tables.get(actor);
    if (known !== undefined) return known;
    const place = actors[actor];
    if (place === undefined) violated("actor-exists", `there is no actor number ${actor}`);
    const portOf = new Int16Array(actors.length).fill(-1);
    for (const [index, target] of actors.entries()) {
      portOf[index] = downPort(place, target, numberOf[index], shape);
    }
    const uplinks = uplinksOf(place, shape);
    const routes = { portOf, uplinks, numberOf, salt: hashString(place.id) };
    tables.set(actor, routes);
    return routes;
  };
}

/**
 * Port of `place` that leads down to `target`, -1 when none does; `number` is the target's on its
 * plane.
 */
function downPort(
  place: ActorPlace,
  target: ActorPlace,
  number: number,
  shape: PlaneShape,
): number {
  const leaf = Math.floor(number / shape.down);
  switch (place.kind) {
    case "nvswitch":
      return target.kind === "gpu" && target.node === place.node ? target.ordinal : -1;
    case "leaf":
      if (target.kind !== "nic" || !isOnPlane(target, place.plane)) return -1;
      return leaf === place.ordinal ? number % shape.down : -1;
    case "spine": {
      const reaches = shape.joined || isOnPlane(target, place.plane);
      if (target.kind !== "nic" || !reaches) return -1;
      return leafPlaceOf(shape, target.plane, leaf) * shape.parallel + (number % shape.parallel);
    }
    default:
      return violated("only-switches-route", `${place.id} is no switch`);
  }
}

/** Has a NIC a port on a plane? Those without a plane of their own have one on each. */
function isOnPlane(nic: ActorPlace, plane: number): boolean {
  return nic.plane < 0 || nic.plane === plane;
}

/** Ports of a leaf that lead up: the last ones. */
function uplinksOf(place: ActorPlace, shape: PlaneShape): number[] {
  if (place.kind !== "leaf") return [];
  const first = place.ports - shape.uplinks;
  return Array.from({ length: shape.uplinks }, (_, uplink) => first + uplink);
}
