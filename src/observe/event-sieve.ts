/**
 * A filter over lines that are still being written: what comes before a fault of `around` is held
 * until the fault has come, or it is too long ago. Holds a bounded number of lines.
 */
import { BEFORE_PS, type EventFilter } from "./event-filter.ts";
import type { EventLine } from "./event-line.ts";

/** Most lines that are held; with more, the oldest are given up. */
const HELD_MAX = 20_000;

/** Something with a line, in the order of the log. */
interface Lined {
  readonly line: EventLine;
}

export class EventSieve<Item extends Lined> {
  readonly #filter: EventFilter;
  /** Ascending; those before `#first` are given up. */
  #held: Item[] = [];
  #first = 0;
  /** What was known of the surroundings of faults when they were looked at. */
  #known = 0;

  constructor(filter: EventFilter) {
    this.#filter = filter;
  }

  /** Takes the next item; returns those that pass now, in order. */
  take(item: Item): Item[] {
    const { line } = item;
    const filter = this.#filter;
    const passes = filter.passes(line);
    const { around, beforePs = BEFORE_PS } = filter.spec;
    if (around.length === 0) return passes ? [item] : [];
    const passed = this.#found();
    this.#forget(line.virtualTimePs - beforePs);
    if (passes) passed.push(item);
    else if (filter.fits(line)) this.#held.push(item);
    return passed;
  }

  /** Those of the held that have turned out to be near a fault. */
  #found(): Item[] {
    const filter = this.#filter;
    if (filter.known === this.#known) return [];
    this.#known = filter.known;
    const held = this.#held.slice(this.#first);
    this.#held = held.filter(({ line }) => !filter.isNear(line));
    this.#first = 0;
    return held.filter(({ line }) => filter.isNear(line));
  }

  /** Gives up what is before an instant, and what is too many. */
  #forget(fromPs: number): void {
    const held = this.#held;
    while (this.#first < held.length && held[this.#first].line.virtualTimePs < fromPs) {
      this.#first += 1;
    }
    this.#first = Math.max(this.#first, held.length - HELD_MAX);
    if (this.#first < HELD_MAX) return;
    this.#held = held.slice(this.#first);
    this.#first = 0;
  }
}
