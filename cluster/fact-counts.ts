/**
 * Counts what the facts of a run tell, as totals that only rise and a few states. It costs some
 * nanoseconds a fact, and allocates for rare facts only: it is fed at every window.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import { makeSchedule } from "../src/workload/schedules.ts";
import { assignmentsPerToken } from "../src/workload/token-count.ts";
import { RankMasks } from "./rank-masks.ts";

/** A fault that is in force on one target. */
export interface FaultOnTarget {
  readonly fault: string;
  readonly kind: string;
  readonly target: string;
}

/** Told of every all-to-all that ended; durations in seconds of virtual time. */
export interface ExchangeTimes {
  dispatch(seconds: number): void;
  combine(seconds: number): void;
}

/** Listens to a run's facts in the order of the log. */
export class FactCounts {
  readonly masks: RankMasks;
  /** Assignments of layers that ranks have completed. */
  combined = 0;
  masked = 0;
  /** Layers and steps that ranks have completed, those of a step that began again twice. */
  layers = 0;
  steps = 0;
  waitTimeouts = 0;
  detours = 0;
  routeChanges = 0;
  copiesRefused = 0;
  /** Results that differ from the oracle and no fault explains it. */
  mismatches = 0;
  /** By actor: what its queue pairs have been through. */
  readonly qpTimeouts: Float64Array;
  readonly qpFailures: Float64Array;
  /** Packets sent again, whatever the cause. */
  readonly retransmitted: Float64Array;
  /** Times that a NAK had packets sent again. */
  readonly naks: Float64Array;
  readonly trapped = new Set<number>();
  readonly finished = new Set<number>();
  readonly #faults = new Map<string, FaultOnTarget>();
  readonly #times: ExchangeTimes;
  readonly #tokenOfAssignment: number;

  constructor(scenario: Scenario, topology: Topology, times: ExchangeTimes) {
    this.masks = new RankMasks(scenario.workload.epSize);
    this.#times = times;
    const actors = topology.actors.length;
    this.qpTimeouts = new Float64Array(actors);
    this.qpFailures = new Float64Array(actors);
    this.retransmitted = new Float64Array(actors);
    this.naks = new Float64Array(actors);
    const assignments = assignmentsPerToken(scenario);
    this.#tokenOfAssignment = assignments === 0 ? 0 : 1 / assignments;
  }

  /** Tokens through all layers; what is on its way counts by the layers that it has behind it. */
  get tokens(): number {
    return (this.combined + this.masked) * this.#tokenOfAssignment;
  }

  /** Faults that hold, one entry a target, in the order in which they began. */
  get faults(): Iterable<FaultOnTarget> {
    return this.#faults.values();
  }

  take(record: FactRecord): void {
    const { actor, fact } = record;
    switch (fact.type) {
      case "layer.completed":
        this.layers += 1;
        return;
      case "step.completed":
        this.steps += 1;
        return;
      case "dispatch.completed":
        this.#times.dispatch(fact.durationPs / 1e12);
        return;
      case "combine.completed":
        this.#times.combine(fact.durationPs / 1e12);
        this.combined += fact.combined;
        this.masked += fact.masked;
        return;
      case "combine.mismatched":
        if (fact.fault === "none") this.mismatches += 1;
        return;
      case "qp.timed-out":
        this.qpTimeouts[actor] += 1;
        return;
      case "qp.retransmitted":
        this.retransmitted[actor] += fact.packets;
        if (fact.cause === "nak") this.naks[actor] += 1;
        return;
      case "qp.failed":
        this.qpFailures[actor] += 1;
        return;
      case "rank.wait-timed-out":
        this.waitTimeouts += 1;
        return;
      case "rank.trapped":
        this.trapped.add(actor);
        return;
      case "rank.finished":
        this.finished.add(actor);
        return;
      case "step.restarted":
        this.trapped.delete(actor);
        return;
      case "detour.taken":
        this.detours += 1;
        return;
      case "route.changed":
        this.routeChanges += 1;
        return;
      case "copy.corrupted":
        this.copiesRefused += 1;
        return;
      case "fault.began":
        this.#faults.set(`${fact.fault}\n${fact.target}`, fact);
        return;
      case "fault.healed":
        this.#faults.delete(`${fact.fault}\n${fact.target}`);
        this.masks.take(record);
        return;
      default:
        this.masks.take(record);
    }
  }
}

/** Layers that all ranks of a run complete, over all steps and chains. */
export function layersPlanned(scenario: Scenario): number {
  const { cluster, workload } = scenario;
  const turns = workload.layers.length * workload.steps * makeSchedule(scenario).chains.length;
  return cluster.nodes * cluster.gpusPerNode * turns;
}
