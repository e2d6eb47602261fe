/**
 * Divides the actors over a given number of workers so that each has about the same work, keeping
 * nodes and planes whole as far as that allows. Heaviest first onto the least loaded worker; units
 * are halved only when whole ones do not balance. Weights are estimates and change no result.
 */
import type { ActorPlace, Topology } from "../model/topology.ts";
import { compareNatural } from "./natural-order.ts";

/** A worker may carry this much of its even share, or one actor, before units are halved. */
const ALLOWED_LOAD = 1.25;
/** A GPU gates, computes and combines for each packet. */
const GPU_WEIGHT = 3;
/** A NIC keeps the transport's books for each packet. */
const NIC_WEIGHT = 2;
/** The lightest part of any weight: units below it are single actors. */
const LEAST_WEIGHT = 1;

/** Actors that stay together, in an order in which neighbours talk most. */
interface Unit {
  readonly actors: readonly number[];
  readonly weight: number;
}

/** Actor indices of each of `workers` packs, none empty; `workers` is 1..actors. */
export function packActors(topology: Topology, workers: number): number[][] {
  const weights = topology.actors.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = total / workers;
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const limit = Math.max(ALLOWED_LOAD * share, heaviest);
  let units = wholeUnits(topology, weights);
  let packs = fill(units, workers);
  for (let grain = share; !isBalanced(packs, limit); grain /= 2) {
    units = units.flatMap((unit) => halved(unit, grain, weights));
    packs = fill(units, workers);
    if (grain < LEAST_WEIGHT) break;
  }
  return packs.map((pack) => pack.actors);
}

/** Work of an actor in its share of a packet's way; a switch has one part for each port. */
function weightOf(place: ActorPlace): number {
  if (place.kind === "gpu") return GPU_WEIGHT;
  if (place.kind === "controller") return LEAST_WEIGHT;
  return place.kind === "nic" ? NIC_WEIGHT : place.ports * LEAST_WEIGHT;
}

/**
 * What an actor belongs to: its node, its plane, or the spines that all rails share. The controller
 * is by itself.
 */
export function homeOf({ kind, node, plane }: ActorPlace): string {
  if (kind === "controller") return kind;
  if (node >= 0) return `node${node}`;
  return plane >= 0 ? `plane${plane}` : "spines";
}

/** One unit for each home, in natural order. A GPU stands next to its NIC. */
function wholeUnits(topology: Topology, weights: readonly number[]): Unit[] {
  const homes = new Map<string, number[]>();
  const orderKey = (index: number): string => {
    const { kind, ordinal, id } = topology.actors[index];
    return kind === "gpu" || kind === "nic" ? `a${ordinal}.${kind}` : `b.${id}`;
  };
  for (const [index, place] of topology.actors.entries()) {
    const home = homeOf(place);
    const unit = homes.get(home);
    if (unit === undefined) homes.set(home, [index]);
    else unit.push(index);
  }
  return [...homes]
    .sort(([left], [right]) => compareNatural(left, right))
    .map(([, actors]) =>
      unitOf(
        actors.sort((left, right) => compareNatural(orderKey(left), orderKey(right))),
        weights,
      ),
    );
}

function unitOf(actors: readonly number[], weights: readonly number[]): Unit {
  return { actors, weight: actors.reduce((sum, actor) => sum + weights[actor], 0) };
}

/**
 * The unit, or its halves of about equal weight, halved again, until none exceeds `grain` or is one
 * actor.
 */
function halved(unit: Unit, grain: number, weights: readonly number[]): Unit[] {
  if (unit.weight <= grain || unit.actors.length === 1) return [unit];
  let cut = 1;
  let weight = weights[unit.actors[0]];
  while (cut < unit.actors.length - 1 && 2 * weight < unit.weight) {
    weight += weights[unit.actors[cut]];
    cut += 1;
  }
  const parts = [unit.actors.slice(0, cut), unit.actors.slice(cut)];
  return parts.flatMap((actors) => halved(unitOf(actors, weights), grain, weights));
}

/** Heaviest unit first, each onto the least loaded pack; the first of equals. */
function fill(units: readonly Unit[], workers: number): { actors: number[]; weight: number }[] {
  const packs = Array.from({ length: workers }, () => ({ actors: [] as number[], weight: 0 }));
  const order = [...units].sort((left, right) => right.weight - left.weight);
  for (const unit of order) {
    let least = packs[0];
    for (const pack of packs) if (pack.weight < least.weight) least = pack;
    least.actors.push(...unit.actors);
    least.weight += unit.weight;
  }
  return packs;
}

function isBalanced(
  packs: readonly { actors: number[]; weight: number }[],
  limit: number,
): boolean {
  return packs.every((pack) => pack.actors.length > 0 && pack.weight <= limit);
}
