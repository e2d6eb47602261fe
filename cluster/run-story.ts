/**
 * What the facts of a run tell beyond its totals: who finished, how long steps, layers and
 * all-to-alls took, and for each fault when it began, when the fleet first noticed something, and
 * when it first gave a rank up.
 */
import type { FactRecord } from "../src/model/fact.ts";
import { INTERVENTION_KINDS } from "../src/model/fault.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { type Percentiles, percentiles, type StepTimes, stepTimes } from "./run-figures.ts";

/** One fault as the fleet lived through it; instants in ps of virtual time. */
export interface FaultStory {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  /** When the scenario has it end. */
  readonly healAtPs?: number;
  readonly hasBegun: boolean;
  /** When it ended on its last target. */
  readonly healedAtPs?: number;
  /** The scenario does not have it: it was ordered while the run was up. */
  readonly isOrdered: boolean;
  /** First timeout of a NIC or a rank after the onset, whatever its cause. */
  readonly firstTimeoutPs?: number;
  /** First rank given up because of this fault. */
  readonly firstMaskPs?: number;
}

export interface RunStory {
  readonly ranks: number;
  readonly ranksFinished: number;
  /**
   * Tokens that came out of finished ranks, all steps: with every token that a step accepts
   * (multi-token prediction), and once for its forward and backward pass together.
   */
  readonly tokensFinished: number;
  /** By nearest rank, as {@link Percentiles}. */
  readonly medianLayerPs: number;
  readonly slowestLayerPs: number;
  /** Over ranks and steps; undefined when none was completed. */
  readonly steps: StepTimes | undefined;
  /** Over ranks, layers, steps and chains; undefined when none was completed. */
  readonly dispatch: Percentiles | undefined;
  readonly combine: Percentiles | undefined;
  /** Assignments of the layers that ranks have completed, as far as windows are committed. */
  readonly completed: CompletedLayers;
  readonly faults: readonly FaultStory[];
}

interface Begun {
  readonly kind: string;
  readonly targets: string[];
  readonly atPs: number;
  /** Targets on which it has not ended. */
  open: number;
  healedAtPs: number;
}

/** Assignments of completed layers, and results that are wrong. */
export interface CompletedLayers {
  readonly combined: number;
  readonly masked: number;
  readonly mismatches: number;
  /** Those that a fault corrupted, unseen by the fleet; not among the mismatches. */
  readonly corrupted: number;
}

/** Listens to a run's facts in the order of the log. */
export class StoryTeller {
  readonly #scenario: Scenario;
  readonly #layersPs: number[] = [];
  readonly #stepsPs: number[] = [];
  readonly #dispatchesPs: number[] = [];
  readonly #combinesPs: number[] = [];
  readonly #completed = { combined: 0, masked: 0, mismatches: 0, corrupted: 0 };
  /** Faults that began, by name, in order. */
  readonly #begun = new Map<string, Begun>();
  readonly #firstTimeoutPs = new Map<string, number>();
  readonly #firstMaskPs = new Map<string, number>();
  readonly #finished = new Set<number>();
  /** By rank and step: assignments that ended in it, the last time that it ran. */
  readonly #settledIn = new Map<number, Map<number, number>>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  take(records: readonly FactRecord[]): void {
    for (const record of records) this.#take(record);
  }

  tell(): RunStory {
    const { cluster, faults, model, workload } = this.#scenario;
    const sparse = workload.layers.filter((layer) => layer >= model.first_k_dense_replace).length;
    const sorted = this.#layersPs.sort((left, right) => left - right);
    const isOverlapped = workload.phase === "training" && workload.pass === "overlapped";
    const throughs = model.num_experts_per_tok * Math.max(1, sparse) * (isOverlapped ? 2 : 1);
    return {
      ranks: cluster.nodes * cluster.gpusPerNode,
      ranksFinished: this.#finished.size,
      tokensFinished: (this.#settledOfFinished() / throughs) * workload.acceptedTokensPerStep,
      medianLayerPs: sorted[Math.ceil(sorted.length / 2) - 1] ?? 0,
      slowestLayerPs: sorted.at(-1) ?? 0,
      steps: stepTimes(this.#stepsPs),
      dispatch: percentiles(this.#dispatchesPs),
      combine: percentiles(this.#combinesPs),
      completed: { ...this.#completed },
      faults: [
        ...faults.map(({ name, kind, targets, atPs, healAtPs }) => {
          const planned = healAtPs === undefined ? {} : { healAtPs };
          return { ...this.#faultStory(name, { kind, targets, atPs }, false), ...planned };
        }),
        ...[...this.#begun]
          .filter(([name]) => !faults.some((fault) => fault.name === name))
          .map(([name, begun]) => this.#faultStory(name, begun, true)),
      ],
    };
  }

  #faultStory(
    fault: string,
    { kind, targets, atPs }: Pick<FaultStory, "kind" | "targets" | "atPs">,
    isOrdered: boolean,
  ): FaultStory {
    const begun = this.#begun.get(fault);
    const healedAtPs = begun?.open === 0 ? begun.healedAtPs : undefined;
    const firstTimeoutPs = this.#firstTimeoutPs.get(fault);
    const firstMaskPs = this.#firstMaskPs.get(fault);
    return {
      ...{ fault, kind, targets, atPs, hasBegun: begun !== undefined, isOrdered },
      ...(healedAtPs === undefined ? {} : { healedAtPs }),
      ...(firstTimeoutPs === undefined ? {} : { firstTimeoutPs }),
      ...(firstMaskPs === undefined ? {} : { firstMaskPs }),
    };
  }

  #began(atPs: number, name: string, kind: string, target: string): void {
    const begun = this.#begun.get(name) ?? { kind, targets: [], atPs, open: 0, healedAtPs: 0 };
    this.#begun.set(name, begun);
    begun.targets.push(target);
    begun.open += 1;
  }

  #healed(atPs: number, name: string): void {
    const begun = this.#begun.get(name);
    if (begun === undefined) return;
    begun.open -= 1;
    begun.healedAtPs = atPs;
  }

  #note(actor: number, step: number, assignments: number): void {
    const steps = this.#settledIn.get(actor) ?? new Map<number, number>();
    this.#settledIn.set(actor, steps);
    steps.set(step, (steps.get(step) ?? 0) + assignments);
  }

  /** Assignments of ranks that finished, those of each step once. */
  #settledOfFinished(): number {
    let sum = 0;
    for (const actor of this.#finished) {
      for (const assignments of this.#settledIn.get(actor)?.values() ?? []) sum += assignments;
    }
    return sum;
  }

  #take({ atPs, actor, fact }: FactRecord): void {
    switch (fact.type) {
      case "fault.began":
        this.#began(atPs, fact.fault, fact.kind, fact.target);
        return;
      case "fault.healed":
        this.#healed(atPs, fact.fault);
        return;
      case "layer.completed":
        this.#layersPs.push(fact.durationPs);
        return;
      case "step.completed":
        this.#stepsPs.push(fact.durationPs);
        return;
      case "dispatch.completed":
        this.#dispatchesPs.push(fact.durationPs);
        return;
      case "combine.completed":
        this.#combinesPs.push(fact.durationPs);
        this.#completed.combined += fact.combined;
        this.#completed.masked += fact.masked;
        this.#note(actor, fact.step, fact.combined + fact.masked);
        return;
      case "step.restarted":
        this.#settledIn.get(actor)?.delete(fact.step);
        return;
      case "combine.mismatched":
        if (fact.fault === "none") this.#completed.mismatches += 1;
        else this.#completed.corrupted += 1;
        return;
      case "rank.finished":
        this.#finished.add(actor);
        return;
      case "rank.masked":
        if (!this.#firstMaskPs.has(fact.fault)) this.#firstMaskPs.set(fact.fault, atPs);
        return;
      case "qp.timed-out":
      case "rank.wait-timed-out":
        for (const { name } of this.#scenario.faults.filter((fault) => fault.atPs <= atPs)) {
          if (!this.#firstTimeoutPs.has(name)) this.#firstTimeoutPs.set(name, atPs);
        }
        for (const [name, { kind }] of this.#begun) {
          const isFault = !(INTERVENTION_KINDS as readonly string[]).includes(kind);
          if (isFault && !this.#firstTimeoutPs.has(name)) this.#firstTimeoutPs.set(name, atPs);
        }
        return;
      default:
    }
  }
}
