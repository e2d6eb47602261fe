/**
 * Which ranks a fault keeps from exchanging with each other: whose way through the network, there
 * or back, is dead, and who is dead. From the topology and the routes alone; policies that find
 * another way (failover, several ports, re-routing) are taken into account.
 */
import type { FaultEffects } from "../fault/effects.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { makePathFinder, type PathFinder } from "../topology/paths.ts";

/** Finds the pairs of one scenario. */
export class CutFinder {
  readonly #scenario: Scenario;
  readonly #topology: Topology;
  /** Actor indices of the GPUs. */
  readonly #gpus: readonly number[];
  readonly #pathOf: PathFinder;
  /** Of the fault that is looked at: whether a GPU has a way out of its node. */
  readonly #wayOut = new Map<number, boolean>();

  constructor(scenario: Scenario, topology: Topology) {
    const { cluster, workload, recovery } = scenario;
    this.#scenario = scenario;
    this.#topology = topology;
    this.#gpus = topology.actors.flatMap(({ kind }, index) => (kind === "gpu" ? [index] : []));
    const { protocol, intraNode } = workload;
    const anyUplink = recovery.rerouteLocalPs >= 0 || recovery.rerouteManagerPs >= 0;
    this.#pathOf = makePathFinder(topology, cluster, { protocol, intraNode, anyUplink });
  }

  /** By GPU: members of its EP group that it cannot exchange with, over the network as it is. */
  of(effects: FaultEffects): Map<number, Set<number>> {
    this.#wayOut.clear();
    const { actorEffect, actors, laneEffect, lanes } = effects;
    const isDown = laneEffect === "down";
    const stops = actorEffect !== undefined && actorEffect !== "slow" && actorEffect !== "flips";
    const cut = new Map<number, Set<number>>();
    if (!isDown && !stops) return cut;
    const deadActors = new Set(stops ? actors : []);
    const deadLanes = new Set(isDown ? lanes : []);
    for (const lane of this.#topology.lanes.keys()) {
      const { from, to } = this.#topology.lanes[lane];
      // Who only hangs, or is masked or drained, still passes on what others send.
      const isGone = deadActors.has(from) || deadActors.has(to);
      if (isGone && actorEffect === "dead") deadLanes.add(lane);
    }
    const { epSize } = this.#scenario.workload;
    this.#gpus.forEach((gpu, rank) => {
      const first = rank - (rank % epSize);
      for (let other = rank + 1; other < first + epSize; other += 1) {
        const peer = this.#gpus[other];
        if (!this.#isCut(gpu, peer, deadActors, deadLanes)) continue;
        setOf(cut, gpu).add(peer);
        setOf(cut, peer).add(gpu);
      }
    });
    return cut;
  }

  #isCut(
    gpu: number,
    peer: number,
    deadActors: ReadonlySet<number>,
    deadLanes: ReadonlySet<number>,
  ): boolean {
    if (deadActors.has(gpu) || deadActors.has(peer)) return true;
    const { cluster, recovery } = this.#scenario;
    const { actors } = this.#topology;
    const isInside = actors[gpu].node === actors[peer].node;
    const isSpread = cluster.nicPorts === "multi-port" || recovery.failover === "nvlink";
    // With another plane to go by, a pair is cut only when no plane is left to either of them.
    if (!isInside && isSpread) {
      return [gpu, peer].some((one) => this.#hasNoWayOut(one, deadActors, deadLanes));
    }
    const crosses = (from: number, to: number): boolean => {
      const path = this.#pathOf(from, to);
      const isDead = (lane: number): boolean => deadLanes.has(lane);
      // Of several uplinks one is enough.
      const { switchRouting } = cluster;
      const isFree = recovery.rerouteLocalPs >= 0 || recovery.rerouteManagerPs >= 0;
      if (!isFree && switchRouting !== "adaptive") return path.lanes.some(isDead);
      return (
        path.lanes.some((lane) => isDead(lane) && !this.#isUplink(lane)) ||
        this.#allUp(path.lanes, isDead)
      );
    };
    return crosses(gpu, peer) || crosses(peer, gpu);
  }

  /** Whether a lane joins switches of the network. */
  #isUplink(lane: number): boolean {
    const { from, to } = this.#topology.lanes[lane];
    const { actors } = this.#topology;
    const isSwitch = (actor: number): boolean =>
      actors[actor].kind === "leaf" || actors[actor].kind === "spine";
    return isSwitch(from) && isSwitch(to);
  }

  /** Whether a path has ways up, and all of them are dead. */
  #allUp(lanes: readonly number[], isDead: (lane: number) => boolean): boolean {
    const ways = lanes.filter((lane) => this.#isUplink(lane));
    return ways.length > 0 && ways.every(isDead);
  }

  /** Whether no NIC of the GPU's node, or (multi-port) no port of its own NIC, is left. */
  #hasNoWayOut(
    gpu: number,
    deadActors: ReadonlySet<number>,
    deadLanes: ReadonlySet<number>,
  ): boolean {
    const known = this.#wayOut.get(gpu);
    if (known !== undefined) return !known;
    const { actors, lanes } = this.#topology;
    const { node, ordinal } = actors[gpu];
    const isOwn = this.#scenario.cluster.nicPorts === "multi-port";
    for (const [lane, { from, to }] of lanes.entries()) {
      const nic = actors[from];
      if (nic.kind !== "nic" || nic.node !== node || actors[to].kind !== "leaf") continue;
      if (isOwn && nic.ordinal !== ordinal) continue;
      if (deadLanes.has(lane) || deadActors.has(from) || deadActors.has(to)) continue;
      this.#wayOut.set(gpu, true);
      return false;
    }
    this.#wayOut.set(gpu, false);
    return true;
  }
}

function setOf<Key, Value>(map: Map<Key, Set<Value>>, key: Key): Set<Value> {
  let found = map.get(key);
  if (found === undefined) {
    found = new Set();
    map.set(key, found);
  }
  return found;
}
