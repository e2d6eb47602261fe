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
import {
  type Arrival,
  type Configuration,
  type CoordinatorMessage,
  type Disturbance,
  type Envelope,
  type ExitNotice,
  type MemberMessage,
  type Replacement,
  type SpawnOrder,
  Tag,
} from "./messages.ts";

/**
 * Version of everything that crosses a link. Changes with any change to a message or a data frame.
 */
export const PROTOCOL_VERSION = 4;

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

/** Messages of workers that their agent passes on, or messages for them, in one. */
export function encodeEnvelopes(envelopes: readonly Envelope[]): Uint8Array {
  const flat: unknown[] = [];
  for (const { worker, incarnation, bytes } of envelopes) flat.push(worker, incarnation, bytes);
  return encode([Tag.relayed, flat]);
}

/**
 * The tag of an encoded message, read without decoding it; -1 when it has none. A list of up to 15
 * parts begins with one byte, and so does every tag.
 */
export function tagOf(bytes: Uint8Array): number {
  return bytes.length >= 2 && (bytes[0] & 0xf0) === 0x90 && bytes[1] <= 0x7f ? bytes[1] : -1;
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
    case Tag.end:
      return { tag, worker: wholeOf(parts[1]), incarnation: wholeOf(parts[2]) };
    case Tag.disturb:
      return { tag, id: wholeOf(parts[1]), disturbance: parts[2] as Disturbance };
    case Tag.replace:
      return { tag, replacement: parts[1] as Replacement };
    case Tag.handover:
      return { tag, peer: wholeOf(parts[1]), frames: framesOf(parts[2]) };
    case Tag.relayed:
      return { tag, envelopes: envelopesOf(parts[1]) };
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
      return { tag, port: wholeOf(parts[1]), proxies: proxiesOf(parts[2]) };
    case Tag.summary:
      return { tag, summary: parts[1] as WorkerSummary, peakRssBytes: wholeOf(parts[2]) };
    case Tag.failed:
      return { tag, rule: String(parts[1]), message: String(parts[2]) };
    case Tag.arrived:
      return { tag, arrival: parts[1] as Arrival };
    case Tag.spawned: {
      const [, worker, incarnation, pid] = parts.map(Number);
      return { tag, worker, incarnation, pid };
    }
    case Tag.exited: {
      const [worker, incarnation] = [wholeOf(parts[1]), wholeOf(parts[2])];
      return { tag, worker, incarnation, exit: parts[3] as ExitNotice };
    }
    case Tag.disturbed:
      return { tag, id: wholeOf(parts[1]), problem: String(parts[2]) };
    case Tag.silent:
      return { tag, worker: wholeOf(parts[1]), incarnation: wholeOf(parts[2]) };
    case Tag.unreachable:
      return {
        tag,
        peer: wholeOf(parts[1]),
        peerIncarnation: wholeOf(parts[2]),
        reason: String(parts[3]),
      };
    case Tag.handover:
      return { tag, peer: wholeOf(parts[1]), frames: framesOf(parts[2]) };
    case Tag.relayed:
      return { tag, envelopes: envelopesOf(parts[1]) };
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

function proxiesOf(value: unknown): (readonly [number, number])[] {
  return listOf(value).map((pair) => {
    const [peer, port] = listOf(pair).map(wholeOf);
    return [peer, port];
  });
}

function framesOf(value: unknown): Uint8Array[] {
  return listOf(value).map(bytesOf);
}

function envelopesOf(value: unknown): Envelope[] {
  const flat = recordsOf(value, 3);
  const envelopes: Envelope[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const [worker, incarnation] = [wholeOf(flat[i]), wholeOf(flat[i + 1])];
    envelopes.push({ worker, incarnation, bytes: bytesOf(flat[i + 2]) });
  }
  return envelopes;
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
