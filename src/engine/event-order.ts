/**
 * The order of events: virtual time, then the sender's place among the sorted actor ids, then the
 * sender's own counter. Place and counter are one number, exact in a double, so a comparison is two
 * compares. Never arrival order, never a counter of the receiver or of the process.
 */
import { violated } from "../base/assert.ts";

/** Counter values per sender, 2^32; senders, 2^20. */
const COUNTER_SPAN = 4_294_967_296;
/** Largest number of actors in a run. */
export const ACTORS_MAX = 1_048_575;

/**
 * First order number of an actor's events; its counter is added to it. Faults come before all
 * actors.
 */
export function orderBase(actor: number): number {
  return (actor + 1) * COUNTER_SPAN;
}

/** By actor: how many events it has made. */
export class EventCounters {
  readonly #count: Float64Array;

  constructor(actors: number) {
    this.#count = new Float64Array(actors);
  }

  /** The counter of an actor's next event. */
  next(actor: number): number {
    const count = this.#count[actor];
    this.#count[actor] = count + 1;
    return count;
  }

  /** The order number of an actor's next event. */
  nextOrder(actor: number): number {
    return orderBase(actor) + this.next(actor);
  }

  /** Checks that no counter is used up; once a window is often enough. */
  check(): void {
    this.#count.forEach((count, actor) => {
      if (count >= COUNTER_SPAN) violated("order-counter", `actor ${actor} sent 2^32 events`);
    });
  }
}
