/**
 * The messages of a control link, as compact MessagePack arrays that begin with a tag. Encoding and
 * decoding are written by hand: grants and reports are sent once a window by every worker. What
 * comes is read strictly: anything but exactly a message of ours is refused with the place in it
 * (`messages-are-known`). Whether its sender may say that now is not decided here. Data frames are
 * opaque bytes of the engine on links of their own.
 */
import type { FaultHeal, FaultSpec } from "../src/model/fault.ts";
import type { Grant, WorkerSummary } from "../src/model/window.ts";
import { decode, encode, encodeChecked } from "./codec.ts";
import {
  bytes,
  exactly,
  frames,
  list,
  listOf,
  records,
  refuse,
  refuseFor,
  text,
  time,
  whole,
} from "./message-readers.ts";
import {
  aConfiguration,
  aDisturbance,
  aFarewell,
  aFault,
  aHeal,
  anArrival,
  anExit,
  aReplacement,
  aSpawnOrder,
  aSummary,
  isPort,
  somePorts,
} from "./message-shapes.ts";
import {
  type Arrival,
  type Configuration,
  type CoordinatorMessage,
  type Disturbance,
  type Envelope,
  type ExitNotice,
  type Farewell,
  type HandoverMessage,
  type MemberMessage,
  type RelayedMessage,
  type Replacement,
  type SpawnedWorker,
  type SpawnOrder,
  Tag,
} from "./messages.ts";
import { reportOf } from "./report-wire.ts";

/**
 * Version of everything that crosses a link. Changes with any change to a message or a data frame.
 */
export const PROTOCOL_VERSION = 6;

const faultList = listOf(aFault);
const healList = listOf(aHeal);

/** A message that is only its tag. */
export function encodeTag(tag: number): Uint8Array {
  return encode([tag]);
}

/** A grant: frames as peer, count, earliest, carried. */
export function encodeGrant(grant: Grant): Uint8Array {
  const named: unknown[] = [];
  for (const { peer, count, earliestPs, carried } of grant.frames) {
    named.push(peer, count, earliestPs, carried);
  }
  const message = [Tag.grant, grant.window, grant.endPs, named, grant.faults, grant.heals];
  return grant.faults.length > 0 ? encodeChecked(message) : encode(message);
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

/**
 * Decodes what the coordinator sent. Throws an InvariantError `messages-are-known` that names the
 * place for anything else.
 */
export function decodeCoordinatorMessage(bytes: Uint8Array): CoordinatorMessage {
  const parts = partsOf(bytes);
  const tag = parts[0];
  switch (tag) {
    case Tag.grant:
      return { tag, grant: grantOf(parts) };
    case Tag.configure:
      exactly(parts, 2, "configure");
      refuseFor(aConfiguration(parts[1]), "configure");
      return { tag, configuration: parts[1] as Configuration };
    case Tag.spawn:
      exactly(parts, 2, "spawn");
      refuseFor(aSpawnOrder(parts[1]), "spawn");
      return { tag, order: parts[1] as SpawnOrder };
    case Tag.end:
      exactly(parts, 3, "end");
      return { tag, ...processOf(parts, "end") };
    case Tag.disturb:
      exactly(parts, 3, "disturb");
      refuseFor(aDisturbance(parts[2]), "disturb");
      return {
        tag,
        id: whole(parts[1], "disturb.id"),
        disturbance: parts[2] as Disturbance,
      };
    case Tag.replace:
      exactly(parts, 2, "replace");
      refuseFor(aReplacement(parts[1]), "replace");
      return { tag, replacement: parts[1] as Replacement };
    case Tag.handover:
      return handoverOf(parts);
    case Tag.goodbye:
      exactly(parts, 2, "goodbye");
      refuseFor(aFarewell(parts[1]), "goodbye");
      return { tag, farewell: parts[1] as Farewell };
    case Tag.relayed:
      return relayedOf(parts);
    case Tag.heartbeat:
    case Tag.begin:
    case Tag.finish:
      exactly(parts, 1, "message");
      return { tag };
    default:
      return refuse("message[0]", "a kind of message", tag);
  }
}

/**
 * Decodes what a worker or agent sent. Throws an InvariantError `messages-are-known` that names the
 * place for anything else.
 */
export function decodeMemberMessage(bytes: Uint8Array): MemberMessage {
  const parts = partsOf(bytes);
  const tag = parts[0];
  switch (tag) {
    case Tag.report:
      return { tag, report: reportOf(parts) };
    case Tag.listening:
      exactly(parts, 3, "listening");
      if (!isPort(parts[1])) refuse("listening.port", "a port", parts[1]);
      refuseFor(somePorts(parts[2]), "listening.proxies");
      return { tag, port: parts[1], proxies: parts[2] as (readonly [number, number])[] };
    case Tag.disturbed:
      exactly(parts, 3, "disturbed");
      return {
        tag,
        id: whole(parts[1], "disturbed.id"),
        problem: text(parts[2], "disturbed.problem"),
      };
    case Tag.summary:
      exactly(parts, 3, "summary");
      refuseFor(aSummary(parts[1]), "summary");
      return {
        tag,
        summary: parts[1] as WorkerSummary,
        peakRssBytes: whole(parts[2], "summary.peakRssBytes"),
      };
    case Tag.failed:
      exactly(parts, 3, "failed");
      return {
        tag,
        rule: text(parts[1], "failed.rule"),
        message: text(parts[2], "failed.message"),
      };
    case Tag.arrived:
      exactly(parts, 2, "arrived");
      refuseFor(anArrival(parts[1]), "arrived");
      return { tag, arrival: parts[1] as Arrival };
    case Tag.spawned:
      exactly(parts, 4, "spawned");
      return { tag, ...processOf(parts, "spawned"), pid: whole(parts[3], "spawned.pid") };
    case Tag.exited:
      exactly(parts, 4, "exited");
      refuseFor(anExit(parts[3]), "exited.exit");
      return { tag, ...processOf(parts, "exited"), exit: parts[3] as ExitNotice };
    case Tag.silent:
      exactly(parts, 3, "silent");
      return { tag, ...processOf(parts, "silent") };
    case Tag.unreachable:
      exactly(parts, 5, "unreachable");
      return {
        tag,
        peer: whole(parts[1], "unreachable.peer"),
        peerIncarnation: whole(parts[2], "unreachable.peerIncarnation"),
        reason: text(parts[3], "unreachable.reason"),
        rule: text(parts[4], "unreachable.rule"),
      };
    case Tag.handover:
      return handoverOf(parts);
    case Tag.relayed:
      return relayedOf(parts);
    case Tag.usage:
      exactly(parts, 2, "usage");
      return { tag, peakRssBytes: whole(parts[1], "usage.peakRssBytes") };
    case Tag.heartbeat:
    case Tag.linked:
      exactly(parts, 1, "message");
      return { tag };
    default:
      return refuse("message[0]", "a kind of message", tag);
  }
}

/** The elements of a message. */
function partsOf(bytes: Uint8Array): unknown[] {
  return list(decode(bytes), "message");
}

/** Which process of which worker a message is about. */
function processOf(parts: readonly unknown[], path: string): SpawnedWorker {
  const worker = whole(parts[1], `${path}.worker`);
  return { worker, incarnation: whole(parts[2], `${path}.incarnation`) };
}

function grantOf(parts: unknown[]): Grant {
  exactly(parts, 6, "grant");
  const flat = records(parts[3], 4, "grant.frames");
  const named: Grant["frames"][number][] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const at = i / 4;
    named.push({
      peer: whole(flat[i], "grant.frames", at, ".peer"),
      count: whole(flat[i + 1], "grant.frames", at, ".count"),
      earliestPs: time(flat[i + 2], "grant.frames", at, ".earliestPs"),
      carried: frames(flat[i + 3], "grant.frames", at, ".carried"),
    });
  }
  const [faults, heals] = [list(parts[4], "grant.faults"), list(parts[5], "grant.heals")];
  if (faults.length > 0) refuseFor(faultList(faults), "grant.faults");
  if (heals.length > 0) refuseFor(healList(heals), "grant.heals");
  return {
    window: whole(parts[1], "grant.window"),
    endPs: time(parts[2], "grant.endPs"),
    frames: named,
    faults: faults as FaultSpec[],
    heals: heals as FaultHeal[],
  };
}

function handoverOf(parts: unknown[]): HandoverMessage {
  exactly(parts, 3, "handover");
  const peer = whole(parts[1], "handover.peer");
  return { tag: Tag.handover, peer, frames: frames(parts[2], "handover.frames") };
}

function relayedOf(parts: unknown[]): RelayedMessage {
  exactly(parts, 2, "relayed");
  const flat = records(parts[1], 3, "relayed.envelopes");
  const envelopes: Envelope[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const at = i / 3;
    envelopes.push({
      worker: whole(flat[i], "relayed.envelopes", at, ".worker"),
      incarnation: whole(flat[i + 1], "relayed.envelopes", at, ".incarnation"),
      bytes: bytes(flat[i + 2], "relayed.envelopes", at, ".bytes"),
    });
  }
  return { tag: Tag.relayed, envelopes };
}
