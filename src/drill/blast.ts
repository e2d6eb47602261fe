/**
 * How far a fault will reach, worked out from the topology before anything is broken: which ranks
 * feel it, which are cut off from their EP group, which experts nobody can reach then, and how much
 * of the fleet's capacity is expected to be left. How far it did reach is measured in reach.ts.
 */
import { type EffectFinder, type FaultEffects, strengthAt } from "../fault/effects.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { makeExpertMap } from "../workload/expert-map.ts";
import { CutFinder } from "./cut-pairs.ts";
import { expertsOnlyOn, expertsOnRanks } from "./experts-out.ts";
import { longestOnEndPs, type Patience, patienceWith } from "./patience.ts";

export interface Blast {
  /** Ids of the ranks that feel it directly, in the order of actors. */
  readonly ranks: readonly string[];
  /** Those that most of their EP group cannot exchange with: they will be masked. */
  readonly cutOff: readonly string[];
  /** Logical experts, ascending, that a rank in service could reach no live replica of then. */
  readonly expertsMissing: readonly number[];
  /** How long it lasts against the clock that runs meanwhile; missing: no clock decides. */
  readonly clock?: string;
  /** What the recovery controller will do about ranks that are given up; missing: nothing. */
  readonly controller?: string;
  /** Share of the healthy capacity that is expected at the worst, 0..1, and why. */
  readonly capacity: number;
  readonly capacityWhy: string;
}

/** Kinds of actors by how far they are from the GPUs. */
const TIERS = ["gpu", "nic", "nvswitch", "leaf", "spine"];

/** Who cannot exchange waits until it is over, and everybody waits for them. */
const WAITED = {
  capacity: 0,
  capacityWhy: "while it lasts all ranks wait; it is over before anybody is given up",
} as const;

/** Of the pairs those with somebody who is out: ranks that trap give up nobody else. */
function only(
  cut: ReadonlyMap<number, ReadonlySet<number>>,
  out: ReadonlySet<number>,
): Map<number, Set<number>> {
  return new Map(
    [...cut].map(([gpu, peers]) => [gpu, new Set([...peers].filter((peer) => out.has(peer)))]),
  );
}

/** Finds out about faults of one scenario. */
export class BlastFinder {
  readonly #scenario: Scenario;
  readonly #topology: Topology;
  readonly #effects: EffectFinder;
  /** Actor indices of the GPUs. */
  readonly #gpus: readonly number[];
  readonly #cuts: CutFinder;
  /** Before anything has gone round the fault. */
  readonly #atFirst: CutFinder;
  /** By actor: actors at the other ends of its lanes. */
  readonly #neighbours: readonly number[][];

  constructor(scenario: Scenario, topology: Topology, effects: EffectFinder) {
    this.#scenario = scenario;
    this.#topology = topology;
    this.#effects = effects;
    this.#gpus = topology.actors.flatMap(({ kind }, index) => (kind === "gpu" ? [index] : []));
    this.#cuts = new CutFinder(scenario, topology);
    const recovery = { ...scenario.recovery, failover: "none" } as const;
    this.#atFirst = new CutFinder({ ...scenario, recovery }, topology);
    this.#neighbours = topology.actors.map(() => []);
    for (const { from, to } of topology.lanes) this.#neighbours[from].push(to);
  }

  /** The blast of a fault that lasts for `lastsPs`; by default for good. */
  of(fault: FaultSpec, lastsPs = Infinity): Blast {
    const effects = this.#effects.effectsOf(fault);
    const touched = this.#touched(effects);
    const patience = this.#patience(effects, longestOnEndPs(fault, lastsPs));
    const isBorne = patience?.isEnough === true;
    // What carries nothing for longer than ranks wait is dead to them.
    const isDead = effects.laneEffect === "stalled" && !isBorne;
    const apart = this.#cuts.of(isDead ? { ...effects, laneEffect: "down" } : effects);
    const cut = isBorne ? new Map<number, Set<number>>() : apart;
    const out = isBorne ? new Set<number>() : this.#outOfService(effects, cut);
    const isTrapped = this.#scenario.recovery.onSilence === "trap";
    const missing = this.#missingExperts(isTrapped ? only(cut, out) : cut, out);
    const hasFailover = this.#scenario.recovery.failover !== "none";
    const stopped = hasFailover ? this.#atFirst.of(effects).size : apart.size;
    const isWaited = isBorne && (stopped > 0 || effects.laneEffect === "stalled");
    const isClocked = patience !== undefined && (stopped > 0 || isWaited);
    const idsOf = (gpus: Iterable<number>): string[] =>
      [...gpus].sort((left, right) => left - right).map((gpu) => this.#topology.actors[gpu].id);
    return {
      ranks: idsOf(touched),
      cutOff: idsOf(out),
      expertsMissing: missing,
      ...(isClocked ? { clock: patience.words } : {}),
      ...this.#controller(cut.size + out.size > 0),
      ...(isWaited ? WAITED : this.#capacity(fault, effects, cut, out, missing)),
    };
  }

  /** `isNeeded`: is anybody given up? */
  #controller(isNeeded: boolean): Pick<Blast, "controller"> {
    const { controller, controllerDelayPs } = this.#scenario.recovery;
    if (controller === "none" || !isNeeded) return {};
    const when = `${formatTime(controllerDelayPs)} after the first report`;
    const how =
      controller === "remap" ? "the others go on with all experts" : "the others begin again";
    return { controller: `controller ${controller}: ${when} ${how}` };
  }

  #patience(effects: FaultEffects, lastsPs: number): Patience | undefined {
    const isOfNetwork = effects.actors.every((actor) => {
      const { kind } = this.#topology.actors[actor];
      return kind === "leaf" || kind === "spine";
    });
    return patienceWith(this.#scenario, effects, isOfNetwork, lastsPs);
  }

  /** GPUs that a fault is on, or that stand behind what it is on. */
  #touched({ actors, lanes, experts }: FaultEffects): Set<number> {
    const found = new Set<number>();
    for (const actor of actors) this.#addBehind(actor, found);
    for (const lane of lanes) {
      const { from, to } = this.#topology.lanes[lane];
      const [inner] = [from, to].sort((left, right) => this.#rankOf(left) - this.#rankOf(right));
      this.#addBehind(inner, found);
    }
    for (const expert of experts) for (const gpu of this.#holdersOf(expert)) found.add(gpu);
    return found;
  }

  /** How far an actor is from the GPUs. */
  #rankOf(actor: number): number {
    return TIERS.indexOf(this.#topology.actors[actor].kind);
  }

  #addBehind(actor: number, found: Set<number>): void {
    if (this.#rankOf(actor) === 0) found.add(actor);
    else {
      for (const next of this.#neighbours[actor]) {
        if (this.#rankOf(next) < this.#rankOf(actor)) this.#addBehind(next, found);
      }
    }
  }

  /** GPUs that are out of service themselves, or that most of their EP group cannot reach. */
  #outOfService(effects: FaultEffects, cut: ReadonlyMap<number, Set<number>>): Set<number> {
    const { actorEffect, actors } = effects;
    const isOut = actorEffect !== undefined && actorEffect !== "slow" && actorEffect !== "flips";
    const out = new Set(isOut ? actors.filter((actor) => this.#rankOf(actor) === 0) : []);
    const { epSize } = this.#scenario.workload;
    // Who is still gives nobody up.
    const isStill = actorEffect === "dead" || actorEffect === "hung";
    const still = new Set(isStill ? actors : []);
    for (const [gpu, peers] of cut) {
      const maskers = [...peers].filter((peer) => !still.has(peer)).length;
      if (maskers * 2 > epSize - 1) out.add(gpu);
    }
    return out;
  }

  /** Actor indices of the GPUs that hold a replica of an expert in some layer. */
  #holdersOf(expert: number): number[] {
    const map = makeExpertMap(this.#scenario);
    const { epSize, layers } = this.#scenario.workload;
    const holders = new Set<number>();
    for (const place of layers.keys()) {
      for (let replica = 0; replica < map.replicasOf(place, expert); replica += 1) {
        holders.add(map.replicaAt(place, expert, replica));
      }
    }
    return this.#gpus.filter((_, rank) => holders.has(rank % epSize));
  }

  /**
   * Experts that a rank in service can reach no live replica of, ascending. Where a whole EP group
   * is out of service, all of its ranks count; the measure `experts_missing` counts so, too.
   */
  #missingExperts(
    cut: ReadonlyMap<number, ReadonlySet<number>>,
    out: ReadonlySet<number>,
  ): number[] {
    if (cut.size === 0) return [];
    const map = makeExpertMap(this.#scenario);
    const on = expertsOnRanks(map, this.#scenario);
    const { epSize } = this.#scenario.workload;
    const missing = new Set<number>();
    // Many ranks are cut off from the same ones: each set is looked at once.
    const looked = new Set<string>();
    for (let first = 0; first < this.#gpus.length; first += epSize) {
      const group = this.#gpus.slice(first, first + epSize);
      const isAllOut = group.every((gpu) => out.has(gpu));
      for (const gpu of group) {
        const peers = cut.get(gpu);
        if (peers === undefined || (out.has(gpu) && !isAllOut)) continue;
        const places = group.flatMap((peer, place) => (peers.has(peer) ? [place] : []));
        if (looked.size === looked.add(places.join()).size) continue;
        const among = [...new Set(places.flatMap((place) => on[place]))];
        const isOut = (place: number): boolean => peers.has(group[place]);
        for (const one of expertsOnlyOn(map, this.#scenario, isOut, among)) missing.add(one);
      }
    }
    return [...missing].sort((left, right) => left - right);
  }

  #capacity(
    fault: FaultSpec,
    effects: FaultEffects,
    cut: ReadonlyMap<number, Set<number>>,
    out: ReadonlySet<number>,
    missing: readonly number[],
  ): Pick<Blast, "capacity" | "capacityWhy"> {
    const { recovery, cluster, workload } = this.#scenario;
    const ranks = this.#gpus.length;
    if (cut.size > 0 || out.size > 0) {
      if (recovery.onSilence === "trap") {
        const end = recovery.controller === "none" ? "the job ends" : "until the step begins again";
        return { capacity: 0, capacityWhy: `ranks trap when one is silent: ${end}` };
      }
      if (recovery.takeover && missing.length === 0) {
        const why = "live replicas take over: only the tokens of ranks out of service are gone";
        return { capacity: (ranks - out.size) / ranks, capacityWhy: why };
      }
      const { actorEffect } = effects;
      const isStill = actorEffect === "dead" || actorEffect === "hung";
      let served = 0;
      for (const gpu of this.#gpus) {
        if (isStill && out.has(gpu)) continue;
        served += workload.epSize - (cut.get(gpu)?.size ?? 0);
      }
      const why = "assignments between ranks that can still exchange; the others are masked";
      return { capacity: served / (ranks * workload.epSize), capacityWhy: why };
    }
    const isOfController = fault.kind === "controller-down";
    if (effects.laneEffect === "down" || (effects.actorEffect === "dead" && !isOfController)) {
      return this.#lessBandwidth(effects, cluster.planes);
    }
    if (isOfController) {
      return {
        capacity: 1,
        capacityWhy: "ranks serve without it; whom they give up stays so till it is back",
      };
    }
    const { slowdown } = strengthAt(fault.parameters, 1000);
    if (slowdown > 1) {
      const why =
        "at the worst: all ranks wait for the slow one, if this is all that they wait for";
      return { capacity: 1 / slowdown, capacityWhy: why };
    }
    return { capacity: 1, capacityWhy: "no closed form: time or results suffer, not capacity" };
  }

  /** Nobody is cut off: others carry what the dead links did. */
  #lessBandwidth(effects: FaultEffects, planes: number): Pick<Blast, "capacity" | "capacityWhy"> {
    const dead = new Set(effects.actors);
    const lost = new Set(effects.lanes);
    let all = 0;
    let gone = 0;
    for (const [lane, { from, to }] of this.#topology.lanes.entries()) {
      if (this.#rankOf(from) !== 1 || this.#rankOf(to) !== 3) continue;
      all += 1;
      if (lost.has(lane) || dead.has(from) || dead.has(to)) gone += 1;
    }
    const isSpread = this.#scenario.cluster.nicPorts === "multi-port";
    const share = all === 0 ? 0 : gone / all;
    const why = isSpread
      ? `packets are sprayed over ${planes} planes: the others carry them`
      : gone > 0
        ? "after the last retry messages go round over NVLink and another plane's NIC; till then all wait"
        : "switches go round by other uplinks";
    return { capacity: 1 - share, capacityWhy: why };
  }
}
