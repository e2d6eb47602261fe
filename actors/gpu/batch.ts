/**
 * The tokens that a rank owns: their payloads through the layers, their assignments in the current
 * layer, and what came back. The oracle's check is here: what the experts returned must be what
 * the known functions give for the experts that were combined, mask for mask.
 */
import type { Oracle } from "../../src/model/device.ts";
import type { RoutingChoices } from "../../src/model/routing.ts";

/** Where an assignment stands. */
export const AssignmentState = { open: 1, combined: 2, masked: 3, lost: 4 } as const;

export class Batch implements RoutingChoices {
  readonly tokens: number;
  readonly topK: number;
  readonly experts: Int32Array;
  readonly weights: Int32Array;
  /** {@link AssignmentState} by token x topK + choice. */
  readonly state: Uint8Array;
  /** Payload of each token as it enters the layer. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Assignments of the layer that have not ended, in all and by the rank that holds the expert. */
  open = 0;
  combined = 0;
  masked = 0;
  readonly openOf: Int32Array;
  readonly #sumLow: Int32Array;
  readonly #sumHigh: Int32Array;
  readonly #oracle: Oracle;
  readonly #expected = { low: 0, high: 0 };

  constructor(tokens: number, topK: number, ranks: number, oracle: Oracle) {
    this.tokens = tokens;
    this.topK = topK;
    this.experts = new Int32Array(tokens * topK);
    this.weights = new Int32Array(tokens * topK);
    this.state = new Uint8Array(tokens * topK);
    this.low = new Int32Array(tokens);
    this.high = new Int32Array(tokens);
    this.openOf = new Int32Array(ranks);
    this.#sumLow = new Int32Array(tokens);
    this.#sumHigh = new Int32Array(tokens);
    this.#oracle = oracle;
  }

  /** Gives every token the payload that it starts a step with; chains have tokens of their own. */
  load(place: { group: number; rank: number; step: number; chain: number }): void {
    const { group, rank, step } = place;
    const first = place.chain * this.tokens;
    for (let token = 0; token < this.tokens; token += 1) {
      this.low[token] = this.#oracle.tokenLow(group, rank, step, first + token);
      this.high[token] = this.#oracle.tokenHigh(group, rank, step, first + token);
    }
  }

  /** Clears the books for a layer. */
  openLayer(): void {
    this.open = 0;
    this.combined = 0;
    this.masked = 0;
    this.openOf.fill(0);
    this.state.fill(0);
    this.#sumLow.fill(0);
    this.#sumHigh.fill(0);
  }

  /**
   * An expert's output for a token arrives: weighted and added, in whole numbers, so order does not
   * matter.
   */
  combine(place: number, low: number, high: number): void {
    const token = Math.floor(place / this.topK);
    this.add(token, Math.imul(this.weights[place], low), Math.imul(this.weights[place], high));
    this.markCombined(place);
  }

  /** Adds a weighted sum of outputs to a token's. */
  add(token: number, low: number, high: number): void {
    this.#sumLow[token] += low;
    this.#sumHigh[token] += high;
  }

  markCombined(place: number): void {
    this.state[place] = AssignmentState.combined;
    this.combined += 1;
  }

  /**
   * What a token's combine should be, for the assignments that were combined; the object is reused.
   */
  expected(token: number, layer: number): { readonly low: number; readonly high: number } {
    let low = 0;
    let high = 0;
    const inLow = this.low[token];
    const inHigh = this.high[token];
    for (let choice = 0; choice < this.topK; choice += 1) {
      const place = token * this.topK + choice;
      if (this.state[place] !== AssignmentState.combined) continue;
      const expert = this.experts[place];
      const weight = this.weights[place];
      low = (low + Math.imul(weight, this.#oracle.expertLow(expert, layer, inLow, inHigh))) | 0;
      high = (high + Math.imul(weight, this.#oracle.expertHigh(expert, layer, inLow, inHigh))) | 0;
    }
    this.#expected.low = low;
    this.#expected.high = high;
    return this.#expected;
  }

  /** What a token's combine is. */
  sumLow(token: number): number {
    return this.#sumLow[token];
  }

  sumHigh(token: number): number {
    return this.#sumHigh[token];
  }

  /** The layer's output (input plus combined) becomes the next layer's input. */
  closeLayer(): void {
    for (let token = 0; token < this.tokens; token += 1) {
      this.low[token] += this.#sumLow[token];
      this.high[token] += this.#sumHigh[token];
    }
  }
}
