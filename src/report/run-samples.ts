/**
 * A run for its pictures: what was completed when, how long it took, who was given up, and when
 * faults were in force. Taken fact by fact in a bounded space; the same facts give the same samples
 * whether they come from a run that is up or from its event log.
 */
import type { Fact, FactRecord } from "../model/fact.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { makeSchedule } from "../workload/schedules.ts";
import { type FaultSpan, FaultSpans } from "./fault-spans.ts";
import { type GivenUpRank, GivenUpRanks, type MaskPoint } from "./given-up-ranks.ts";
import { SpanHistogram } from "./span-histogram.ts";
import type { BusySpan } from "./time-axis.ts";
import { type TimeBin, TimeBins } from "./time-bins.ts";

/** What there are durations of. */
export const SPAN_KINDS = ["dispatch", "combine", "layer", "step"] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export interface RunSamples {
  /** Instant of the last fact, ps. */
  readonly endPs: number;
  /** Assignments that were combined, by when their layer was completed. */
  readonly combined: readonly TimeBin[];
  /** Durations of all-to-alls, ps, by when they were completed. */
  readonly dispatches: readonly TimeBin[];
  readonly combines: readonly TimeBin[];
  readonly spans: Readonly<Record<SpanKind, SpanHistogram>>;
  /** When something was completed, ascending. */
  readonly busy: readonly BusySpan[];
  readonly faults: readonly FaultSpan[];
  /** How many ranks are given up, from each instant on. */
  readonly masks: readonly MaskPoint[];
  readonly givenUp: readonly GivenUpRank[];
  readonly ranks: number;
  /**
   * Assignments of one token on its way through all layers, over the tokens that a step yields of
   * it; undefined: the exchanges make no tokens.
   */
  readonly assignmentsPerToken: number | undefined;
}

/** Listens to the facts of a run. */
export class RunSampler {
  readonly #scenario: Scenario;
  readonly #combined = new TimeBins();
  readonly #dispatches = new TimeBins();
  readonly #combines = new TimeBins();
  readonly #busy = new TimeBins();
  readonly #spans = {
    dispatch: new SpanHistogram(),
    combine: new SpanHistogram(),
    layer: new SpanHistogram(),
    step: new SpanHistogram(),
  };
  readonly #faults = new FaultSpans();
  readonly #givenUp: GivenUpRanks;
  readonly #ids: readonly string[];
  #endPs = 0;

  constructor(scenario: Scenario, topology: Topology) {
    this.#scenario = scenario;
    this.#ids = topology.actors.map(({ id }) => id);
    this.#givenUp = new GivenUpRanks(scenario.workload.epSize);
  }

  /** Takes facts in the order of the log. */
  take(records: readonly FactRecord[]): void {
    for (const { atPs, actor, fact } of records) {
      this.#endPs = atPs;
      this.#take(atPs, this.#ids[actor], fact);
    }
  }

  samples(): RunSamples {
    const { cluster } = this.#scenario;
    return {
      endPs: this.#endPs,
      combined: this.#combined.bins(),
      dispatches: this.#dispatches.bins(),
      combines: this.#combines.bins(),
      spans: this.#spans,
      busy: this.#busy.bins(),
      faults: this.#faults.spans(),
      masks: this.#givenUp.points,
      givenUp: this.#givenUp.ranks(),
      ranks: cluster.nodes * cluster.gpusPerNode,
      assignmentsPerToken: assignmentsPerToken(this.#scenario),
    };
  }

  #take(atPs: number, id: string, fact: Fact): void {
    switch (fact.type) {
      case "dispatch.completed":
        this.#spans.dispatch.add(fact.durationPs);
        this.#dispatches.add(atPs, fact.durationPs);
        break;
      case "combine.completed":
        this.#spans.combine.add(fact.durationPs);
        this.#combines.add(atPs, fact.durationPs);
        this.#combined.add(atPs, fact.combined);
        break;
      case "layer.completed":
        this.#spans.layer.add(fact.durationPs);
        break;
      case "step.completed":
        this.#spans.step.add(fact.durationPs);
        break;
      case "fault.began":
      case "fault.changed":
      case "fault.healed":
        this.#faults.take(atPs, fact);
        return;
      case "rank.masked":
        this.#givenUp.mask(atPs, id, fact);
        return;
      case "ranks.resumed":
        this.#givenUp.resume(atPs, fact.members);
        return;
      default:
        return;
    }
    this.#busy.add(atPs, 1);
  }
}

/** As the measure tokens_per_second counts; see src/drill/service-measures.ts. */
function assignmentsPerToken(scenario: Scenario): number | undefined {
  const { model, workload } = scenario;
  if (workload.phase === "all-to-all") return undefined;
  const { ops } = makeSchedule(scenario);
  const dispatches = ops.filter(({ kind }) => kind === "dispatch").length;
  const batches = workload.phase === "training" ? 1 : workload.microBatches;
  const assignments = (model.num_experts_per_tok * dispatches) / batches;
  return assignments === 0 ? undefined : assignments / workload.acceptedTokensPerStep;
}
