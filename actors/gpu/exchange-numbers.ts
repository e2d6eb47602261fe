/**
 * Numbers of exchanges: exchanges of a chain x chains + chain, counted from the beginning of the
 * run. When the group takes up a new membership they jump, so that every number of an epoch is
 * above all of earlier ones: what is left on the way of those is known by it.
 */
import type { Schedule } from "../../src/model/schedule.ts";

export class ExchangeNumbers {
  /** The lowest number of the present epoch. */
  first = 0;
  readonly #chains: number;
  readonly #steps: number;
  /** By chain: places in `workload.layers` of its exchanges in a step, in their order. */
  readonly #places: readonly (readonly number[])[];
  readonly #perStep: number;
  /** The step that the epoch began with. */
  #step = 0;

  constructor(schedule: Schedule, steps: number) {
    const places: number[][] = schedule.chains.map(() => []);
    for (const op of schedule.ops) if (op.kind === "dispatch") places[op.chain].push(op.place);
    this.#chains = schedule.chains.length;
    this.#steps = steps;
    this.#places = places;
    this.#perStep = Math.max(...places.map(({ length }) => length));
  }

  /** An epoch begins, with a step. */
  begin(epoch: number, step: number): void {
    this.first = (epoch * (this.#steps + 1) + step) * this.#perStep * this.#chains;
    this.#step = step;
  }

  /** Where an exchange of the present epoch is: its step, and its place in `workload.layers`. */
  placeOf(exchange: number): { readonly step: number; readonly place: number } {
    const chain = exchange % this.#chains;
    const number = (exchange - this.first - chain) / this.#chains;
    const places = this.#places[chain];
    const step = this.#step + Math.floor(number / places.length);
    return { step, place: places[number % places.length] };
  }
}
