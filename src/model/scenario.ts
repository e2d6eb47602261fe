/**
 * A scenario after parsing: every default filled in, every unit converted, every relation checked.
 * It is plain data (it crosses the wire as it is) and, with the journal, everything a run depends
 * on.
 */
import type { FaultSpec } from "./fault.ts";
import type { Hardware } from "./hardware.ts";
import type { ModelShape } from "./model-shape.ts";

export type PlacementName = "actor" | "node" | "pack" | "single";

/** Where routing decisions come from. */
export type RoutingSpec =
  /**
   * The DeepSeek gate over logits drawn from the seed; `imbalance` is the spread of a per-expert
   * offset on the logits.
   */
  | { readonly source: "gate"; readonly imbalance: number }
  /** Each token takes top-k different experts, all equally likely. */
  | { readonly source: "uniform" }
  /** Popularity of the i-th expert (in an order drawn from the seed) falls as 1 / i^exponent. */
  | { readonly source: "zipf"; readonly exponent: number }
  /** Recorded choices: `table` holds the rows of the layers that run. */
  | { readonly source: "file"; readonly path: string; readonly table: RecordedRouting };

/** Rows of a per-token routing file, as columns; a row is one (layer, token). */
export interface RecordedRouting {
  readonly topK: number;
  /** Model layers present, in the order in which `tokensOfRank` repeats. */
  readonly layers: readonly number[];
  /** Tokens that each EP rank owns (the same in every layer). */
  readonly tokensOfRank: readonly number[];
  /** Expert ids, little-endian 16 bit: [layer][rank's tokens in rank order][topK]. */
  readonly experts: Uint8Array;
}

export interface ClusterSpec {
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly planes: number;
  /** Ports of one network switch (its radix). */
  readonly switchPorts: number;
}

export interface WorkloadSpec {
  readonly phase: "decode";
  readonly protocol: "low-latency";
  /**
   * Tokens a rank handles in a step; with recorded routing the file decides, and this is the
   * largest.
   */
  readonly tokensPerGpu: number;
  readonly steps: number;
  /** Ranks of one EP group; the cluster's GPUs divide into groups of consecutive ranks. */
  readonly epSize: number;
  /** Model layers that run in a step, ascending. */
  readonly layers: readonly number[];
}

/** Clocks of the transport and of the EP library. */
export interface TransportSpec {
  /** InfiniBand RC: ACK timeout is 4.096 us x 2^n. */
  readonly ackTimeoutExponent: number;
  /** InfiniBand RC: retransmissions before the queue pair fails. */
  readonly retryCount: number;
  /** How long a rank waits for another before it asks whether it lives, ps (DeepEP: 100 s). */
  readonly waitTimeoutPs: number;
}

export interface RunSpec {
  /** Decimal text, 0..2^64-1. */
  readonly seed: string;
  readonly placement: PlacementName;
  /** Worker processes of placement `pack`. */
  readonly workers: number;
  /** Virtual seconds per wall second, or "max". */
  readonly speed: number | "max";
  /** The run is stopped when virtual time reaches this, ps. */
  readonly timeLimitPs: number;
  /** Wall seconds that a paced run may lag before its verdict is INVALID. */
  readonly lagBudgetSeconds: number;
  /** Write every packet at the end of every link to the event log. */
  readonly logPackets: boolean;
}

export interface Scenario {
  readonly title: string;
  readonly model: ModelShape;
  readonly hardware: Hardware;
  readonly cluster: ClusterSpec;
  readonly workload: WorkloadSpec;
  readonly routing: RoutingSpec;
  readonly transport: TransportSpec;
  readonly faults: readonly FaultSpec[];
  readonly run: RunSpec;
}
