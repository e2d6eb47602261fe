/**
 * What the crew of a run is given, tells and is told: types only.
 */
import type { Grant, Resumption } from "../src/model/window.ts";
import type { Placement } from "../src/topology/placement.ts";
import type { ProxyPlan, SpawnOrder } from "./messages.ts";

/** What the windows have to say when processes are lost and replaced. */
export interface WindowsSide {
  /** Discards what a worker did in the open window; returns what its replacement begins with. */
  lose(worker: number): Resumption;
  /** What the replacement owes for the open window; undefined: nothing. */
  grantOf(worker: number): Grant | "begin" | undefined;
  /** Windows granted so far. */
  readonly windows: number;
  /** Workers that have not reported the open window. */
  readonly awaited: readonly number[];
}

/** Processes that are gone. */
export interface Loss {
  /** The host whose agent is gone; undefined: workers only. */
  readonly host: string | undefined;
  readonly workers: readonly { readonly number: number; readonly label: string }[];
  /** A sentence that names them and says how. */
  readonly detail: string;
}

/** What a worker is told of the run, and where it is started. */
export interface CrewOptions {
  /** Encoded scenario. */
  readonly scenario: Uint8Array;
  readonly scenarioHash: string;
  readonly placement: Placement;
  /** Pairs of workers that share a lane. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Wall ms to wait before each window, by worker label. */
  readonly delays: ReadonlyMap<string, number>;
  readonly reportsTo: SpawnOrder["reportsTo"];
  /** Links that a drill may break. */
  readonly proxies: ProxyPlan;
  /** Seconds of silence before a member counts as lost. */
  readonly silenceLimitSeconds: number;
  /** Seconds in which a worker that is alive does what it owes. */
  readonly stallLimitSeconds: number;
  readonly windows: WindowsSide;
  /** Processes are gone for good; called before anything is done about it. */
  lost(loss: Loss): void;
  /** One that was lost has a replacement, which takes part from now on. */
  replaced(detail: string): void;
  /** All that were lost have been replaced. */
  whole(): void;
  /** Something that people want to know of, and that changes nothing. */
  told(text: string): void;
}

/** A worker's word on a peer that it cannot reach. */
export interface Complaint {
  readonly peer: number;
  /** Which of the peer's processes. */
  readonly peerIncarnation: number;
  readonly reason: string;
  /** The rule that the peer's frames break; empty: the link is gone. */
  readonly rule: string;
}
