/**
 * What the faults of one instant changed, all of them together: a link that one fault gives back
 * and another takes at the same instant has not changed. Compares what was, when it was first
 * touched, with what is.
 */
import type { Condition } from "../model/actor.ts";
import { NO_FAULT } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { isSameCondition } from "./conditions.ts";
import type { FaultEvent } from "./fault-schedule.ts";

/** What changes are noted of. */
export interface FaultPresent {
  readonly deadBy: Int32Array;
  conditionOf(actor: number): Condition;
  /** What the ports of a lane show; compared only. */
  portStateOf(lane: number): number;
}

export class FaultChanges {
  readonly atPs: number;
  /** In order; those that changed nothing are not here. */
  readonly events: FaultEvent[] = [];
  /** Lanes whose rate or latency was set, and lanes that a stall began or ended on. */
  readonly retimed = new Set<number>();
  readonly unstalled = new Set<number>();
  readonly #present: FaultPresent;
  readonly #wasDead = new Map<number, boolean>();
  readonly #was = new Map<number, Condition>();
  readonly #portState = new Map<number, number>();
  #allGpus = false;

  constructor(atPs: number, present: FaultPresent) {
    this.atPs = atPs;
    this.#present = present;
  }

  /** Called before anything of an actor is changed. */
  noteActor(actor: number): void {
    if (this.#was.has(actor)) return;
    this.#was.set(actor, this.#present.conditionOf(actor));
    this.#wasDead.set(actor, this.#present.deadBy[actor] !== NO_FAULT);
  }

  /** Called before the ports of a lane are changed. */
  noteLane(lane: number): void {
    if (!this.#portState.has(lane)) this.#portState.set(lane, this.#present.portStateOf(lane));
  }

  /** An operator's mask or drain changed: it concerns every rank. */
  noteAllGpus(): void {
    this.#allGpus = true;
  }

  /** Actors that died, and those that live again, ascending. */
  get died(): number[] {
    return this.#turned(false);
  }

  get revived(): number[] {
    return this.#turned(true);
  }

  /**
   * Living actors for which the fault board says something else than before, ascending: of
   * themselves, of a port, (GPUs) of a port of their NIC, or (leaves and spines) of a link between
   * switches of their plane; after an operator's mask or drain every GPU.
   */
  affected(topology: Topology): number[] {
    const { deadBy } = this.#present;
    const affected = new Set<number>();
    for (const [actor, was] of this.#was) {
      if (!isSameCondition(was, this.#present.conditionOf(actor))) affected.add(actor);
    }
    const planes = new Set<number>();
    for (const [lane, was] of this.#portState) {
      if (this.#present.portStateOf(lane) === was) continue;
      const [from, to] = endsOf(topology, lane);
      affected.add(topology.lanes[lane].from);
      affected.add(topology.lanes[lane].to);
      // A NIC's host sees the port state of its NIC.
      for (const { kind, node, ordinal } of [from, to]) {
        if (kind === "nic") affected.add(topology.indexOf(`node${node}.gpu${ordinal}`));
      }
      if (isSwitch(from) && isSwitch(to)) planes.add(from.plane).add(to.plane);
    }
    topology.actors.forEach((place, actor) => {
      const isShared = planes.has(-1) || place.plane === -1;
      const isOfPlane = planes.size > 0 && isSwitch(place);
      if (isOfPlane && (isShared || planes.has(place.plane))) affected.add(actor);
      if (this.#allGpus && place.kind === "gpu") affected.add(actor);
    });
    return [...affected]
      .filter((actor) => deadBy[actor] === NO_FAULT && this.#wasDead.get(actor) !== true)
      .sort((left, right) => left - right);
  }

  #turned(wasDead: boolean): number[] {
    const isDead = (actor: number): boolean => this.#present.deadBy[actor] !== NO_FAULT;
    return [...this.#wasDead]
      .filter(([actor, was]) => was === wasDead && isDead(actor) !== was)
      .map(([actor]) => actor)
      .sort((left, right) => left - right);
  }
}

type Place = Topology["actors"][number];

function isSwitch({ kind }: Place): boolean {
  return kind === "leaf" || kind === "spine";
}

function endsOf({ actors, lanes }: Topology, lane: number): [from: Place, to: Place] {
  return [actors[lanes[lane].from], actors[lanes[lane].to]];
}
