/**
 * How far a run has come, by its facts: what `faultplane status` shows of the fleet. Kept up to
 * date window by window.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { MaskBoard } from "../src/observe/mask-board.ts";
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
  readonly #masks = new MaskBoard();
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
    for (const record of records) {
      if (this.#masks.take(record)) continue;
      const { actor, fact } = record;
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
        case "rank.finished":
          this.#finished.add(actor);
          break;
        default:
      }
    }
  }

  /** At `nowPs`. */
  progress(nowPs: number): Progress {
    const ranksMasked = this.#masks.masked.map(({ rank, by }) => ({ rank, by }));
    const out = this.#masks.out.map((rank) => ({ rank, by: this.#groupSize - 1 }));
    return {
      // The worst first; of equals in the order in which they were given up.
      ranksMasked: [...out, ...ranksMasked].sort((left, right) => right.by - left.by),
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
}
