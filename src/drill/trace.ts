/**
 * A run as a compact record, made from its facts: for each rank, step, chain and layer when its
 * dispatch and combine completed and what came of its assignments. Two traces of the same scenario
 * can be laid over each other; that is how a faulted run is compared with its healthy twin.
 */
import type { FactRecord } from "../model/fact.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { makeSchedule } from "../workload/schedules.ts";

/** What the places of a trace stand for; the same for every run of a scenario. */
export interface TraceShape {
  /** Ids of the GPUs, in the order of actors. */
  readonly ranks: readonly string[];
  readonly steps: number;
  /** Chains of the schedule: `batch0`, `batch1`, `forward`, `backward`. */
  readonly chains: readonly string[];
  /** Model layers that run in a step. */
  readonly layers: readonly number[];
}

/** A layer that a rank completed and had to do again, since its step began again. */
export interface Redone {
  readonly place: number;
  readonly atPs: number;
  readonly combined: number;
  readonly masked: number;
}

/** A rank that another gave up. */
export interface MaskNote {
  readonly atPs: number;
  /** Ids of the GPU that masks and of the one that is masked. */
  readonly by: string;
  readonly rank: string;
  readonly fault: string;
}

/** What one fault did to payloads. */
export interface FaultTrace {
  /** Combined results that are wrong because of it, and nobody noticed. */
  readonly corrupted: number;
  /** Token copies that a checksum refused. */
  readonly refused: number;
}

/**
 * What a run did. Arrays are by place, ((rank x steps + step) x chains + chain) x layers + layer;
 * NaN where it never completed; after a restart the last completion counts.
 */
export interface RunTrace {
  readonly shape: TraceShape;
  readonly dispatchedAtPs: Float64Array;
  readonly combinedAtPs: Float64Array;
  /** Assignments of the rank's tokens in that layer, by how they ended. */
  readonly combined: Float64Array;
  readonly masked: Float64Array;
  readonly redone: readonly Redone[];
  readonly masks: readonly MaskNote[];
  /** By the name of the fault; `none` for what no fault explains. */
  readonly faults: ReadonlyMap<string, FaultTrace>;
  /** By rank: when it finished, ps; NaN: it did not. */
  readonly finishedAtPs: Float64Array;
  /** Ranks that waited too long for others, each time counted. */
  readonly waitTimeouts: number;
  /** When the last rank finished; of a run that was cut, instant of its last fact. ps. */
  readonly endPs: number;
}

/** The shape of a scenario's traces. */
export function traceShape(scenario: Scenario, topology: Topology): TraceShape {
  return {
    ranks: topology.actors.filter(({ kind }) => kind === "gpu").map(({ id }) => id),
    steps: scenario.workload.steps,
    chains: makeSchedule(scenario).chains,
    layers: scenario.workload.layers,
  };
}

/** The rank, by its place among the shape's ranks, that a place of a trace belongs to. */
export function rankOfPlace({ steps, chains, layers }: TraceShape, place: number): number {
  return Math.floor(place / (steps * chains.length * layers.length));
}

/** Makes a trace of a run while it goes on. */
export class TraceRecorder {
  readonly #shape: TraceShape;
  /** Place of a GPU among the ranks, by actor index; -1 for other actors. */
  readonly #rankOf: Int32Array;
  readonly #chainOf: ReadonlyMap<string, number>;
  readonly #layerOf: ReadonlyMap<number, number>;
  readonly #dispatchedAtPs: Float64Array;
  readonly #combinedAtPs: Float64Array;
  readonly #combined: Float64Array;
  readonly #masked: Float64Array;
  readonly #finishedAtPs: Float64Array;
  readonly #redone: Redone[] = [];
  readonly #masks: MaskNote[] = [];
  readonly #faults = new Map<string, { corrupted: number; refused: number }>();
  #waitTimeouts = 0;
  #lastFactPs = 0;
  #lastFinishPs = 0;
  readonly #finished = new Set<number>();

  constructor(scenario: Scenario, topology: Topology) {
    const shape = traceShape(scenario, topology);
    const { ranks, steps, chains, layers } = shape;
    this.#shape = shape;
    this.#rankOf = new Int32Array(topology.actors.length).fill(-1);
    let rank = 0;
    topology.actors.forEach(({ kind }, actor) => {
      if (kind !== "gpu") return;
      this.#rankOf[actor] = rank;
      rank += 1;
    });
    this.#chainOf = new Map(chains.map((chain, place) => [chain, place]));
    this.#layerOf = new Map(layers.map((layer, place) => [layer, place]));
    const places = ranks.length * steps * chains.length * layers.length;
    this.#dispatchedAtPs = new Float64Array(places).fill(Number.NaN);
    this.#combinedAtPs = new Float64Array(places).fill(Number.NaN);
    this.#combined = new Float64Array(places);
    this.#masked = new Float64Array(places);
    this.#finishedAtPs = new Float64Array(ranks.length).fill(Number.NaN);
  }

  /** Takes facts in the order of the log. */
  take(records: readonly FactRecord[]): void {
    for (const record of records) this.#take(record);
  }

  /** The run so far. */
  trace(): RunTrace {
    const everybody = this.#finished.size === this.#shape.ranks.length;
    return {
      shape: this.#shape,
      dispatchedAtPs: this.#dispatchedAtPs,
      combinedAtPs: this.#combinedAtPs,
      combined: this.#combined,
      masked: this.#masked,
      redone: this.#redone,
      masks: this.#masks,
      faults: this.#faults,
      finishedAtPs: this.#finishedAtPs,
      waitTimeouts: this.#waitTimeouts,
      endPs: everybody ? this.#lastFinishPs : this.#lastFactPs,
    };
  }

  #take({ atPs, actor, fact }: FactRecord): void {
    this.#lastFactPs = atPs;
    switch (fact.type) {
      case "dispatch.completed":
        this.#dispatchedAtPs[this.#placeOf(actor, fact)] = atPs;
        return;
      case "combine.completed":
        this.#combine(this.#placeOf(actor, fact), atPs, fact.combined, fact.masked);
        return;
      case "rank.finished":
        this.#finished.add(actor);
        this.#lastFinishPs = atPs;
        this.#finishedAtPs[this.#rankOf[actor]] = atPs;
        return;
      case "rank.masked": {
        const by = this.#shape.ranks[this.#rankOf[actor]];
        this.#masks.push({ atPs, by, rank: fact.rank, fault: fact.fault });
        return;
      }
      case "rank.wait-timed-out":
        this.#waitTimeouts += 1;
        return;
      case "combine.mismatched":
        this.#of(fact.fault).corrupted += 1;
        return;
      case "copy.corrupted":
        this.#of(fact.fault).refused += 1;
        return;
      default:
    }
  }

  #of(fault: string): { corrupted: number; refused: number } {
    let counts = this.#faults.get(fault);
    if (counts === undefined) {
      counts = { corrupted: 0, refused: 0 };
      this.#faults.set(fault, counts);
    }
    return counts;
  }

  #combine(place: number, atPs: number, combined: number, masked: number): void {
    const beforePs = this.#combinedAtPs[place];
    if (!Number.isNaN(beforePs)) {
      this.#redone.push({
        place,
        atPs: beforePs,
        combined: this.#combined[place],
        masked: this.#masked[place],
      });
    }
    this.#combinedAtPs[place] = atPs;
    this.#combined[place] = combined;
    this.#masked[place] = masked;
  }

  #placeOf(actor: number, at: { step: number; chain: string; layer: number }): number {
    const { steps, chains, layers } = this.#shape;
    const step = this.#rankOf[actor] * steps + at.step;
    const chain = step * chains.length + (this.#chainOf.get(at.chain) ?? 0);
    return chain * layers.length + (this.#layerOf.get(at.layer) ?? 0);
  }
}
