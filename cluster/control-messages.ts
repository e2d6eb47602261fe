/**
 * What operators ask of a run that is up, and what it answers: plain values on a control link, one
 * answer a request, in order. Requests come from outside, so every field is checked here.
 */
import { decodeStrange, encodeChecked } from "./codec.ts";
import type { FrameLimits } from "./frame-scan.ts";

/** What an operator can do to a run. */
export type ControlRequest =
  | { readonly command: "status" }
  /** `fault` has the keys of a fault in a drill; it is checked where those are. */
  | { readonly command: "inject"; readonly fault: Readonly<Record<string, unknown>> }
  /** A fault's name, or `all`. */
  | { readonly command: "heal"; readonly fault: string }
  | {
      readonly command: "mask" | "drain" | "reroute";
      readonly target: string;
      /** Time such as `30 s`; without it the lease of {@link LEASE_TEXT}. */
      readonly lease?: string;
    }
  | { readonly command: "unmask" | "undrain"; readonly target: string }
  | { readonly command: "pause" | "resume" }
  /** Virtual seconds per wall second, above 0. */
  | { readonly command: "speed"; readonly speed: number | "max" }
  | { readonly command: "stop" }
  | { readonly command: "diagnose"; readonly target: string; readonly kind: string };

/** One thing that is wrong with a request, in the words of the errors of files. */
export interface ControlProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * A fault that is in force. The first of a blind run is `?` from its beginning to its end, and
 * stands for all that the drill does.
 */
export interface FaultInForce {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  /** When its lease ends, ps; null: with the run. */
  readonly untilPs: number | null;
}

/** How a run stands. */
export interface LiveStatus {
  readonly runId: string;
  readonly virtualTimePs: number;
  readonly wallSeconds: number;
  /** As asked for. */
  readonly speed: number | "max";
  readonly lagSeconds: number;
  readonly isPaused: boolean;
  readonly faults: readonly FaultInForce[];
  /** Ranks that others have masked, and by how many of them; the most first. */
  readonly ranksMasked: readonly { readonly rank: string; readonly by: number }[];
  readonly ranks: number;
  readonly ranksFinished: number;
  /** Layers that ranks have completed, over all ranks, steps and chains. */
  readonly layersDone: number;
  readonly layersTotal: number;
  /**
   * Assignments of completed layers, by where they ended; and results that differ from the oracle
   * without a fault. Those that a fault corrupted are not shown: nobody in the fleet notices.
   */
  readonly combined: number;
  readonly masked: number;
  readonly mismatches: number;
  /**
   * Tokens of the whole fleet a virtual second, counted by combined assignments over the last four
   * exchanges of each rank; null: the run makes none. See token-rate.ts.
   */
  readonly tokensPerSecond: number | null;
}

export type ControlAnswer =
  | {
      readonly ok: true;
      /** When it acts, ps of virtual time. */
      readonly atPs: number;
      /** A sentence for people. */
      readonly text: string;
      readonly status?: LiveStatus;
    }
  | { readonly ok: false; readonly exitCode: number; readonly problems: readonly ControlProblem[] };

/** How long what operators do lasts when they say nothing; virtual time. */
export const LEASE_TEXT = "60 s";

/** Largest request, bytes. */
export const REQUEST_BYTES = 64 * 1024;

/** Largest answer: a status with every rank of the largest cluster. */
export const ANSWER_BYTES = 16 * 1024 * 1024;

const REQUEST_LIMITS: FrameLimits = {
  depth: 8,
  elements: 8192,
  containers: 2048,
  textBytes: 4096,
};

/** Longest name of a fault, target or kind in a request; longer ones are nobody's. */
const NAME_LENGTH = 200;

export function encodeRequest(request: ControlRequest): Uint8Array {
  return encodeChecked(request);
}

export function encodeAnswer(answer: ControlAnswer): Uint8Array {
  return encodeChecked(answer);
}

/** A request; undefined when it is none of ours. */
export function decodeRequest(bytes: Uint8Array): ControlRequest | undefined {
  return requestOf(bytes.length > REQUEST_BYTES ? undefined : decodeStrange(bytes, REQUEST_LIMITS));
}

/** A value as a request; undefined when it is none of ours. */
export function requestOf(value: unknown): ControlRequest | undefined {
  if (!isFields(value)) return undefined;
  const { command, fault, target, kind, lease, speed } = value;
  switch (command) {
    case "status":
    case "pause":
    case "resume":
    case "stop":
      return { command };
    case "inject":
      return isFields(fault) ? { command, fault } : undefined;
    case "heal":
      return isName(fault) ? { command, fault } : undefined;
    case "mask":
    case "drain":
    case "reroute":
      if (!isName(target) || !(lease === undefined || isName(lease))) return undefined;
      return { command, target, ...(lease === undefined ? {} : { lease }) };
    case "unmask":
    case "undrain":
      return isName(target) ? { command, target } : undefined;
    case "speed":
      return isSpeed(speed) ? { command, speed } : undefined;
    case "diagnose":
      return isName(target) && isName(kind) ? { command, target, kind } : undefined;
    default:
      return undefined;
  }
}

/** An answer; undefined when it is none of ours. */
export function decodeAnswer(bytes: Uint8Array): ControlAnswer | undefined {
  const value = decodeStrange(bytes, {
    depth: 8,
    elements: 1_000_000,
    containers: 250_000,
    textBytes: ANSWER_BYTES,
  });
  if (!isFields(value)) return undefined;
  if (value.ok === true) {
    return typeof value.atPs === "number" && typeof value.text === "string"
      ? (value as unknown as ControlAnswer)
      : undefined;
  }
  const isRefusal = Array.isArray(value.problems) && typeof value.exitCode === "number";
  return value.ok === false && isRefusal ? (value as unknown as ControlAnswer) : undefined;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH;
}

function isSpeed(value: unknown): value is number | "max" {
  return value === "max" || (typeof value === "number" && Number.isFinite(value) && value > 0);
}
