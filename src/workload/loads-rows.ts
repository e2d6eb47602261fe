/**
 * The rows of a loads file while it is read, whatever its format: checked against the layers that
 * run, with the problems found on the way.
 */
import { rangesOf } from "../base/ranges.ts";

/** What the run needs of a loads file. */
export interface LoadsOptions {
  /** Model layers with experts that run, ascending. */
  readonly layers: readonly number[];
  /** Routed experts of the model. */
  readonly experts: number;
  /** Layers of the model, and how many of them, the first, have no experts. */
  readonly modelLayers: number;
  readonly denseLayers: number;
  /**
   * Given when tokens are drawn from the loads: as a token takes `topK` different experts, none has
   * more than 1 / topK of a layer's selections.
   */
  readonly topK?: number;
}

/** Something wrong in the file. `line` and `column` (in characters) count from 1. */
export interface LoadsProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

/** Where in the file something stands. */
export interface LoadsPlace {
  readonly line: number;
  readonly column: number;
}

/** Largest load: beyond it whole numbers are not exact. */
export const LOAD_MAX = Number.MAX_SAFE_INTEGER;

/** What a value of a loads file may be, for messages. */
export const LOAD_RULE = "a load is a number from 0 to below 2^53";

const MAX_PROBLEMS = 20;

/** Rows by layer; adds up rows of one layer. */
export class LoadsRows {
  readonly options: LoadsOptions;
  readonly problems: LoadsProblem[] = [];
  /** What people should know of how the file was read. */
  readonly notes: string[] = [];
  readonly #sums = new Map<number, Float64Array>();
  readonly #seen = new Set<number>();
  readonly #places = new Map<number, LoadsPlace>();

  constructor(options: LoadsOptions) {
    this.options = options;
    for (const layer of options.layers) this.#sums.set(layer, new Float64Array(options.experts));
  }

  /** Whether so much is wrong that no more is kept. */
  get isFull(): boolean {
    return this.problems.length >= MAX_PROBLEMS;
  }

  /** Notes a problem; beyond 20 they are not kept. */
  problem(place: LoadsPlace, message: string, hint?: string): void {
    if (this.isFull) return;
    const { line, column } = place;
    this.problems.push({ line, column, message, ...(hint === undefined ? {} : { hint }) });
  }

  /** Adds a row, one load an expert, to what its layer has; rows of other layers are left out. */
  add(layer: number, loads: ArrayLike<number>, place: LoadsPlace): void {
    this.#seen.add(layer);
    const sums = this.#sums.get(layer);
    if (sums === undefined) return;
    if (!this.#places.has(layer)) this.#places.set(layer, place);
    for (let expert = 0; expert < sums.length; expert += 1) sums[expert] += loads[expert];
  }

  has(layer: number): boolean {
    return this.#seen.has(layer);
  }

  /** Every layer that runs is there and has loads that tokens can have made. */
  checkLayers(): void {
    if (this.problems.length > 0) return;
    const { layers } = this.options;
    const missing = layers.filter((layer) => !this.#seen.has(layer));
    if (missing.length > 0) {
      const found = this.#seen.size === 0 ? "no layer" : `layers ${rangesOf(this.#seen)}`;
      const message = `layers that run are missing: ${rangesOf(missing)}; the file has ${found}`;
      const hint = "record them, or leave them out of workload.layers";
      this.problem({ line: 1, column: 1 }, message, hint);
    }
    for (const layer of layers) {
      const place = this.#places.get(layer);
      if (place !== undefined) this.#checkLoads(layer, place);
    }
  }

  #checkLoads(layer: number, place: LoadsPlace): void {
    const loads = this.loadsOf(layer);
    const { topK } = this.options;
    const sum = loads.reduce((total, load) => total + load, 0);
    const most = loads.reduce((largest, load) => Math.max(largest, load), 0);
    if (sum === 0) {
      const hint = "record more, or leave the layer out of workload.layers";
      this.problem(place, `every load of layer ${layer} is 0; at least one must be above`, hint);
    } else if (sum > LOAD_MAX) {
      this.problem(place, `the loads of layer ${layer} add up to ${sum}; at most 2^53 is allowed`);
    } else if (topK !== undefined && most * topK > sum * (1 + 1e-9)) {
      const percent = ((100 * most) / sum).toFixed(1);
      const message = `expert ${loads.indexOf(most)} has ${percent} % of layer ${layer}'s selections`;
      const rule = `with top-${topK} an expert has at most ${(100 / topK).toFixed(1)} %`;
      this.problem(place, `${message}; ${rule}`, "was it recorded with this model?");
    }
  }

  /** Loads of a layer that runs, by expert. */
  loadsOf(layer: number): Float64Array {
    return this.#sums.get(layer) ?? new Float64Array(this.options.experts);
  }
}
