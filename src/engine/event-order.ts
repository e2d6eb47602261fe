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

/** Checks that an actor's counter is not used up. */
export function checkCounter(actor: number, counter: number): void {
  if (counter >= COUNTER_SPAN) violated("order-counter", `actor ${actor} sent 2^32 events`);
}
