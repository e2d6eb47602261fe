/**
 * What an actor gets at birth. Actors know only base and model; the functions of the workload that
 * they need (gate, byte counts, compute times, oracle) are handed to them here.
 */
import type { Actor } from "./actor.ts";
import type { ExpertMap } from "./expert-map.ts";
import type { RoutingSource } from "./routing.ts";
import type { Scenario } from "./scenario.ts";
import type { Schedule } from "./schedule.ts";
import type { Topology } from "./topology.ts";

/** What a rank computes between exchanges; one kernel, or a few that always run together. */
export type ComputeName =
  /** Attention block; in decode the shared experts too, which need no exchange. */
  | "attention-forward"
  | "attention-backward"
  | "attention-weights"
  /** The MLP of a layer without experts. */
  | "dense-forward"
  | "dense-backward"
  | "dense-weights"
  /** Experts of an MoE layer; outside decode the shared experts too. */
  | "mlp-forward"
  | "mlp-backward"
  | "mlp-weights";

/** How long a computation takes: a sum of three parts, whole ps each. */
export interface ComputeSpan {
  readonly fixedPs: number;
  /** For each routed expert of the rank that got at least one token. */
  readonly perExpertPs: number;
  /** For each (token, expert) assignment that the rank computes. */
  readonly perCopyPs: number;
}

/** Compute of one rank and one micro-batch in one layer. */
export type ComputeTimes = Readonly<Record<ComputeName, ComputeSpan>>;

/** One word of a payload as a function of where its token lives. */
export type TokenWord = (group: number, rank: number, step: number, token: number) => number;
/** One word of an expert's output on the payload (low, high). */
export type ExpertWord = (expert: number, layer: number, low: number, high: number) => number;

/** The known functions that stand for experts, and the payload that tokens start a step with. */
export interface Oracle {
  readonly tokenLow: TokenWord;
  readonly tokenHigh: TokenWord;
  readonly expertLow: ExpertWord;
  readonly expertHigh: ExpertWord;
}

/** Everything about the run that a device may depend on. */
export interface DeviceServices {
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** What every rank does in a step. */
  readonly schedule: Schedule;
  readonly routing: RoutingSource;
  readonly experts: ExpertMap;
  readonly compute: ComputeTimes;
  readonly oracle: Oracle;
  /** Bytes of one token copy on its way out and of one result on its way back. */
  readonly dispatchCopyBytes: number;
  readonly combineCopyBytes: number;
}

/** Makes the actor at a place of the topology. */
export type DeviceFactory = (actor: number, services: DeviceServices) => Actor;
