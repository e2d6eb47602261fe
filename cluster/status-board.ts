/**
 * How far a run has come, by its facts: what `faultplane status` shows of the fleet. Kept up to
 * date window by window.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { makeSchedule } from "../src/workload/schedules.ts";
import type { LiveStatus } from "./control-messages.ts";
import { TokenRate } from "./token-rate.ts";

/** The part of a status that facts tell. */
export type Progress = Omit<
  LiveStatus,
  "runId" | "virtualTimePs" | "wallSeconds" | "speed" | "lagSeconds" | "isPaused" | "faults"
>;

/** Listens to a run's facts in the order of the log. */
export class StatusBoard {
  readonly #ranks: number;
  readonly #layersTotal: number;
  /** By masked rank: who masks it, and for which fault. */
  readonly #masks = new Map<string, Map<number, string>>();
  /** Ranks that a controller had leave their group. */
  readonly #out = new Set<string>();
  readonly #finished = new Set<number>();
  /** By rank and step, as text: layers done, to be taken back if the step begins again. */
  readonly #doneIn = new Map<string, number>();
  readonly #groupSize: number;
  readonly #tokens: TokenRate;
  #layersDone = 0;
  #combined = 0;
  #masked = 0;
  #mismatches = 0;

  constructor(scenario: Scenario) {
    const { cluster, workload } = scenario;
    this.#ranks = cluster.nodes * cluster.gpusPerNode;
    const turns = workload.layers.length * workload.steps * makeSchedule(scenario).chains.length;
    this.#layersTotal = this.#ranks * turns;
    this.#groupSize = workload.epSize;
    this.#tokens = new TokenRate(scenario);
  }

  take(records: readonly FactRecord[]): void {
    this.#tokens.take(records);
    for (const { actor, fact } of records) {
      switch (fact.type) {
        case "layer.completed":
          this.#layerDone(`${actor} ${fact.step}`);
          break;
        case "step.restarted":
          this.#layersDone -= this.#doneIn.get(`${actor} ${fact.step}`) ?? 0;
          this.#doneIn.delete(`${actor} ${fact.step}`);
          break;
        case "combine.completed":
          this.#combined += fact.combined;
          this.#masked += fact.masked;
          break;
        case "combine.mismatched":
          if (fact.fault === "none") this.#mismatches += 1;
          break;
        case "rank.masked":
          this.#maskersOf(fact.rank).set(actor, fact.fault);
          break;
        case "rank.excluded":
          this.#masks.delete(fact.rank);
          this.#out.add(fact.rank);
          break;
        case "rank.admitted":
          this.#out.delete(fact.rank);
          break;
        case "ranks.resumed":
          for (const member of fact.members) this.#masks.delete(member);
          break;
        case "rank.finished":
          this.#finished.add(actor);
          break;
        default:
      }
    }
  }

  /** At `nowPs`. `isOver`: does a fault end masks by its own end, and has it ended? */
  progress(isOver: (fault: string) => boolean, nowPs: number): Progress {
    const ranksMasked = [...this.#masks].map(([rank, maskers]) => ({
      rank,
      by: [...maskers.values()].filter((fault) => !isOver(fault)).length,
    }));
    const out = [...this.#out].map((rank) => ({ rank, by: this.#groupSize - 1 }));
    return {
      ranksMasked: [...out, ...ranksMasked.filter(({ by }) => by > 0)],
      ranks: this.#ranks,
      ranksFinished: this.#finished.size,
      layersDone: this.#layersDone,
      layersTotal: this.#layersTotal,
      combined: this.#combined,
      masked: this.#masked,
      mismatches: this.#mismatches,
      tokensPerSecond: this.#tokens.at(nowPs),
    };
  }

  #layerDone(key: string): void {
    this.#layersDone += 1;
    this.#doneIn.set(key, (this.#doneIn.get(key) ?? 0) + 1);
  }

  #maskersOf(rank: string): Map<number, string> {
    const maskers = this.#masks.get(rank) ?? new Map<number, string>();
    this.#masks.set(rank, maskers);
    return maskers;
  }
}
