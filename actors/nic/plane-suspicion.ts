/**
 * Planes that a queue pair of a multi-port NIC avoids although its own ports say that they are up.
 * A plane that loses packets silently, or beyond the NIC's own link, shows only when the ACK
 * timeout passes: the packet that is to blame went over it. The plane is avoided for a span, then
 * tried again; each time in a row the span is twice as long.
 */

/**
 * The first span, in ACK timeouts: trying a plane that still loses costs one, so at most 1/16 of
 * the time, and ever less. Ours.
 */
const FIRST_SPAN_TIMEOUTS = 16;
/** The span doubles this often at most. */
const DOUBLINGS_MAX = 6;

export class PlaneSuspicion {
  /** By plane: until when it is avoided, ps; and how often in a row it was suspected. */
  readonly #untilPs: Float64Array;
  readonly #times: Uint8Array;

  constructor(planes: number) {
    this.#untilPs = new Float64Array(planes);
    this.#times = new Uint8Array(planes);
  }

  /** Avoids a plane from now on; returns for how long, ps. */
  suspect(plane: number, nowPs: number, ackTimeoutPs: number): number {
    let spanPs = ackTimeoutPs * FIRST_SPAN_TIMEOUTS;
    for (let doubling = 0; doubling < this.#times[plane]; doubling += 1) spanPs *= 2;
    if (this.#times[plane] < DOUBLINGS_MAX) this.#times[plane] += 1;
    this.#untilPs[plane] = nowPs + spanPs;
    return spanPs;
  }

  isSuspect(plane: number, nowPs: number): boolean {
    return this.#untilPs[plane] > nowPs;
  }

  /** A packet that went over a plane has arrived: the next suspicion is a first one again. */
  arrivedBy(plane: number, nowPs: number): void {
    if (this.#untilPs[plane] <= nowPs) this.#times[plane] = 0;
  }
}
