/**
 * What ranks tell whoever watches a run closely: what no message and no fact shows. Nothing of the
 * run depends on it, and nobody listens unless somebody wants a token explained.
 */

/** Where in the run and in the workload an exchange is. */
export interface WatchedExchange {
  /** Number of the exchange in the run: what messages carry as LAYER. */
  readonly exchange: number;
  readonly step: number;
  /** Layer of the model, and its place in `workload.layers`. */
  readonly layer: number;
  readonly place: number;
  /** Place in `Schedule.chains`. */
  readonly chain: number;
}

/** Each call is about the rank whose event is being handled, now. */
export interface RankWatch {
  /**
   * A rank's gate has chosen: by assignment (token x topK + choice) the expert, and the rank of the
   * EP group that serves it, `actorOf` being the group's ranks. The columns are the rank's own: to
   * be read now, and left alone.
   */
  opened(at: WatchedExchange, experts: Int32Array, holders: Int32Array, actorOf: Int32Array): void;
  /** An operation of the schedule begins; `op` is its number there. */
  opBegan(op: number, step: number): void;
  /** An operation that computes takes so long here, and on a GPU that is well, ps. */
  computes(op: number, spanPs: number, healthyPs: number): void;
  opEnded(op: number): void;
}
