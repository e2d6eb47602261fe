/**
 * Messages of members with one thing in them that is not as it should be: a part dropped, added, or
 * of another type, an extreme number. Whatever decodes them may take such a message only as exactly
 * what it says, and otherwise refuses it and names the place.
 */

import { decode, encode } from "../../cluster/codec.ts";
import { type CoordinatorMessage, type MemberMessage, Tag } from "../../cluster/messages.ts";
import { encodeReport } from "../../cluster/report-wire.ts";
import {
  decodeCoordinatorMessage,
  decodeMemberMessage,
  encodeEnvelopes,
  encodeGrant,
  encodeMessage,
  encodeTag,
} from "../../cluster/wire.ts";
import { InvariantError } from "../../src/base/assert.ts";
import { type RandomStream, streamOf } from "../../src/base/random.ts";
import { NEVER_PS } from "../../src/model/time.ts";

/** What a fuzz of messages found. */
export interface MessageFuzzResult {
  /** Messages that were refused with a place; all others were taken as they are. */
  readonly refused: number;
  /** One line for each message that was taken for another, or refused without a place. */
  readonly failures: readonly string[];
}

type Decoded = MemberMessage | CoordinatorMessage;
type Decoder = (bytes: Uint8Array) => Decoded;

/** What takes the place of a part. */
const STRANGE: readonly unknown[] = [
  ...[-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[2 ** 53, -(2 ** 53), 1e300, 2 ** 31, 2 ** 32, 65_536, -(2 ** 31) - 1],
  ...[null, true, false, "", "1", "toString", "x".repeat(5000)],
  ...[[], [1], {}, { x: 1 }, new Uint8Array(0), new Uint8Array(3)],
];

const FAULT = {
  name: "f1",
  kind: "nic-flap",
  targets: ["n0.nic0"],
  atPs: 7,
  healAtPs: 9_000,
  parameters: { slowdown: 1.5, silent: true },
  levels: [{ atPs: 7, permille: 500 }],
} as const;
const FRAME = Uint8Array.from({ length: 20 }, (_, place) => place);
const PEER = { worker: 2, incarnation: 1, host: "127.0.0.1", port: 4711 };
const BIN = { bin: 3, lanes: [2, 5], bytes: [64, 8] };
const EPOCH = { epoch: 1499, low: -5, high: 987_654_321 };

/** A message of every kind that a member receives, and of every kind that it sends. */
const MESSAGES: readonly (readonly [Decoder, readonly Uint8Array[]])[] = [
  [
    decodeCoordinatorMessage,
    [
      encodeTag(Tag.heartbeat),
      encodeGrant({
        window: 12,
        endPs: 1.5e12,
        frames: [{ peer: 1, count: 2, earliestPs: 1.49e12, carried: [FRAME] }],
        faults: [FAULT],
        heals: [{ fault: "f1", atPs: 8 }],
      }),
      encodeMessage(Tag.configure, {
        scenario: FRAME,
        workers: [{ label: "n0", actors: [0, 1] }],
        peers: [PEER],
        delayMs: 0,
        resumption: {
          atPs: -1,
          window: -1,
          faults: [FAULT],
          heals: [],
          trafficSaidPs: 7,
          frames: [{ peer: 1, sent: 3, received: 4 }],
        },
      }),
      encodeTag(Tag.begin),
      encodeTag(Tag.finish),
      encodeMessage(Tag.goodbye, { exitCode: 75, text: "it failed" }),
      encodeMessage(Tag.spawn, {
        nodeFlags: ["--flag"],
        workers: [{ worker: 1, incarnation: 0 }],
        scenarioHash: "abc",
        reportsTo: "agent",
        silenceLimitSeconds: 4.5,
        proxies: { workers: [1], pairs: [[0, 1]] },
      }),
      encodeMessage(Tag.disturb, 7, { act: "stop-agent", forMs: 1000 }),
      encodeMessage(Tag.disturb, 8, { act: "hold-peer", peer: 1, direction: "both", forMs: 5 }),
      encodeMessage(Tag.end, 1, 0),
      encodeMessage(Tag.replace, { peer: PEER, sent: 5, received: 6 }),
      encodeMessage(Tag.handover, 1, [FRAME]),
      encodeEnvelopes([{ worker: 1, incarnation: 0, bytes: FRAME }]),
    ],
  ],
  [
    decodeMemberMessage,
    [
      encodeReport({
        window: 12,
        nextEventPs: 1.5e12,
        nextFaultPs: Number.POSITIVE_INFINITY,
        sent: [{ peer: 1, earliestPs: 1.6e12, sizeBytes: FRAME.length, carried: FRAME }],
        facts: [
          {
            atPs: 1.4e12,
            actor: 7,
            index: 0,
            fact: { type: "experts.missing", rank: "r", fault: "f1", experts: [1, 2] },
          },
        ],
        events: 4711,
        lastEventPs: 1.49e12,
        finishedGpus: 3,
        hungGpus: 1,
        epochs: [EPOCH],
        traffic: [BIN],
        trafficDuePs: NEVER_PS,
        groups: { paused: [0, 1], done: [2] },
      }),
      encodeMessage(Tag.listening, 4711, [[1, 4712]]),
      encodeTag(Tag.linked),
      encodeMessage(
        Tag.summary,
        {
          assignments: { dispatched: 4, combined: 2, masked: 1, lost: 1 },
          byFault: [{ fault: "f1", masked: 1, lost: 1 }],
          mismatches: 0,
          corrupted: 0,
          unexplained: 0,
          epochs: [EPOCH],
          traffic: [BIN],
          fabric: { packetsSent: 8 },
          violations: ["one"],
          leftovers: [],
          faultsBegun: ["f1"],
          finishedGpus: 4,
        },
        123_456_789,
      ),
      encodeMessage(Tag.failed, "a-rule", "what broke"),
      encodeMessage(Tag.arrived, {
        name: "h",
        address: "127.0.0.1",
        pid: 12,
        processors: 2,
        hosts: 3,
      }),
      encodeMessage(Tag.spawned, 1, 0, 4712),
      encodeMessage(Tag.exited, 3, 0, { code: 1, signal: null, stderr: ["one", "another"] }),
      encodeMessage(Tag.silent, 1, 0),
      encodeMessage(Tag.disturbed, 7, "there is no such process"),
      encodeMessage(Tag.usage, 123),
      encodeMessage(Tag.unreachable, 2, 0, "why", "a-rule"),
      encodeMessage(Tag.handover, 1, [FRAME]),
      encodeEnvelopes([{ worker: 1, incarnation: 0, bytes: FRAME }]),
    ],
  ],
];

/** Tries `count` messages with one change each; all follows from `seed`. */
export function fuzzMessages(seed: string, count: number): MessageFuzzResult {
  const random = streamOf(seed, "hostile messages");
  const failures: string[] = [];
  let refused = 0;
  for (let index = 0; index < count; index += 1) {
    const [decoder, messages] = MESSAGES[index % 2];
    const message = decode(messages[random.below(messages.length)]);
    const hostile = encode(changed(message, random));
    try {
      const taken = Buffer.from(encodedAgain(decoder(hostile)));
      if (!taken.equals(hostile)) failures.push(`taken for another: ${hexOf(hostile)}`);
    } catch (error) {
      refused += 1;
      if (error instanceof InvariantError && NAMES_A_PLACE.test(error.message)) continue;
      failures.push(`refused without a place (${error}): ${hexOf(hostile)}`);
    }
  }
  return { refused, failures: failures.map((line) => `seed ${seed}: ${line}`) };
}

/** Real messages pass through as they are; otherwise the fuzz would show nothing. */
export function passUnchanged(): boolean {
  return MESSAGES.every(([decoder, messages]) =>
    messages.every((bytes) => Buffer.from(encodedAgain(decoder(bytes))).equals(bytes)),
  );
}

const NAMES_A_PLACE = /^invariant messages-are-known: [a-z]\S*: expected /;

/** A copy of a value with one change somewhere in it. */
function changed(value: unknown, random: RandomStream): unknown {
  const isPlain = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
  // Further in as long as there is something, but one in four stops on the way.
  if (!isPlain) return STRANGE[random.below(STRANGE.length)];
  if (Array.isArray(value)) {
    const place = random.below(value.length + 1);
    const kind = random.below(8);
    if (kind === 0) return value.filter((_, at) => at !== place);
    if (kind === 1 || place === value.length) {
      const added = STRANGE[random.below(STRANGE.length)];
      return [...value.slice(0, place), added, ...value.slice(place)];
    }
    return value.map((part, at) => (at === place ? changedOrStrange(part, random) : part));
  }
  const entries = Object.entries(value);
  const place = random.below(entries.length + 1);
  const kind = random.below(8);
  if (kind === 0) return Object.fromEntries(entries.filter((_, at) => at !== place));
  if (kind === 1 || place === entries.length) return { ...value, extra: 1 };
  return Object.fromEntries(
    entries.map(([key, part], at) => [key, at === place ? changedOrStrange(part, random) : part]),
  );
}

function changedOrStrange(part: unknown, random: RandomStream): unknown {
  return random.below(4) === 0 ? STRANGE[random.below(STRANGE.length)] : changed(part, random);
}

/** The bytes that a decoded message is sent as. */
function encodedAgain(message: Decoded): Uint8Array {
  const { tag } = message;
  switch (tag) {
    case Tag.grant:
      return encodeGrant(message.grant);
    case Tag.report:
      return encodeReport(message.report);
    case Tag.relayed:
      return encodeEnvelopes(message.envelopes);
    case Tag.configure:
      return encodeMessage(tag, message.configuration);
    case Tag.spawn:
      return encodeMessage(tag, message.order);
    case Tag.disturb:
      return encodeMessage(tag, message.id, message.disturbance);
    case Tag.goodbye:
      return encodeMessage(message.tag, message.farewell);
    case Tag.disturbed:
      return encodeMessage(tag, message.id, message.problem);
    case Tag.end:
    case Tag.silent:
      return encodeMessage(tag, message.worker, message.incarnation);
    case Tag.replace:
      return encodeMessage(tag, message.replacement);
    case Tag.handover:
      return encodeMessage(tag, message.peer, message.frames);
    case Tag.listening:
      return encodeMessage(tag, message.port, message.proxies);
    case Tag.summary:
      return encodeMessage(tag, message.summary, message.peakRssBytes);
    case Tag.failed:
      return encodeMessage(tag, message.rule, message.message);
    case Tag.arrived:
      return encodeMessage(tag, message.arrival);
    case Tag.spawned:
      return encodeMessage(tag, message.worker, message.incarnation, message.pid);
    case Tag.exited:
      return encodeMessage(tag, message.worker, message.incarnation, message.exit);
    case Tag.usage:
      return encodeMessage(tag, message.peakRssBytes);
    case Tag.unreachable: {
      const { peer, peerIncarnation, reason, rule } = message;
      return encodeMessage(tag, peer, peerIncarnation, reason, rule);
    }
    default:
      return encodeTag(tag);
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").slice(0, 400);
}
