/**
 * A run as measures see it: its facts, taken as they come, sorted into durations, counts and
 * states. Two of them (a run and its healthy twin) can be asked the same. It judges nothing.
 */
import { EffectFinder } from "../fault/effects.ts";
import type { Fact, FactRecord } from "../model/fact.ts";
import { type FaultKind, INTERVENTION_KINDS } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { assignmentsInStep } from "../workload/token-count.ts";
import { GivenUp } from "./given-up.ts";
import { Counter, Series, States } from "./series.ts";

/** A layer that a rank completed. */
export interface LayerNote {
  readonly atPs: number;
  readonly durationPs: number;
  /** Place of the rank among the GPUs. */
  readonly rank: number;
  /** Which layer, pass and micro-batch: layers with the same one take the same time. */
  readonly sort: string;
}

/** What the measures are made of. Instants and durations in ps. */
export class RunSeries {
  /** Ids of the GPUs, in the order of actors. */
  readonly ranks: readonly string[];
  /** Assignments that one token makes on its way through all layers, of all its passes. */
  readonly assignmentsPerToken: number;
  readonly acceptedTokensPerStep: number;
  readonly steps = new Series();
  readonly layers = new Series();
  readonly dispatches = new Series();
  readonly combines = new Series();
  readonly layerNotes: LayerNote[] = [];
  /** By rank: instants at which it completed a layer, ascending. */
  readonly layersOf: readonly number[][];
  readonly combined = new Counter();
  readonly masked = new Counter();
  readonly timeouts = new Counter();
  readonly retransmits = new Counter();
  readonly queuePairFailures = new Counter();
  readonly detours = new Counter();
  readonly reroutes = new Counter();
  readonly corruptedUnseen = new Counter();
  readonly corruptedCaught = new Counter();
  /** Signs that something is wrong, whatever they are about. */
  readonly signs = new Series();
  /** Anything that points at a part of the cluster, whatever its cause. */
  readonly pointers = new Series();
  /** The same by the name of the fault that was the cause. */
  readonly pointersOf = new Map<string, Series>();
  /** Who has given up whom; ranks by place. */
  readonly givenUp: GivenUp;
  /** Ranks whose GPU is dead. */
  readonly deadRanks = new States<number>();
  readonly trappedRanks = new States<number>();
  readonly finishedRanks = new States<number>();
  /** When ranks had waited too long, and for how many. */
  readonly waits = new Series();
  /** When a controller decided, and for which epoch. */
  readonly decisions = new Series();
  /** When a controller had ranks go on, with the step that they went on with. */
  readonly resumes = new Series();
  /** When ranks began a step again, and which. */
  readonly restarts = new Series();
  /** Names of faults, without what operators do. */
  readonly faults = new States<string>();
  /** When the last rank finished, ps; undefined while some have not. */
  finishedAtPs: number | undefined;
  readonly #rankOf: ReadonlyMap<string, number>;
  readonly #topology: Topology;
  readonly #effects: EffectFinder;
  /** Targets of each fault that have not healed. */
  readonly #targetsOf = new Map<string, Set<string>>();
  readonly #finished = new Set<number>();

  constructor(scenario: Scenario, topology: Topology) {
    this.#topology = topology;
    this.#effects = new EffectFinder(topology);
    this.ranks = topology.actors.filter(({ kind }) => kind === "gpu").map(({ id }) => id);
    this.#rankOf = new Map(this.ranks.map((id, rank) => [id, rank]));
    this.layersOf = this.ranks.map(() => []);
    this.givenUp = new GivenUp(scenario);
    this.acceptedTokensPerStep = scenario.workload.acceptedTokensPerStep;
    this.assignmentsPerToken = assignmentsInStep(scenario);
  }

  /** Takes facts in the order of the log. */
  take(records: readonly FactRecord[]): void {
    for (const { atPs, actor, fact } of records) this.#take(atPs, actor, fact);
  }

  /** The first onset of a fault, or of the one named; undefined: none so far. ps. */
  onsetPs(fault?: string): number | undefined {
    if (fault !== undefined) return this.faults.firstOf(fault, 0, Infinity);
    let firstPs: number | undefined;
    for (const name of this.faults.during(0, Infinity)) {
      const atPs = this.faults.firstOf(name, 0, Infinity);
      if (atPs !== undefined && (firstPs === undefined || atPs < firstPs)) firstPs = atPs;
    }
    return firstPs;
  }

  #take(atPs: number, actor: number, fact: Fact): void {
    const rank = this.#rankOf.get(this.#topology.actors[actor].id) ?? -1;
    switch (fact.type) {
      case "step.completed":
        this.steps.add(atPs, fact.durationPs);
        return;
      case "layer.completed": {
        const { durationPs, chain, layer } = fact;
        this.layers.add(atPs, durationPs);
        this.layerNotes.push({ atPs, durationPs, rank, sort: `${chain}:${layer}` });
        this.layersOf[rank].push(atPs);
        return;
      }
      case "dispatch.completed":
        this.dispatches.add(atPs, fact.durationPs);
        return;
      case "combine.completed":
        this.combines.add(atPs, fact.durationPs);
        this.combined.add(atPs, fact.combined);
        if (fact.masked > 0) this.masked.add(atPs, fact.masked);
        return;
      case "rank.finished":
        this.finishedRanks.begin(rank, atPs);
        this.#finished.add(rank);
        if (this.#finished.size === this.ranks.length) this.finishedAtPs = atPs;
        return;
      case "fault.began":
      case "fault.healed":
        this.#takeFault(atPs, fact);
        return;
      default:
        this.#takeTrouble(atPs, rank, fact);
    }
  }

  /** Facts that only a run in trouble has. */
  #takeTrouble(atPs: number, rank: number, fact: Fact): void {
    switch (fact.type) {
      case "qp.timed-out":
        this.timeouts.add(atPs, 1);
        break;
      case "qp.retransmitted":
        this.retransmits.add(atPs, fact.packets);
        if (fact.cause !== "port-down") return;
        break;
      case "qp.failed":
        this.queuePairFailures.add(atPs, 1);
        break;
      case "detour.taken":
        this.detours.add(atPs, 1);
        break;
      case "route.changed":
        this.reroutes.add(atPs, 1);
        this.pointers.add(atPs, 1);
        break;
      case "plane.suspected":
        this.pointers.add(atPs, 1);
        break;
      case "rank.wait-timed-out":
        this.waits.add(atPs, fact.missing.length);
        break;
      case "controller.decided":
        this.decisions.add(atPs, fact.epoch);
        return;
      case "rank.masked":
        this.givenUp.mask(rank, this.#rankOf.get(fact.rank) ?? -1, atPs);
        if (fact.reason === "operator") return;
        this.#pointTo(atPs, fact.fault);
        break;
      case "rank.excluded":
        this.givenUp.exclude(this.#rankOf.get(fact.rank) ?? -1, atPs);
        break;
      case "ranks.resumed":
        this.resumes.add(atPs, fact.step);
        this.#resume(fact.members, atPs);
        return;
      case "step.restarted":
        this.restarts.add(atPs, fact.step);
        return;
      case "rank.trapped":
        this.trappedRanks.begin(rank, atPs);
        this.#pointTo(atPs, fact.fault);
        break;
      case "copy.corrupted":
        this.corruptedCaught.add(atPs, 1);
        this.#pointTo(atPs, fact.fault);
        break;
      case "combine.mismatched":
        // Only the oracle knows of it: nobody in the fleet has noticed.
        this.corruptedUnseen.add(atPs, 1);
        return;
      default:
        return;
    }
    this.signs.add(atPs, 1);
  }

  /** Ranks of a group work together from now on, whatever they were before. */
  #resume(members: readonly string[], atPs: number): void {
    const ranks = members.map((id) => this.#rankOf.get(id) ?? -1);
    this.givenUp.takeUp(ranks, atPs);
    for (const rank of ranks) {
      this.trappedRanks.end(rank, atPs);
      this.finishedRanks.end(rank, atPs);
      this.#finished.delete(rank);
    }
  }

  #takeFault(atPs: number, fact: Fact & { type: "fault.began" | "fault.healed" }): void {
    const { fault, kind, target } = fact;
    if ((INTERVENTION_KINDS as readonly string[]).includes(kind)) return;
    const targets = this.#targetsOf.get(fault) ?? new Set();
    this.#targetsOf.set(fault, targets);
    const isOnset = fact.type === "fault.began";
    if (isOnset) {
      targets.add(target);
      this.faults.begin(fault, atPs);
    } else {
      targets.delete(target);
      if (targets.size === 0) this.faults.end(fault, atPs);
    }
    const spec = { name: fault, kind: kind as FaultKind, targets: [target], atPs };
    const { actorEffect, actors } = this.#effects.effectsOf(spec);
    if (actorEffect !== "dead") return;
    for (const actor of actors) {
      const rank = this.#rankOf.get(this.#topology.actors[actor].id);
      if (rank === undefined) continue;
      if (isOnset) this.deadRanks.begin(rank, atPs);
      else this.deadRanks.end(rank, atPs);
    }
  }

  #pointTo(atPs: number, fault: string): void {
    this.pointers.add(atPs, 1);
    let series = this.pointersOf.get(fault);
    if (series === undefined) {
      series = new Series();
      this.pointersOf.set(fault, series);
    }
    series.add(atPs, 1);
  }
}
