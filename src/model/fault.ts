/**
 * Emulated faults: data in virtual time. A fault has a name, which every loss it causes carries. It
 * is a lease: every process of the run keeps its end with it, so it expires by itself.
 * Faults may lengthen a link's latency, slow it or drop what crosses it; never shorten.
 */

/**
 * Kinds of fault that a scenario, a drill or an operator can ask for; src/fault has the catalogue.
 */
export const FAULT_KINDS = [
  "gpu-dead",
  "hbm-uncorrectable",
  "node-crash",
  "process-hang",
  "slow-gpu",
  "silent-corruption",
  "nic-down",
  "nic-flap",
  "slow-nic",
  "pcie-downgrade",
  "kv-copy",
  "link-down",
  "one-way-loss",
  "grey-loss",
  "slow-link",
  "late-link",
  "switch-down",
  "plane-down",
  "nvlink-stall",
  "hot-expert",
  "incast",
  "controller-down",
] as const;

/** What operators do to a run; kept, timed, journaled and ended like faults. */
export const INTERVENTION_KINDS = ["masked", "drained", "rerouted"] as const;

/**
 * Kinds of entry in a run's list of faults. `actors-lost` is made only by the coordinator: a worker
 * process died.
 */
export type FaultKind =
  | (typeof FAULT_KINDS)[number]
  | (typeof INTERVENTION_KINDS)[number]
  | "actors-lost";

/** How hard a fault is from an instant on, in thousandths of what its parameters say. */
export interface FaultLevel {
  readonly atPs: number;
  readonly permille: number;
}

/** How hard a kind of fault hits; each kind reads the ones that the catalogue lists for it. */
export interface FaultParameters {
  /** Compute or serialization takes this many times as long; at least 1. */
  readonly slowdown?: number;
  /** Packets lost, of a million. */
  readonly lossPerMillion?: number;
  /** Packets up to this size are never lost: a probe passes where a token copy may not. */
  readonly sparedBytes?: number;
  /** Time of flight on top of the link's own, ps. */
  readonly extraLatencyPs?: number;
  /** Serialization is at least this, ps a byte: what others leave of a PCIe link. */
  readonly psPerByteAtLeast?: number;
  /** Messages of a million whose payload has a bit flipped. */
  readonly flipsPerMillion?: number;
  /** Tokens of a million that choose the hot expert. */
  readonly sharePerMillion?: number;
  /**
   * Does the hardware say so? Loud: port states change, and who is joined to it can react at once.
   * Silent: only clocks find out. Default: loud.
   */
  readonly silent?: true;
}

/** A point of the model's own time: some way into a phase of a layer. */
export interface FaultMoment {
  /** Step of the run and layer of the model, from 0. */
  readonly step: number;
  readonly layer: number;
  /** From the beginning of the dispatch, of the experts' compute, or of the combine, to its end. */
  readonly phase: "dispatch" | "compute" | "combine";
  /** How far into the phase, in millionths of its length without this fault. */
  readonly fractionPerMillion: number;
  /** GPU whose phase it is; undefined: the first one to end it. */
  readonly rank?: string;
  /** Chain of the schedule whose phase it is; undefined: the first one to end it. */
  readonly chain?: string;
}

/** One fault of a run, resolved: ids, instants and numbers. */
export interface FaultSpec {
  /** Unique in the run; what masks and losses are named after. */
  readonly name: string;
  readonly kind: FaultKind;
  /**
   * Actor ids; link ids `a--b`; one direction of a link, `a->b`; `expert17`. Which of them is the
   * catalogue's matter.
   */
  readonly targets: readonly string[];
  /** Onset, ps. */
  readonly atPs: number;
  /** When its lease ends and it heals, ps; undefined: never in this run. */
  readonly healAtPs?: number;
  readonly parameters?: FaultParameters;
  /**
   * Flaps and ramps: levels after the onset's own, ascending in time, before the heal. Without them
   * a fault is whole (1,000 permille) from its onset on; with them the first stands at the onset.
   */
  readonly levels?: readonly FaultLevel[];
  /**
   * Its onset, while that is not known as an instant: all times of the fault then count from it
   * (`atPs` is 0). No run has such a fault; src/fault/moments.ts puts instants in their place.
   */
  readonly moment?: FaultMoment;
}

/** Ends a fault before its lease does; doing so twice changes nothing. */
export interface FaultHeal {
  /** Name of the fault. */
  readonly fault: string;
  readonly atPs: number;
}

/** Number that stands for "no fault" where a fault's place in the run's list is expected. */
export const NO_FAULT = -1;
