/**
 * What an actor gets at birth. Actors know only base and model; the functions of the workload that
 * they need (gate, byte counts, compute times, oracle) are handed to them here.
 */
import type { Actor } from "./actor.ts";
import type { ComputeTimes } from "./compute.ts";
import type { ExpertMap } from "./expert-map.ts";
import type { RoutingSource } from "./routing.ts";
import type { Scenario } from "./scenario.ts";
import type { Schedule } from "./schedule.ts";
import type { Topology } from "./topology.ts";

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
  /** The map when some ranks of a group are out: by rank, 1 for those. Depends on them alone. */
  expertsWithout(isOut: Uint8Array): ExpertMap;
  readonly compute: ComputeTimes;
  readonly oracle: Oracle;
  /**
   * Bytes of one token copy on its way out and of one result on its way back, with their checksums
   * if there are any.
   */
  readonly dispatchCopyBytes: number;
  readonly combineCopyBytes: number;
}

/** Makes the actor at a place of the topology. */
export type DeviceFactory = (actor: number, services: DeviceServices) => Actor;
