/**
 * Which clock decides what becomes of ranks that cannot reach each other, and when: an outage that
 * is over before costs time, a longer one costs ranks. For plans; runs have the clocks themselves.
 */
import type { FaultEffects } from "../fault/effects.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { formatTime, PS_PER_MS } from "../model/time.ts";

/** What a rank leaves an answer to a probe beyond the transport's clock, as the GPU actor does. */
const PROBE_MARGIN_PS = 10 * PS_PER_MS;

/** InfiniBand's ACK timeout, 4.096 us x 2^n, ps. */
export function ackTimeoutPs(exponent: number): number {
  let timeoutPs = 4_096_000;
  for (let doubled = 0; doubled < exponent; doubled += 1) timeoutPs *= 2;
  return timeoutPs;
}

/** An outage against the clock that would end it. */
export interface Patience {
  /** Is it over before anybody is given up? */
  readonly isEnough: boolean;
  /** Both times, in words. */
  readonly words: string;
}

/**
 * How an outage of `lastsPs` (Infinity: for good) compares with the clock that runs meanwhile.
 * Undefined: no clock matters. Dead actors lose what they had, and an operator's mask waits for
 * nothing.
 */
export function patienceWith(
  { transport, recovery }: Scenario,
  { actorEffect, laneEffect }: FaultEffects,
  isOfNetwork: boolean,
  lastsPs: number,
): Patience | undefined {
  const tickPs = ackTimeoutPs(transport.ackTimeoutExponent);
  const failsPs = (transport.retryCount + 1) * tickPs;
  const waitPs = transport.waitTimeoutPs;
  const attempts = recovery.failover === "none" ? 1 : 2;
  const asksPs = waitPs + attempts * failsPs + PROBE_MARGIN_PS;
  const waits = `ranks wait ${formatTime(waitPs)} and ask until ${formatTime(asksPs)}`;
  const lasts = lastsPs === Infinity ? "for good" : `for ${formatTime(lastsPs)}`;
  if (actorEffect === "hung" || laneEffect === "stalled") {
    return { isEnough: lastsPs < asksPs, words: `it holds ${lasts}; ${waits}` };
  }
  if (laneEffect !== "down" && !(actorEffect === "dead" && isOfNetwork)) return undefined;
  // What was sent last by then is not acknowledged any more.
  const lastRetryPs = transport.retryCount * tickPs;
  if (asksPs < lastRetryPs) {
    return { isEnough: lastsPs < asksPs, words: `it is down ${lasts}; ${waits}` };
  }
  const retries = `the transport sends again until ${formatTime(lastRetryPs)}`;
  const words = `it is down ${lasts}; ${retries}, every ${formatTime(tickPs)}`;
  return { isEnough: lastsPs < lastRetryPs, words };
}

/**
 * The longest time on end that a fault of `lastsPs` is in force: its levels can be 0 in between.
 */
export function longestOnEndPs({ atPs, levels }: FaultSpec, lastsPs: number): number {
  let longestPs = 0;
  let sincePs: number | undefined = atPs;
  for (const level of levels ?? []) {
    if (level.permille > 0) sincePs ??= level.atPs;
    else if (sincePs !== undefined) {
      longestPs = Math.max(longestPs, level.atPs - sincePs);
      sincePs = undefined;
    }
  }
  return sincePs === undefined ? longestPs : Math.max(longestPs, atPs + lastsPs - sincePs);
}
