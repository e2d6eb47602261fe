/**
 * The messages of a control link, as compact MessagePack arrays that begin with a tag. Encoding and
 * decoding are written by hand: grants and reports are sent once a window by every worker. Data
 * frames are not here: they are opaque bytes of the engine on links of their own.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { FaultHeal, FaultSpec } from "../src/model/fault.ts";
import type {
  EpochPart,
  Grant,
  SentFrame,
  WindowReport,
  WorkerSummary,
} from "../src/model/window.ts";
import { decode, encode, encodeChecked } from "./codec.ts";

/**
 * Version of everything that crosses a link. Changes with any change to a message or a data frame.
 */
export const PROTOCOL_VERSION = 3;

/** Environment of agents and workers. Tokens go this way and never by argument. */
export const Env = {
  /** `host:port` of the coordinator. */
  coordinator: "FAULTPLANE_COORDINATOR",
  /** 64 hexadecimal digits. */
  token: "FAULTPLANE_TOKEN",
  runId: "FAULTPLANE_RUN_ID",
  scenarioHash: "FAULTPLANE_SCENARIO_HASH",
  /** Worker number; workers only. */
  worker: "FAULTPLANE_WORKER",
} as const;

/** First element of every control message. The numbers are the wire format: only append. */
export const Tag = {
  heartbeat: 0,
  // Hot: coordinator to worker, worker to coordinator.
  grant: 1,
  report: 2,
  // Worker to coordinator.
  listening: 3,
  linked: 4,
  summary: 5,
  failed: 6,
  // Coordinator to worker.
  configure: 7,
  begin: 8,
  finish: 9,
  goodbye: 10,
  // Coordinator to agent, agent to coordinator.
  spawn: 11,
  spawned: 12,
  exited: 13,
  usage: 14,
} as const;

/** A worker's part in the run, sent once. */
export interface Configuration {
  /** Bytes of the encoded scenario; their hash is the scenario hash. */
  readonly scenario: Uint8Array;
  /** Labels and actors of all workers, in order. */
  readonly workers: readonly { readonly label: string; readonly actors: readonly number[] }[];
  /** Workers that share a lane with this one. `port` is on the same host. */
  readonly peers: readonly { readonly worker: number; readonly port: number }[];
  /** Wall ms to wait before each window. */
  readonly delayMs: number;
}

/** What an agent is to start. */
export interface SpawnOrder {
  readonly workerMain: string;
  readonly nodeFlags: readonly string[];
  readonly workers: readonly number[];
}

/** How a process ended. */
export interface ExitNotice {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of its standard error. */
  readonly stderr: readonly string[];
}

/** Messages that a worker or agent receives. */
export type CoordinatorMessage =
  | { readonly tag: typeof Tag.heartbeat }
  | { readonly tag: typeof Tag.grant; readonly grant: Grant }
  | { readonly tag: typeof Tag.configure; readonly configuration: Configuration }
  | { readonly tag: typeof Tag.begin }
  | { readonly tag: typeof Tag.finish }
  | { readonly tag: typeof Tag.goodbye }
  | { readonly tag: typeof Tag.spawn; readonly order: SpawnOrder };

/** Messages that the coordinator receives. */
export type MemberMessage =
  | { readonly tag: typeof Tag.heartbeat }
  | { readonly tag: typeof Tag.report; readonly report: WindowReport }
  | { readonly tag: typeof Tag.listening; readonly port: number }
  | { readonly tag: typeof Tag.linked }
  | {
      readonly tag: typeof Tag.summary;
      readonly summary: WorkerSummary;
      readonly peakRssBytes: number;
    }
  | { readonly tag: typeof Tag.failed; readonly rule: string; readonly message: string }
  | { readonly tag: typeof Tag.spawned; readonly worker: number; readonly pid: number }
  | { readonly tag: typeof Tag.exited; readonly worker: number; readonly exit: ExitNotice }
  | { readonly tag: typeof Tag.usage; readonly peakRssBytes: number };

/** A message that is only its tag. */
export function encodeTag(tag: number): Uint8Array {
  return encode([tag]);
}

/** A grant: frames as peer, count, carried. */
export function encodeGrant(grant: Grant): Uint8Array {
  const frames: unknown[] = [];
  for (const { peer, count, carried } of grant.frames) frames.push(peer, count, carried);
  const message = [Tag.grant, grant.window, grant.endPs, frames, grant.faults, grant.heals];
  return grant.faults.length > 0 ? encodeChecked(message) : encode(message);
}

/**
 * A report: sent as peer, earliest, size, carried; epochs as epoch, low, high; facts as time,
 * actor, index, fact.
 */
export function encodeReport(report: WindowReport): Uint8Array {
  const sent: unknown[] = [];
  for (const { peer, earliestPs, sizeBytes, carried } of report.sent) {
    sent.push(peer, earliestPs, sizeBytes, carried);
  }
  const epochs: number[] = [];
  for (const { epoch, low, high } of report.epochs) epochs.push(epoch, low, high);
  const facts: unknown[] = [];
  for (const { atPs, actor, index, fact } of report.facts) facts.push(atPs, actor, index, fact);
  return encode([
    Tag.report,
    report.window,
    report.nextEventPs,
    report.nextFaultPs,
    sent,
    facts,
    report.events,
    report.lastEventPs,
    report.finishedGpus,
    report.hungGpus,
    epochs,
    report.groups.paused,
    report.groups.done,
  ]);
}

/**
 * Any message that is sent seldom: its tag and its parts. Refuses values that would not arrive as
 * they left.
 */
export function encodeMessage(tag: number, ...parts: readonly unknown[]): Uint8Array {
  return encodeChecked([tag, ...parts]);
}

/** Decodes what the coordinator sent. Throws an Error for anything else. */
export function decodeCoordinatorMessage(bytes: Uint8Array): CoordinatorMessage {
  const parts = partsOf(bytes);
  const tag = parts[0];
  switch (tag) {
    case Tag.grant:
      return { tag, grant: grantOf(parts) };
    case Tag.configure:
      return { tag, configuration: parts[1] as Configuration };
    case Tag.spawn:
      return { tag, order: parts[1] as SpawnOrder };
    case Tag.heartbeat:
    case Tag.begin:
    case Tag.finish:
    case Tag.goodbye:
      return { tag };
    default:
      throw new Error(`the coordinator sent a message of unknown kind ${String(tag)}`);
  }
}

/** Decodes what a worker or agent sent. Throws an Error for anything else. */
export function decodeMemberMessage(bytes: Uint8Array): MemberMessage {
  const parts = partsOf(bytes);
  const tag = parts[0];
  switch (tag) {
    case Tag.report:
      return { tag, report: reportOf(parts) };
    case Tag.listening:
      return { tag, port: wholeOf(parts[1]) };
    case Tag.summary:
      return { tag, summary: parts[1] as WorkerSummary, peakRssBytes: wholeOf(parts[2]) };
    case Tag.failed:
      return { tag, rule: String(parts[1]), message: String(parts[2]) };
    case Tag.spawned:
      return { tag, worker: wholeOf(parts[1]), pid: wholeOf(parts[2]) };
    case Tag.exited:
      return { tag, worker: wholeOf(parts[1]), exit: parts[2] as ExitNotice };
    case Tag.usage:
      return { tag, peakRssBytes: wholeOf(parts[1]) };
    case Tag.heartbeat:
    case Tag.linked:
      return { tag };
    default:
      throw new Error(`a message of unknown kind ${String(tag)}`);
  }
}

/** The elements of a message. */
function partsOf(bytes: Uint8Array): unknown[] {
  const value = decode(bytes);
  if (!Array.isArray(value)) throw new Error("a message is not a list");
  return value;
}

function grantOf(parts: unknown[]): Grant {
  const flat = recordsOf(parts[3], 3);
  const frames: { peer: number; count: number; carried: Uint8Array[] }[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const carried = listOf(flat[i + 2]);
    for (const frame of carried) bytesOf(frame);
    frames.push({
      peer: wholeOf(flat[i]),
      count: wholeOf(flat[i + 1]),
      carried: carried as Uint8Array[],
    });
  }
  return {
    window: wholeOf(parts[1]),
    endPs: numberOf(parts[2]),
    frames,
    faults: listOf(parts[4]) as FaultSpec[],
    heals: listOf(parts[5]) as FaultHeal[],
  };
}

function reportOf(parts: unknown[]): WindowReport {
  const flatSent = recordsOf(parts[4], 4);
  const sent: SentFrame[] = [];
  for (let i = 0; i < flatSent.length; i += 4) {
    const carried = flatSent[i + 3];
    sent.push({
      peer: wholeOf(flatSent[i]),
      earliestPs: numberOf(flatSent[i + 1]),
      sizeBytes: wholeOf(flatSent[i + 2]),
      carried: carried === null ? null : bytesOf(carried),
    });
  }
  const flatFacts = recordsOf(parts[5], 4);
  const facts: FactRecord[] = [];
  for (let i = 0; i < flatFacts.length; i += 4) {
    facts.push({
      atPs: numberOf(flatFacts[i]),
      actor: wholeOf(flatFacts[i + 1]),
      index: wholeOf(flatFacts[i + 2]),
      fact: flatFacts[i + 3] as FactRecord["fact"],
    });
  }
  const flatEpochs = recordsOf(parts[10], 3);
  const epochs: EpochPart[] = [];
  for (let i = 0; i < flatEpochs.length; i += 3) {
    epochs.push({
      epoch: numberOf(flatEpochs[i]),
      low: numberOf(flatEpochs[i + 1]),
      high: numberOf(flatEpochs[i + 2]),
    });
  }
  return {
    window: wholeOf(parts[1]),
    nextEventPs: numberOf(parts[2]),
    nextFaultPs: numberOf(parts[3]),
    sent,
    facts,
    events: wholeOf(parts[6]),
    lastEventPs: numberOf(parts[7]),
    finishedGpus: wholeOf(parts[8]),
    hungGpus: wholeOf(parts[9]),
    groups: { paused: listOf(parts[11]).map(wholeOf), done: listOf(parts[12]).map(wholeOf) },
    epochs,
  };
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new Error("a message lacks a number");
  return value;
}

function wholeOf(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Error("a message lacks a whole number");
  return value as number;
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error("a message lacks a list");
  return value;
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error("a message lacks a data frame");
  return value;
}

/** A flat list of records of `stride` values each. */
function recordsOf(value: unknown, stride: number): unknown[] {
  const list = listOf(value);
  if (list.length % stride !== 0) throw new Error("a message has a list of wrong length");
  return list;
}
