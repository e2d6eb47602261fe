/**
 * Work as counters: assignments combined in each tenth of a millisecond, of each node and of the
 * whole fleet. A counter is written when its value changes, so an idle stretch costs nothing.
 */
import { PS_PER_US } from "../model/time.ts";

/** Length of the slices of virtual time that are counted in, ps. */
const BIN_PS = 100 * PS_PER_US;

/** Takes the value of a counter from an instant on; `group` is `node2`, or the fleet's. */
export type CounterSink = (group: string, name: string, atPs: number, value: number) => void;

const NAME = "combined per 100 us";

export class WorkCounters {
  readonly #sink: CounterSink;
  readonly #fleet: string;
  #bin = 0;
  #counts = new Map<string, number>();
  readonly #shown = new Map<string, number>();

  /** `fleet`: the group that the sum of all is shown in. */
  constructor(sink: CounterSink, fleet: string) {
    this.#sink = sink;
    this.#fleet = fleet;
  }

  add(group: string, atPs: number, combined: number): void {
    const bin = Math.floor(atPs / BIN_PS);
    if (bin !== this.#bin) this.#close(bin);
    for (const one of [group, this.#fleet]) {
      this.#counts.set(one, (this.#counts.get(one) ?? 0) + combined);
    }
  }

  finish(): void {
    this.#close(this.#bin + 2);
  }

  /** The slice is over; the next one in which anything happened is `next`. */
  #close(next: number): void {
    const counts = this.#counts;
    this.#counts = new Map();
    for (const group of new Set([...this.#shown.keys(), ...counts.keys()])) {
      this.#show(group, this.#bin, counts.get(group) ?? 0);
    }
    if (next > this.#bin + 1) {
      for (const group of this.#shown.keys()) this.#show(group, this.#bin + 1, 0);
    }
    this.#bin = next;
  }

  #show(group: string, bin: number, value: number): void {
    if ((this.#shown.get(group) ?? 0) === value) return;
    this.#shown.set(group, value);
    this.#sink(group, NAME, bin * BIN_PS, value);
  }
}
