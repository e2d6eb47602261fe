/**
 * What the facts of a run tell beyond its totals: who finished, how long layers took, and for each
 * fault when it began, when the fleet first noticed something, and when it first gave a rank up.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";

/** One fault as the fleet lived through it; instants in ps of virtual time. */
export interface FaultStory {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  readonly healAtPs?: number;
  /** First timeout of a NIC or a rank after the onset, whatever its cause. */
  readonly firstTimeoutPs?: number;
  /** First rank given up because of this fault. */
  readonly firstMaskPs?: number;
}

export interface RunStory {
  readonly ranks: number;
  readonly ranksFinished: number;
  /** Tokens that came out of finished ranks, all steps. */
  readonly tokensFinished: number;
  readonly medianLayerPs: number;
  readonly slowestLayerPs: number;
  readonly faults: readonly FaultStory[];
}

/** Listens to a run's facts in the order of the log. */
export class StoryTeller {
  readonly #scenario: Scenario;
  readonly #layersPs: number[] = [];
  readonly #firstTimeoutPs = new Map<string, number>();
  readonly #firstMaskPs = new Map<string, number>();
  #ranksFinished = 0;
  #assignmentsFinished = 0;

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
    return {
      ranks: cluster.nodes * cluster.gpusPerNode,
      ranksFinished: this.#ranksFinished,
      tokensFinished: this.#assignmentsFinished / (model.num_experts_per_tok * Math.max(1, sparse)),
      medianLayerPs: sorted[Math.floor(sorted.length / 2)] ?? 0,
      slowestLayerPs: sorted.at(-1) ?? 0,
      faults: faults.map(({ name, kind, targets, atPs, healAtPs }) => {
        const firstTimeoutPs = this.#firstTimeoutPs.get(name);
        const firstMaskPs = this.#firstMaskPs.get(name);
        return {
          fault: name,
          kind,
          targets,
          atPs,
          ...(healAtPs === undefined ? {} : { healAtPs }),
          ...(firstTimeoutPs === undefined ? {} : { firstTimeoutPs }),
          ...(firstMaskPs === undefined ? {} : { firstMaskPs }),
        };
      }),
    };
  }

  #take({ atPs, fact }: FactRecord): void {
    switch (fact.type) {
      case "layer.completed":
        this.#layersPs.push(fact.durationPs);
        return;
      case "rank.finished":
        this.#ranksFinished += 1;
        this.#assignmentsFinished += fact.dispatched;
        return;
      case "rank.masked":
        if (!this.#firstMaskPs.has(fact.fault)) this.#firstMaskPs.set(fact.fault, atPs);
        return;
      case "qp.timed-out":
      case "rank.wait-timed-out":
        for (const fault of this.#scenario.faults) {
          const begun = fault.atPs <= atPs && !this.#firstTimeoutPs.has(fault.name);
          if (begun) this.#firstTimeoutPs.set(fault.name, atPs);
        }
        return;
      default:
    }
  }
}
