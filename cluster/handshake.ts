/**
 * How two processes of a run prove to each other that they hold the run's join token, in the first
 * frames of every link and before anything else is said: challenge, hello, then welcome or refusal.
 * Nothing of the run's configuration is in these frames. A wrong token gets one same answer
 * whatever was wrong.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { decodeStrange, encode } from "./codec.ts";
import { PROTOCOL_VERSION } from "./wire.ts";

/** What a process is on a link that it dials. */
export type Role = "agent" | "worker" | "peer" | "control";

/** What both ends of every link of a run must agree on. */
export interface RunIdentity {
  /** 32 bytes, secret. */
  readonly token: Uint8Array;
  readonly runId: string;
  /** The scenario's fingerprint; empty: known to the other end only. */
  readonly scenarioHash: string;
  readonly protocol: number;
  /** Fingerprint of the program; empty: not compared. */
  readonly build: string;
  readonly nodeMajor: number;
}

/** Who dials. */
export interface Caller {
  readonly role: Role;
  /** The worker's or the host's number; -1 when it has none. */
  readonly number: number;
  /** Which of the processes that ever had this number it is, from 0. */
  readonly incarnation: number;
}

/** What the accepting end says first: whose port this is. */
export interface Challenge {
  readonly runId: string;
  readonly nonce: Uint8Array;
}

/** Why a link was refused. */
export type RefusalCode =
  | "not-authorised"
  | "protocol"
  | "build"
  | "node"
  | "scenario"
  | "rank"
  | "stale-incarnation"
  | "not-expected";

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}

/** Bytes of a nonce. */
export const NONCE_BYTES = 32;

/** No frame of the handshake is longer. */
export const HANDSHAKE_FRAME_BYTES = 4096;

const Step = { challenge: 1, hello: 2, welcome: 3, refused: 4 } as const;

/** What a run may be called. */
const RUN_ID = /^[A-Za-z0-9._-]{1,64}$/;

const ROLES: readonly string[] = ["agent", "worker", "peer", "control"] satisfies Role[];

const NOT_AUTHORISED: Refusal = { code: "not-authorised", message: "not authorised" };

/** The identity of a run in this process. */
export function identityOf(
  token: Uint8Array,
  runId: string,
  scenarioHash: string,
  build = "",
): RunIdentity {
  const nodeMajor = Number(process.versions.node.split(".")[0]);
  return { token, runId, scenarioHash, protocol: PROTOCOL_VERSION, build, nodeMajor };
}

/**
 * The token of one run, from the token that its hosts share: who has seen one run has no way into
 * another.
 */
export function runTokenOf(hostToken: Uint8Array, runId: string): Uint8Array {
  return createHmac("sha256", hostToken).update(`faultplane run ${runId}`).digest();
}

/** The accepting end's first frame. */
export function encodeChallenge({ runId, nonce }: Challenge): Uint8Array {
  return encode([Step.challenge, runId, nonce]);
}

/** Undefined when the frame is no challenge. */
export function decodeChallenge(bytes: Uint8Array): Challenge | undefined {
  const parts = partsOf(bytes, Step.challenge, 3);
  if (parts === undefined) return undefined;
  const [, runId, nonce] = parts;
  if (typeof runId !== "string" || !RUN_ID.test(runId)) return undefined;
  return isBinary(nonce, NONCE_BYTES) ? { runId, nonce } : undefined;
}

/**
 * The dialling end's answer to the challenge `nonce`; `ownNonce` is what the accepting end must
 * prove itself over.
 */
export function encodeHello(
  identity: RunIdentity,
  caller: Caller,
  nonce: Uint8Array,
  ownNonce: Uint8Array,
): Uint8Array {
  const { protocol, build, nodeMajor, scenarioHash } = identity;
  const proof = proofOf(identity, "hello", caller, nonce, ownNonce);
  const { role, number, incarnation } = caller;
  const versions = [protocol, build, nodeMajor, scenarioHash];
  return encode([Step.hello, role, number, incarnation, ...versions, ownNonce, proof]);
}

/** What a hello was found to be. */
export type HelloOutcome =
  | { readonly refusal: Refusal }
  | { readonly refusal: undefined; readonly caller: Caller; readonly welcome: Uint8Array };

/** Judges a hello: the proof first, so that versions are told only to holders of the token. */
export function judgeHello(
  identity: RunIdentity,
  nonce: Uint8Array,
  bytes: Uint8Array,
): HelloOutcome {
  const parts = partsOf(bytes, Step.hello, 10);
  if (parts === undefined) return { refusal: NOT_AUTHORISED };
  const [, role, number, incarnation, protocol, build, nodeMajor, scenario, theirNonce, proof] =
    parts;
  if (!isRole(role) || !isWhole(number) || !isWhole(incarnation)) {
    return { refusal: NOT_AUTHORISED };
  }
  if (!isBinary(theirNonce, NONCE_BYTES) || !isBinary(proof, 32)) {
    return { refusal: NOT_AUTHORISED };
  }
  const caller: Caller = { role, number, incarnation };
  if (!timingSafeEqual(proofOf(identity, "hello", caller, nonce, theirNonce), proof)) {
    return { refusal: NOT_AUTHORISED };
  }
  const refusal = versionRefusal(identity, { protocol, build, nodeMajor, scenario }, role);
  if (refusal !== undefined) return { refusal };
  const answer = proofOf(identity, "welcome", caller, theirNonce, nonce);
  return { refusal: undefined, caller, welcome: encode([Step.welcome, answer]) };
}

/** Tells the dialling end why not. */
export function encodeRefusal(refusal: Refusal): Uint8Array {
  return encode([Step.refused, refusal.code, refusal.message]);
}

/**
 * What the dialling end makes of the answer to its hello: undefined when it is welcome by a holder
 * of the token.
 */
export function judgeAnswer(
  identity: RunIdentity,
  caller: Caller,
  nonce: Uint8Array,
  ownNonce: Uint8Array,
  bytes: Uint8Array,
): Refusal | undefined {
  const welcome = partsOf(bytes, Step.welcome, 2);
  if (welcome !== undefined && isBinary(welcome[1], 32)) {
    const expected = proofOf(identity, "welcome", caller, ownNonce, nonce);
    if (timingSafeEqual(expected, welcome[1])) return undefined;
  }
  const refused = partsOf(bytes, Step.refused, 3);
  if (refused === undefined) return NOT_AUTHORISED;
  const [, code, message] = refused;
  if (typeof message !== "string" || !isRefusalCode(code)) return NOT_AUTHORISED;
  return { code, message };
}

/**
 * HMAC-SHA256 under the token; the parts are encoded as a list, so no two lists give the same
 * bytes.
 */
function proofOf(
  identity: RunIdentity,
  purpose: "hello" | "welcome",
  caller: Caller,
  challenge: Uint8Array,
  counterChallenge: Uint8Array,
): Uint8Array {
  const { role, number, incarnation } = caller;
  const claim = [purpose, identity.runId, role, number, incarnation];
  const message = encode([...claim, challenge, counterChallenge]);
  return createHmac("sha256", identity.token).update(message).digest();
}

/** What the dialling end says it is. */
interface Claims {
  readonly protocol: unknown;
  readonly build: unknown;
  readonly nodeMajor: unknown;
  readonly scenario: unknown;
}

function versionRefusal(identity: RunIdentity, claims: Claims, role: Role): Refusal | undefined {
  const { protocol, build, nodeMajor, scenario } = claims;
  if (protocol !== identity.protocol) {
    const message = `protocol ${shown(protocol)} here, ${identity.protocol} there`;
    return { code: "protocol", message };
  }
  if (nodeMajor !== identity.nodeMajor) {
    return { code: "node", message: `Node ${shown(nodeMajor)} here, ${identity.nodeMajor} there` };
  }
  if (identity.build !== "" && build !== "" && build !== identity.build) {
    const message = `build ${shown(build)} of Faultplane here, ${identity.build} there`;
    return { code: "build", message };
  }
  // A host may join without knowing what it will run; a worker was told.
  const isOpen = role === "agent" && scenario === "";
  if (scenario !== identity.scenarioHash && !isOpen) {
    const message = `scenario ${shown(scenario)} here, ${identity.scenarioHash} there`;
    return { code: "scenario", message };
  }
  return undefined;
}

/** A number or a short identifier of the other side, safe to print. */
function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && /^[0-9a-f]{1,64}$/.test(value) ? value : "(unreadable)";
}

/** The elements of a handshake frame of one kind and length. */
function partsOf(bytes: Uint8Array, step: number, length: number): unknown[] | undefined {
  if (bytes.length > HANDSHAKE_FRAME_BYTES) return undefined;
  const value = decodeStrange(bytes);
  return Array.isArray(value) && value.length === length && value[0] === step ? value : undefined;
}

function isBinary(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isRole(value: unknown): value is Role {
  return typeof value === "string" && ROLES.includes(value);
}

function isRefusalCode(value: unknown): value is RefusalCode {
  return (
    value === "not-authorised" ||
    value === "protocol" ||
    value === "build" ||
    value === "node" ||
    value === "scenario" ||
    value === "rank" ||
    value === "stale-incarnation" ||
    value === "not-expected"
  );
}
