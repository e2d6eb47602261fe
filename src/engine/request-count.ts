/**
 * How many work requests a message stands for, kept in the upper half of its KIND word while it is
 * on a lane where requests cost time: the receiving side needs it to know when the message began.
 * The digest of the delivery holds it; the actor never sees it.
 */
import { violated } from "../base/assert.ts";

const SHIFT = 16;
const KIND_BITS = 0xffff;
/** Largest number of work requests that one message may stand for. */
export const REQUESTS_MAX = 0xffff;

/** A KIND word with a number of work requests in its upper half. */
export function withRequests(kind: number, requests: number): number {
  if (!(Number.isInteger(requests) && requests >= 0 && requests <= REQUESTS_MAX)) {
    violated("requests-fit", `${requests} work requests; 0 to ${REQUESTS_MAX} are possible`);
  }
  return (kind & KIND_BITS) | (requests << SHIFT);
}

/** The number of work requests in a KIND word. */
export function requestsOf(kind: number): number {
  return kind >>> SHIFT;
}

/** A KIND word as actors know it. */
export function withoutRequests(kind: number): number {
  return kind & KIND_BITS;
}
