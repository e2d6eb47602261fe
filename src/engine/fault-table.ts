/**
 * The run's faults and what each takes away: lanes that drop, actors that are dead. Every process
 * holds the same table, so that a rank can name the fault behind a lost peer wherever it runs.
 */
import { violated } from "../base/assert.ts";
import type { Condition, FaultBoard, HotExpert } from "../model/actor.ts";
import { type FaultSpec, NO_FAULT } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";

/** Devices and lanes that a message from one GPU to another passes. */
export type PathFinder = (
  fromGpu: number,
  toGpu: number,
) => { readonly actors: readonly number[]; readonly lanes: readonly number[] };

/** A fault with its targets resolved. */
export interface ResolvedFault {
  readonly spec: FaultSpec;
  /** Actors that handle nothing from the onset on. */
  readonly deadActors: readonly number[];
  /** Lanes that drop all that is on them between onset and heal. */
  readonly downLanes: readonly number[];
  /** Actors that the fault names (what a path is looked up for). */
  readonly namedActors: readonly number[];
  readonly healAtPs: number;
}

/** Onset or end of a fault. */
export interface FaultEvent {
  readonly atPs: number;
  readonly fault: number;
  readonly began: boolean;
}

/** Nothing ails the device. */
const HEALTHY: Condition = {
  isHung: false,
  slowdown: 1,
  flipsPerMillion: 0,
  flippedBy: NO_FAULT,
  maskedBy: NO_FAULT,
  drainedBy: NO_FAULT,
};

export class FaultTable implements FaultBoard {
  /** The instant that `between` looks back from; the kernel's present. */
  nowPs = 0;
  readonly faults: ResolvedFault[] = [];
  readonly #topology: Topology;
  readonly #pathOf: PathFinder;

  constructor(topology: Topology, specs: readonly FaultSpec[], pathOf: PathFinder) {
    this.#topology = topology;
    this.#pathOf = pathOf;
    for (const spec of specs) this.add(spec);
  }

  /** Adds a fault at the end of the list and returns its onset and end. */
  add(spec: FaultSpec): FaultEvent[] {
    const fault = this.faults.length;
    this.faults.push(this.#resolve(spec));
    return this.eventsOf(fault);
  }

  eventsOf(fault: number): FaultEvent[] {
    const { spec, healAtPs } = this.faults[fault];
    const events: FaultEvent[] = [{ atPs: spec.atPs, fault, began: true }];
    if (healAtPs !== NEVER_PS) events.push({ atPs: healAtPs, fault, began: false });
    return events;
  }

  readonly hotExperts: readonly HotExpert[] = [];

  conditionOf(_actor: number): Condition {
    return HEALTHY;
  }

  isPortDown(_actor: number, _port: number): boolean {
    return false;
  }

  corrupterOf(_gpuActor: number, _sincePs: number): number {
    return NO_FAULT;
  }

  nameOf(fault: number): string {
    return this.faults[fault]?.spec.name ?? "none";
  }

  between(rankActor: number, peerActor: number, sincePs: number): number {
    const there = this.#pathOf(rankActor, peerActor);
    const back = this.#pathOf(peerActor, rankActor);
    const onPath = this.faults.map(
      (fault) =>
        fault.spec.atPs <= this.nowPs &&
        (fault.namedActors.some((one) => there.actors.includes(one) || back.actors.includes(one)) ||
          fault.downLanes.some((lane) => there.lanes.includes(lane) || back.lanes.includes(lane))),
    );
    // A queue pair that failed stays failed: a fault that has healed still explains its silence.
    let best = NO_FAULT;
    for (let fault = 0; fault < this.faults.length; fault += 1) {
      if (onPath[fault] && (best === NO_FAULT || this.#explainsBetter(fault, best, sincePs))) {
        best = fault;
      }
    }
    return best;
  }

  /**
   * Of two faults on a path the one that is in force now; else one in force since `sincePs`; else
   * the one that healed last. Among equals the earlier onset, then the name: never the place in the
   * list.
   */
  #explainsBetter(fault: number, other: number, sincePs: number): boolean {
    const left = this.faults[fault];
    const right = this.faults[other];
    const rankOf = ({ healAtPs }: ResolvedFault): number =>
      healAtPs > this.nowPs ? 2 : healAtPs >= sincePs ? 1 : 0;
    const rank = rankOf(left) - rankOf(right);
    if (rank !== 0) return rank > 0;
    if (rankOf(left) < 2 && left.healAtPs !== right.healAtPs) return left.healAtPs > right.healAtPs;
    if (left.spec.atPs !== right.spec.atPs) return left.spec.atPs < right.spec.atPs;
    return left.spec.name < right.spec.name;
  }

  /** The fault that killed an actor by now; NO_FAULT when it lives. */
  killerOf(actor: number): number {
    return this.faults.findIndex(
      (fault) => fault.spec.atPs <= this.nowPs && fault.deadActors.includes(actor),
    );
  }

  /**
   * The actor in whose name a fault on a target is logged: the target, or the first end of a link.
   */
  reporterOf(spec: FaultSpec, target: string): number {
    if (spec.kind !== "link-down") return this.#topology.indexOf(target);
    const lane = this.#topology.lanes.find((candidate) => candidate.link === target);
    return lane === undefined ? violated("fault-target", target) : lane.from;
  }

  #resolve(spec: FaultSpec): ResolvedFault {
    const healAtPs = spec.healAtPs ?? NEVER_PS;
    if (spec.kind === "link-down") {
      return {
        spec,
        deadActors: [],
        downLanes: this.#lanesWhere((link) => spec.targets.includes(link)),
        namedActors: [],
        healAtPs,
      };
    }
    const actors = spec.targets.map((id) => this.#topology.indexOf(id));
    if (actors.includes(-1)) violated("fault-target", `${spec.name}: ${spec.targets.join(", ")}`);
    if (spec.kind !== "nic-down") {
      return { spec, deadActors: actors, downLanes: [], namedActors: actors, healAtPs };
    }
    const network = new Set(
      this.#topology.lanes
        .filter((lane) => actors.includes(lane.from) && this.#isSwitch(lane.to))
        .map((lane) => lane.link),
    );
    const downLanes = this.#lanesWhere((link) => network.has(link));
    return { spec, deadActors: [], downLanes, namedActors: actors, healAtPs };
  }

  #isSwitch(actor: number): boolean {
    const kind = this.#topology.actors[actor].kind;
    return kind === "leaf" || kind === "spine";
  }

  #lanesWhere(matches: (link: string) => boolean): number[] {
    const lanes: number[] = [];
    this.#topology.lanes.forEach((lane, place) => {
      if (matches(lane.link)) lanes.push(place);
    });
    return lanes;
  }
}
