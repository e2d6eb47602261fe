/**
 * What the faults come to at the present: who is dead, what ails whom, which lanes drop, lose, are
 * slow, late or stalled, which ports are down. Brought up to date instant by instant; every process
 * holds the whole of it, whatever its actors. It decides nothing: the kernel and the fabric act.
 */
import { violated } from "../base/assert.ts";
import { type FaultEffects, strengthAt } from "../fault/effects.ts";
import type { Condition, FaultBoard, HotExpert } from "../model/actor.ts";
import { type FaultHeal, type FaultSpec, NO_FAULT } from "../model/fault.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { ActiveFaults } from "./active-faults.ts";
import { type Ailment, conditionFrom, HEALTHY, isSameCondition } from "./conditions.ts";
import { FaultChanges } from "./fault-changes.ts";
import { type FaultEvent, FaultSchedule } from "./fault-schedule.ts";
import type { FaultTable, ListedFault } from "./fault-table.ts";
import { LaneFaults } from "./lane-faults.ts";
import type { LaneTable } from "./lane-table.ts";

export interface FaultStateOptions {
  readonly table: FaultTable;
  readonly topology: Topology;
  /** Its rates and latencies are kept up to date here. */
  readonly lanes: LaneTable;
  /** The run's. */
  readonly seed: string;
}

export class FaultState implements FaultBoard {
  readonly table: FaultTable;
  readonly lanes: LaneFaults;
  /** By actor: the fault that killed it, of several the first; NO_FAULT while it lives. */
  readonly deadBy: Int32Array;
  /** Places of the faults that have begun, in order. */
  readonly begun: number[] = [];
  hotExperts: readonly HotExpert[] = [];
  readonly #topology: Topology;
  readonly #laneTable: LaneTable;
  readonly #schedule = new FaultSchedule();
  readonly #onActor = new ActiveFaults();
  readonly #onLane = new ActiveFaults();
  /** By lane: faults that show at its ports, and 1 where one does. */
  readonly #onPort = new ActiveFaults();
  readonly #shownDown: Uint8Array;
  readonly #condition: Condition[];
  readonly #killer = new Map<number, number>();

  constructor({ table, topology, lanes, seed }: FaultStateOptions) {
    this.table = table;
    this.#topology = topology;
    this.#laneTable = lanes;
    this.lanes = new LaneFaults(lanes.count, seed);
    this.deadBy = new Int32Array(topology.actors.length).fill(NO_FAULT);
    this.#shownDown = new Uint8Array(lanes.count);
    this.#condition = topology.actors.map(() => HEALTHY);
    table.faults.forEach((_, fault) => {
      for (const event of table.eventsOf(fault)) this.#schedule.add(event);
    });
  }

  /** Instant of the next onset, level or end; NEVER_PS when there is none. */
  get nextPs(): number {
    return this.#schedule.headPs;
  }

  /**
   * Takes up faults and early ends; none may be before the present. A fault that is to end by the
   * time it begins ends as it begins, and touches nothing.
   */
  learn(faults: readonly FaultSpec[], heals: readonly FaultHeal[], nowPs: number): void {
    for (const spec of faults) {
      if (spec.atPs < nowPs) violated("fault-in-the-past", `${spec.name}: ${spec.atPs} ps`);
      for (const event of this.table.add(spec)) this.#schedule.add(event);
    }
    for (const { fault: name, atPs } of heals) {
      if (atPs < nowPs) violated("fault-in-the-past", `end of ${name}: ${atPs} ps`);
      const fault = this.table.placeOf(name);
      const listed = this.table.faults[fault];
      if (fault === NO_FAULT || listed.status === "over") continue;
      if (listed.status === "to come" && atPs <= listed.spec.atPs) listed.isVoid = true;
      else this.#schedule.add({ atPs, fault, type: "end", permille: 0 });
    }
  }

  /**
   * Carries out everything that faults do at their next instant, and says what came of it. The end
   * of a fault that is not in force changes nothing.
   */
  applyNext(): FaultChanges {
    const atPs = this.nextPs;
    const changes = new FaultChanges(atPs, this);
    while (this.nextPs === atPs) {
      const event = this.#schedule.pop();
      const listed = this.table.faults[event.fault];
      if (event.type !== "onset" && listed.status !== "in force") continue;
      this.table.nowPs = atPs;
      changes.events.push(event);
      if (event.type === "onset") this.begun.push(event.fault);
      if (listed.isVoid) {
        changes.events.push({ ...event, type: "end", permille: 0 });
        this.#close(listed, event);
      } else this.#carryOut(event, listed, changes);
    }
    return changes;
  }

  /** The fault that an actor died of last; NO_FAULT: it never did. */
  killerOf(actor: number): number {
    return this.#killer.get(actor) ?? NO_FAULT;
  }

  conditionOf(actor: number): Condition {
    return this.#condition[actor];
  }

  isPortDown(actor: number, port: number): boolean {
    return this.isShownDown(this.#laneTable.firstLane[actor] + port);
  }

  isRerouted(actor: number, port: number): boolean {
    return this.#isAvoided(this.#laneTable.firstLane[actor] + port);
  }

  portStateOf(lane: number): number {
    return this.#shownDown[lane] + 2 * Number(this.#isAvoided(lane));
  }

  /** Do the ports at the ends of a lane show that it is not to be used? */
  isShownDown(lane: number): boolean {
    return this.#shownDown[lane] !== 0;
  }

  corrupterOf(gpuActor: number, sincePs: number): number {
    return this.table.corrupterOf(gpuActor, sincePs);
  }

  nameOf(fault: number): string {
    return this.table.nameOf(fault);
  }

  between(rankActor: number, peerActor: number, sincePs: number): number {
    return this.table.between(rankActor, peerActor, sincePs);
  }

  /** What does not fit together, each a sentence: the state against the faults in force. */
  check(): string[] {
    const isActive = ({ permille }: ListedFault): boolean => permille > 0;
    const active = this.table.faults.filter(isActive).map(({ effects }) => effects);
    const wanted = (pick: (effects: FaultEffects) => readonly number[]): string =>
      [...new Set(active.flatMap(pick))].sort((left, right) => left - right).join();
    const { nowPs } = this.table;
    const late = this.table.faults.filter(
      ({ spec, status, endedPs }) =>
        (status === "in force") !==
        (spec.atPs <= nowPs && (spec.healAtPs ?? endedPs) > nowPs && endedPs > nowPs),
    );
    const dead = this.#onActor.places.filter((actor) => this.deadBy[actor] !== NO_FAULT);
    const rows: [what: string, is: string, should: string][] = [
      ["faults in force", late.map(({ spec }) => spec.name).join(), ""],
      ["actors with a fault", this.#onActor.places.join(), wanted(({ actors }) => actors)],
      ["lanes with a fault", this.#onLane.places.join(), wanted(({ lanes }) => lanes)],
      ["ports down", this.#onPort.places.join(), wanted(({ shownLanes }) => shownLanes)],
      [
        "dead actors",
        dead.join(),
        wanted(({ actors, actorEffect }) => (actorEffect === "dead" ? actors : [])),
      ],
    ];
    return rows
      .filter(([, is, should]) => is !== should)
      .map(([what, is, should]) => `faults: ${what}: ${is || "none"}, not ${should || "none"}`);
  }

  #carryOut(event: FaultEvent, listed: ListedFault, changes: FaultChanges): void {
    if (event.type === "onset") listed.status = "in force";
    if (event.type === "end") this.#close(listed, event);
    listed.permille = event.permille;
    for (const lane of listed.effects.shownLanes) changes.noteLane(lane);
    this.#onActors(event, listed.effects, changes);
    this.#onLanes(event, listed, changes);
    this.#onPorts(event, listed.effects);
    if (listed.effects.experts.length > 0) this.hotExperts = this.table.hotExperts;
  }

  #close(listed: ListedFault, { fault, atPs }: FaultEvent): void {
    listed.status = "over";
    listed.endedPs = atPs;
    this.#schedule.forget(fault);
  }

  #onActors({ fault, permille, atPs }: FaultEvent, effects: FaultEffects, to: FaultChanges): void {
    for (const actor of effects.actors) {
      to.noteActor(actor);
      const was = this.#onActor.of(actor).includes(fault);
      if (permille > 0) this.#onActor.add(actor, fault);
      else this.#onActor.remove(actor, fault);
      if (effects.actorEffect !== "dead") this.#setCondition(actor);
      else if (was !== permille > 0) this.#setDead(actor, fault, permille > 0, atPs);
    }
    const { actorEffect } = effects;
    if (actorEffect === "masked" || actorEffect === "drained") to.noteAllGpus();
  }

  #setDead(actor: number, fault: number, isDead: boolean, atPs: number): void {
    const killers = this.#onActor
      .of(actor)
      .filter((one) => this.table.faults[one].effects.actorEffect === "dead");
    if (this.deadBy[actor] === NO_FAULT) this.#killer.set(actor, fault);
    this.deadBy[actor] = killers[0] ?? NO_FAULT;
    const { firstLane } = this.#laneTable;
    for (let lane = firstLane[actor]; lane < firstLane[actor + 1]; lane += 1) {
      if (isDead) this.lanes.begin(lane, fault, atPs, true);
      else this.lanes.end(lane, fault, atPs);
    }
  }

  #setCondition(actor: number): void {
    const ailments = this.#onActor.of(actor).map((fault) => this.#ailment(fault));
    const condition = conditionFrom(ailments);
    this.#condition[actor] = isSameCondition(condition, HEALTHY) ? HEALTHY : condition;
  }

  #ailment(fault: number): Ailment {
    const { spec, effects, permille } = this.table.faults[fault];
    return { fault, effect: effects.actorEffect, strength: strengthAt(spec.parameters, permille) };
  }

  #onLanes(event: FaultEvent, { spec, effects }: ListedFault, to: FaultChanges): void {
    const { fault, permille, atPs } = event;
    const { lossPerMillion, sparedBytes } = strengthAt(spec.parameters, permille);
    for (const lane of effects.lanes) {
      const was = this.#onLane.of(lane).includes(fault);
      if (permille > 0) this.#onLane.add(lane, fault);
      else this.#onLane.remove(lane, fault);
      switch (effects.laneEffect) {
        case "down":
          if (permille > 0 && !was) this.lanes.begin(lane, fault, atPs, false);
          if (permille === 0 && was) this.lanes.end(lane, fault, atPs);
          break;
        case "lossy":
          this.lanes.lose(lane, { fault, sparedBytes }, lossPerMillion, spec.name);
          break;
        case "slow":
        case "late":
          this.#retime(lane);
          to.retimed.add(lane);
          break;
        case "stalled":
          this.#laneTable.setStalled(lane, this.#stallEndPs(lane));
          to.unstalled.add(lane);
          break;
        default:
      }
    }
  }

  /** Sets a lane's rate and latency to what all faults on it make of them: never faster. */
  #retime(lane: number): void {
    const healthy = this.#topology.lanes[lane].lane;
    let { psPerByte, latencyPs } = healthy;
    let psPerByteAtLeast = 0;
    for (const fault of this.#onLane.of(lane)) {
      const { spec, effects, permille } = this.table.faults[fault];
      const strength = strengthAt(spec.parameters, permille);
      if (effects.laneEffect === "slow") {
        psPerByte *= strength.slowdown;
        psPerByteAtLeast = Math.max(psPerByteAtLeast, strength.psPerByteAtLeast);
      }
      if (effects.laneEffect === "late") latencyPs += strength.extraLatencyPs;
    }
    const slowest = Math.max(healthy.psPerByte, psPerByte, psPerByteAtLeast);
    this.#laneTable.retime(lane, slowest, latencyPs);
  }

  /** When the leases of all stalls of a lane will have ended; 0: nothing stalls it. */
  #stallEndPs(lane: number): number {
    const ends = this.#onLane.of(lane).map((fault) => {
      const { spec, effects } = this.table.faults[fault];
      return effects.laneEffect === "stalled" ? (spec.healAtPs ?? TIME_MAX_PS) : 0;
    });
    return Math.max(0, ...ends);
  }

  #onPorts({ fault, permille }: FaultEvent, { shownLanes }: FaultEffects): void {
    for (const lane of shownLanes) {
      if (permille > 0) this.#onPort.add(lane, fault);
      else this.#onPort.remove(lane, fault);
      this.#shownDown[lane] = Number(this.#onPort.of(lane).length > 0);
    }
  }

  #isAvoided(lane: number): boolean {
    const { faults } = this.table;
    return this.#onLane.of(lane).some((fault) => faults[fault].effects.laneEffect === "avoided");
  }
}
