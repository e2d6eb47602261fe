/**
 * Emulated faults: data in virtual time. A fault has a name, which every loss it causes carries.
 * Faults may lengthen a link's latency, slow it or drop what crosses it; never shorten.
 */

/**
 * Kinds of emulated fault. `actors-lost` is made only by the coordinator: a worker process died.
 */
export type FaultKind = "nic-down" | "link-down" | "gpu-dead" | "actors-lost";

/** One fault of a run. */
export interface FaultSpec {
  /** Unique in the run; what masks and losses are named after. */
  readonly name: string;
  readonly kind: FaultKind;
  /** Actor ids (nic-down, gpu-dead, actors-lost) or one link id (link-down). */
  readonly targets: readonly string[];
  /** Onset, ps. */
  readonly atPs: number;
  /** When it heals, ps; undefined: never in this run. */
  readonly healAtPs?: number;
}

/** Number that stands for "no fault" where a fault's place in the run's list is expected. */
export const NO_FAULT = -1;
