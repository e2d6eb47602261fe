/**
 * What of the fleet can be pointed at: an actor, the links between two actors, a whole node or a
 * whole plane; and the ids under which faults are aimed at it. Pure.
 */
import type { FleetIndex } from "./fleet-index.ts";

/** One thing that can be pointed at; numbers as in {@link FleetIndex}. */
export type FleetElement =
  | { readonly type: "actor"; readonly actor: number }
  | { readonly type: "links"; readonly bundle: number }
  | { readonly type: "node"; readonly node: number }
  | { readonly type: "plane"; readonly plane: number };

/** Are they the same thing? */
export function isSame(one: FleetElement | undefined, other: FleetElement | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return keyOf(one) === keyOf(other);
}

function keyOf(element: FleetElement): string {
  switch (element.type) {
    case "actor":
      return `actor ${element.actor}`;
    case "links":
      return `links ${element.bundle}`;
    case "node":
      return `node ${element.node}`;
    case "plane":
      return `plane ${element.plane}`;
  }
}

/** Its name: the id that faults and commands know it by; of several parallel links the first. */
export function nameOf(element: FleetElement, index: FleetIndex): string {
  switch (element.type) {
    case "actor":
      return index.run.actors.id[element.actor] ?? "";
    case "links":
      return index.bundles[element.bundle]?.links[0] ?? "";
    case "node":
      return `node${element.node}`;
    case "plane":
      return `plane${element.plane}`;
  }
}

/** What has this name; undefined: nothing. A direction of a link is its link. */
export function elementOf(name: string, index: FleetIndex): FleetElement | undefined {
  const actor = index.actorOf(name);
  if (actor >= 0) return { type: "actor", actor };
  const bundle = index.bundleOf(name);
  if (bundle >= 0) return { type: "links", bundle };
  const whole = /^(node|plane)(\d+)$/.exec(name);
  if (whole !== null) {
    const number = Number(whole[2]);
    if (whole[1] === "node" && number < index.nodes.length) return { type: "node", node: number };
    if (whole[1] === "plane" && number < index.planes.length) {
      return { type: "plane", plane: number };
    }
  }
  return endsOf(name, index);
}

/** All that a fault with this target hits: of an expert the GPUs that have it in some layer. */
export function elementsOf(target: string, index: FleetIndex): readonly FleetElement[] {
  const expert = expertOf(target);
  if (expert !== undefined) {
    return index.holdersOf(expert).map((actor) => ({ type: "actor", actor }));
  }
  const element = elementOf(target, index);
  return element === undefined ? [] : [element];
}

/** The number in `expert17`; undefined: it is no name of an expert. */
export function expertOf(name: string): number | undefined {
  const number = /^expert(\d+)$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** A link by its ends in either order, `a--b` or `a->b`, with or without its number. */
function endsOf(name: string, index: FleetIndex): FleetElement | undefined {
  const [one, other] = name.split(/--|->/);
  if (one === undefined || other === undefined) return undefined;
  const bundle = index.between(
    index.actorOf(one),
    Math.max(index.actorOf(other), index.actorOf(other.replace(/\.\d+$/, ""))),
  );
  return bundle < 0 ? undefined : { type: "links", bundle };
}

/** Kinds of target that it is, in the words of the catalogue of faults. */
export function targetKindsOf(element: FleetElement, index: FleetIndex): readonly string[] {
  switch (element.type) {
    case "actor":
      return [index.run.actors.kind[element.actor]];
    case "links":
      return ["link"];
    default:
      return [element.type];
  }
}
