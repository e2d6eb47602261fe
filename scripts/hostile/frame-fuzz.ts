/**
 * Throws frames that are nearly right at everything that decodes frames, and watches what that
 * costs: no crash, no stall, no heap that stays, no prototype that has changed.
 */

import { randomBytes } from "node:crypto";
import { decode } from "../../cluster/codec.ts";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
} from "../../cluster/control-messages.ts";
import { MEMBER_LIMITS, STRANGER_LIMITS, scan } from "../../cluster/frame-scan.ts";
import {
  decodeChallenge,
  encodeChallenge,
  encodeHello,
  identityOf,
  judgeHello,
  NONCE_BYTES,
} from "../../cluster/handshake.ts";
import { Tag } from "../../cluster/messages.ts";
import { encodeReport } from "../../cluster/report-wire.ts";
import {
  decodeCoordinatorMessage,
  decodeMemberMessage,
  encodeGrant,
  encodeMessage,
} from "../../cluster/wire.ts";
import { streamOf } from "../../src/base/random.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import { hostileFrame } from "./mutate.ts";

/** What a fuzz found. */
export interface FuzzResult {
  readonly frames: number;
  /** Frames that the members' scan let through. */
  readonly passed: number;
  /**
   * Longest time that one frame took in all decoders together, wall ms: the shortest of several
   * tries, since the host may be busy with something else.
   */
  readonly worstMs: number;
  /** One line for each frame that did what none may do. */
  readonly failures: readonly string[];
}

/** More failures than these say nothing new. */
const FAILURES_MAX = 10;

/** Tries of a frame that looks slow. */
const TRIES = 5;

/** Names that no object has of itself. */
const PROBES = ["x", "a", "polluted", "tag", "fault", "command", "ok", "token", "role", "worker"];

/** Real frames of every kind: what mutations begin with. */
export function realFrames(): Uint8Array[] {
  const nonce = randomBytes(NONCE_BYTES);
  const identity = identityOf(randomBytes(32), "run-1", "abcdef");
  const fact = { type: "fault.began", fault: "f1", kind: "nic-down", target: "n0.nic0" } as const;
  const carried = Uint8Array.from({ length: 200 }, (_, place) => place);
  return [
    encodeChallenge({ runId: "run-1", nonce }),
    encodeHello(identity, { role: "worker", number: 3, incarnation: 0 }, nonce, nonce),
    encodeRequest({ command: "inject", fault: { kind: "nic-down", target: "node0.nic1" } }),
    encodeRequest({ command: "mask", target: "node1.gpu0", lease: "5 ms" }),
    encodeAnswer({ ok: true, atPs: 12_345_678, text: "it is masked" }),
    encodeMessage(Tag.configure, { scenario: carried, workers: [{ label: "n0", actors: [0, 1] }] }),
    encodeMessage(Tag.exited, 3, { code: 1, signal: null, stderr: ["one line", "another"] }),
    encodeGrant({
      window: 12,
      endPs: 1.5e12,
      frames: [{ peer: 1, count: 2, earliestPs: 1.49e12, carried: [carried] }],
      faults: [],
      heals: [],
    }),
    encodeReport({
      window: 12,
      nextEventPs: 1.5e12,
      nextFaultPs: Number.POSITIVE_INFINITY,
      sent: [{ peer: 1, earliestPs: 1.6e12, sizeBytes: carried.length, carried }],
      facts: Array.from({ length: 20 }, (_, index) => ({ atPs: 1.4e12, actor: 7, index, fact })),
      events: 4711,
      lastEventPs: 1.49e12,
      finishedGpus: 0,
      hungGpus: 0,
      epochs: [{ epoch: 1499, low: 1_234_567_890, high: 987_654_321 }],
      traffic: [],
      trafficDuePs: NEVER_PS,
      groups: { paused: [0, 1], done: [] },
    }),
  ];
}

/** Decodes `count` hostile frames in every way that this program has; all follows from `seed`. */
export function fuzzDecoders(seed: string, count: number): FuzzResult {
  const corpus = realFrames();
  const identity = identityOf(new Uint8Array(32), "run-1", "abcdef");
  const nonce = new Uint8Array(NONCE_BYTES);
  const random = streamOf(seed, "hostile frames");
  const failures: string[] = [];
  let passed = 0;
  let worstMs = 0;
  const fail = (frame: Uint8Array, why: string): void => {
    if (failures.length >= FAILURES_MAX) return;
    failures.push(`seed ${seed}: ${why}: ${Buffer.from(frame).toString("hex")}`);
  };
  /** Decoders of strangers' frames never throw. */
  const quiet: readonly ((frame: Uint8Array) => unknown)[] = [
    decodeChallenge,
    decodeRequest,
    decodeAnswer,
    (frame) => judgeHello(identity, nonce, frame),
  ];
  /** Puts a frame through everything; wall ms. */
  const judge = (frame: Uint8Array): number => {
    const fromMs = performance.now();
    const isPlain = scan(frame, MEMBER_LIMITS) === undefined;
    if (!isPlain && scan(frame, STRANGER_LIMITS) === undefined) fail(frame, "strangers may more");
    const error = caught(() => decode(frame));
    if (isPlain !== (error === undefined)) fail(frame, `the scan and decode differ: ${error}`);
    for (const decoder of quiet) {
      const thrown = caught(() => decoder(frame));
      if (thrown !== undefined) fail(frame, `a stranger's frame threw ${thrown}`);
    }
    for (const decoder of [decodeMemberMessage, decodeCoordinatorMessage]) {
      const thrown = caught(() => decoder(frame));
      if (thrown !== undefined && !(thrown instanceof Error)) fail(frame, `threw ${thrown}`);
    }
    return performance.now() - fromMs;
  };
  for (let index = 0; index < count && failures.length < FAILURES_MAX; index += 1) {
    const frame = hostileFrame(corpus, random);
    if (scan(frame, MEMBER_LIMITS) === undefined) passed += 1;
    let tookMs = judge(frame);
    for (let again = 0; again < TRIES && tookMs > worstMs; again += 1) {
      tookMs = Math.min(tookMs, judge(frame));
    }
    worstMs = Math.max(worstMs, tookMs);
  }
  const polluted = PROBES.filter((name) => name in {});
  if (polluted.length > 0) failures.push(`seed ${seed}: every object now has ${polluted}`);
  return { frames: count, passed, worstMs, failures };
}

function caught(step: () => unknown): unknown {
  try {
    step();
    return undefined;
  } catch (error) {
    return error;
  }
}
