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
  | { readonly source: "file"; readonly path: string; readonly table: RecordedRouting }
  /** Drawn, with every expert as popular as recorded: `table` holds the layers that run. */
  | { readonly source: "loads"; readonly path: string; readonly table: RecordedLoads };

/** How often each expert was chosen, by layer: a loads file, for routing or for placement. */
export interface RecordedLoads {
  /** Model layers that the rows are for, ascending. */
  readonly layers: readonly number[];
  /** Selections, little-endian float64: [layer][logical expert]. */
  readonly counts: Uint8Array;
}

/** Where the replicas of the routed experts are. */
export interface ExpertsSpec {
  /** Physical experts beyond the routed ones: replicas of the busiest. */
  readonly redundant: number;
  /** `contiguous`: blocks in the order of ids; `eplb`: balanced by a loads file. */
  readonly placement: "contiguous" | "eplb";
  /**
   * Logical expert that each physical expert is a replica of, little-endian 16 bit: [place in
   * `workload.layers`][physical expert]. Rank r holds the r-th equal part of them. Empty when the
   * two are the same.
   */
  readonly physicalToLogical: Uint8Array;
}

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
  /**
   * Multi-plane fat tree (every plane a fabric of its own) or multi-rail fat tree (the rails'
   * leaves are joined by spines that all rails share).
   */
  readonly network: "mpft" | "mrft";
  readonly switchRouting: SwitchRouting;
  /** Bytes that a leaf or spine holds for one of its input ports; 0 = unlimited. */
  readonly portBufferBytes: number;
  /**
   * One-port: NIC i of every node is on plane i mod planes, as deployed. Multi-port: every NIC has
   * a port on each plane, with an equal share of its rate, and sprays packets over them (arXiv
   * 2505.09343, section 5.1).
   */
  readonly nicPorts: "one-port" | "multi-port";
  /**
   * Is there a recovery controller, with a management link to every GPU? As `recovery.controller`
   * has it.
   */
  readonly controller?: true;
}

/** The network that a scenario has when it says nothing of it. */
export const DEFAULT_NETWORK = {
  network: "mpft",
  switchRouting: "static",
  portBufferBytes: 0,
  nicPorts: "one-port",
} as const;

/**
 * How a leaf with several ways up chooses: by its table (static), by a hash of the flow (ECMP), or
 * for each message the way with the shortest queue (adaptive).
 */
export type SwitchRouting = "static" | "ecmp" | "adaptive";

/** Numbers of a token copy on the wire: FP8 or LogFMT-n with scales, or BF16. */
export type NumberFormat = "fp8" | "bf16" | `logfmt-${number}`;

export interface WorkloadSpec {
  /** What a step is; `all-to-all`: exchanges without compute, all ranks at one moment. */
  readonly phase: "decode" | "prefill" | "training" | "all-to-all";
  /**
   * DeepEP's two families of kernels. Low-latency: every copy straight to its rank. Normal: one
   * copy a node, to the GPU on the sender's plane, which forwards it over NVLink; results are added
   * up there on the way back.
   */
  readonly protocol: "low-latency" | "normal";
  /**
   * What one message carries: one token copy, or all copies of one dispatch or combine from one
   * rank to one other (normal protocol: a chunk of them).
   */
  readonly grain: "token" | "message";
  /** How low-latency copies reach ranks of the sender's node. */
  readonly intraNode: "nvlink" | "rdma";
  readonly dispatchFormat: NumberFormat;
  readonly combineFormat: NumberFormat;
  /**
   * Training: the forward pass of one micro-batch overlapped with the backward pass of another, or
   * one of them alone.
   */
  readonly pass: "overlapped" | "forward" | "backward";
  /** Micro-batches of a step, overlapped; each has `tokensPerGpu` tokens a rank. */
  readonly microBatches: number;
  /** Tokens that one decode step yields on the mean, with multi-token prediction; 1 without. */
  readonly acceptedTokensPerStep: number;
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

/** How the fleet copes with what breaks. */
export interface RecoverySpec {
  /**
   * A rank that does not answer is masked (DeepEP's low-latency shrink), or the waiting rank traps
   * and its job ends (DeepEP's default).
   */
  readonly onSilence: "mask" | "trap";
  /**
   * `nvlink`: a message that the transport gives back goes once more, over NVLink through a
   * neighbour's NIC on another plane; `none`: its receiver is masked.
   */
  readonly failover: "none" | "nvlink";
  /** Do live replicas take over what a masked rank held? */
  readonly takeover: boolean;
  /** A switch stops using a port this long after it went down, ps; -1: never. */
  readonly rerouteLocalPs: number;
  /**
   * All switches of a plane know this long after a link between switches went down, ps (the subnet
   * manager's clock); -1: never.
   */
  readonly rerouteManagerPs: number;
  /**
   * What a recovery controller does when ranks report a silent one: nothing (there is none), move
   * its experts to the others, or begin the step again with everybody.
   */
  readonly controller: "none" | "remap" | "restart";
  /** From the first report until ranks are told what to do, ps. */
  readonly controllerDelayPs: number;
  /** Are token copies and results checked end to end? */
  readonly integrity: "none" | "checksum";
}

/** How the fleet copes when a scenario says nothing of it. */
export const DEFAULT_RECOVERY: RecoverySpec = {
  onSilence: "mask",
  failover: "none",
  takeover: false,
  rerouteLocalPs: -1,
  rerouteManagerPs: -1,
  controller: "none",
  controllerDelayPs: 8e12,
  integrity: "none",
};

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
  /** Length of the bins in which traffic is counted, ps. */
  readonly trafficEveryPs: number;
  /**
   * What the loss of a process of the emulator means: `fault`: its actors are dead hardware from
   * then on, and the fleet has to cope; `recover`: nothing, it is replaced.
   */
  readonly onWorkerLoss: "fault" | "recover";
}

export interface Scenario {
  readonly title: string;
  readonly model: ModelShape;
  readonly hardware: Hardware;
  readonly cluster: ClusterSpec;
  readonly workload: WorkloadSpec;
  readonly routing: RoutingSpec;
  readonly experts: ExpertsSpec;
  readonly transport: TransportSpec;
  readonly recovery: RecoverySpec;
  readonly faults: readonly FaultSpec[];
  readonly run: RunSpec;
}
