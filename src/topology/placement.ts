/**
 * Which worker process runs which actor. Placement is data, and no result of a run depends on it;
 * this file only divides the actors and says what crosses between workers. It starts no process.
 */
import { violated } from "../base/assert.ts";
import type { PlacementName } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { compareNatural } from "./natural-order.ts";
import { homeOf, packActors } from "./pack.ts";

/** One worker process and what it runs. */
export interface PlacedWorker {
  /** For people: `node0`, `plane3`, `spines`, `pack1`, `single`, or an actor's id. */
  readonly label: string;
  /** Actor indices, ascending; never empty. */
  readonly actors: readonly number[];
}

/** Every actor in exactly one worker. */
export interface Placement {
  /** In natural order of their labels; a worker's place here is its number. */
  readonly workers: readonly PlacedWorker[];
  /** Worker number by actor index. */
  readonly workerOf: Int32Array;
}

/**
 * Why `placement` cannot be made, worded for the user; undefined when it can. `workers` counts for
 * `pack` only.
 */
export function placementProblem(
  topology: Topology,
  placement: PlacementName,
  workers: number,
): string | undefined {
  if (placement !== "pack") return undefined;
  const most = topology.actors.length;
  if (Number.isSafeInteger(workers) && workers >= 1 && workers <= most) return undefined;
  return `placement pack over ${workers} workers; with ${most} actors 1..${most} are allowed`;
}

/**
 * Places every actor. `actor`: a worker each; `node`: a worker for each server and for each network
 * plane (of an MRFT: for the leaves of each rail, and one for the spines), and one for a
 * controller; `pack`: balanced over `workers`; `single`: one worker. Throws an InvariantError where
 * {@link placementProblem} has something to say: ask first.
 */
export function placeActors(
  topology: Topology,
  placement: PlacementName,
  workers: number,
): Placement {
  const problem = placementProblem(topology, placement, workers);
  if (problem !== undefined) violated("placement-is-possible", problem);
  return numbered(topology, groupsOf(topology, placement, workers));
}

/** Place of the host that starts a worker: workers are spread over hosts in even blocks. */
export function hostOfWorker(number: number, workers: number, hosts: number): number {
  return Math.floor((number * hosts) / workers);
}

/** Smallest latency of a lane between two workers, ps; Infinity when no lane crosses. */
export function lookaheadOf(topology: Topology, placement: Placement): number {
  const { workerOf } = placement;
  let smallest = Number.POSITIVE_INFINITY;
  for (const { from, to, lane } of topology.lanes) {
    if (workerOf[from] !== workerOf[to] && lane.latencyPs < smallest) smallest = lane.latencyPs;
  }
  return smallest;
}

/** Pairs of worker numbers that share a lane: the lower one first, sorted, each pair once. */
export function crossingPeers(
  topology: Topology,
  placement: Placement,
): (readonly [number, number])[] {
  const { workers, workerOf } = placement;
  const keys = new Set<number>();
  for (const { from, to } of topology.lanes) {
    const low = Math.min(workerOf[from], workerOf[to]);
    const high = Math.max(workerOf[from], workerOf[to]);
    if (low !== high) keys.add(low * workers.length + high);
  }
  return [...keys]
    .sort((left, right) => left - right)
    .map((key) => [Math.floor(key / workers.length), key % workers.length] as const);
}

/** Actor indices by label. */
function groupsOf(
  topology: Topology,
  placement: PlacementName,
  workers: number,
): Map<string, number[]> {
  if (placement === "pack") {
    const packs = packActors(topology, workers);
    return new Map(packs.map((actors, pack) => [`pack${pack}`, actors]));
  }
  const groups = new Map<string, number[]>();
  for (const [index, actor] of topology.actors.entries()) {
    const label =
      placement === "actor" ? actor.id : placement === "node" ? homeOf(actor) : "single";
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [index]);
    else group.push(index);
  }
  return groups;
}

/** Puts workers into their order and numbers them. */
function numbered(topology: Topology, groups: Map<string, number[]>): Placement {
  const workers = [...groups]
    .sort(([left], [right]) => compareNatural(left, right))
    .map(([label, actors]) => ({ label, actors: actors.sort((left, right) => left - right) }));
  const workerOf = new Int32Array(topology.actors.length).fill(-1);
  for (const [number, worker] of workers.entries()) {
    for (const actor of worker.actors) {
      if (workerOf[actor] >= 0) violated("actor-placed-once", topology.actors[actor].id);
      workerOf[actor] = number;
    }
  }
  const missing = workerOf.indexOf(-1);
  if (missing >= 0) violated("actor-placed-once", `${topology.actors[missing].id} is not placed`);
  return { workers, workerOf };
}
