/**
 * The parts of a span of virtual time: contiguous, none below zero, their lengths adding up to the
 * whole, to the picosecond. Each says what happened where, and who is to answer for how much of it;
 * its shares add up to its length, and so do the parts that it may consist of.
 */
import { violated } from "../base/assert.ts";

export type PartKind =
  /** A rank has not come to it yet: it posts its messages in turn. */
  | "posting"
  /** Over one lane: work requests, serialization, flight. */
  | "hop"
  | "requests"
  | "serialization"
  | "flight"
  /** Kept behind an earlier message of the lane that comes later than usual. */
  | "order"
  /** Waits at a lane: behind others, for room ahead, for its own last bytes, for a stall to end. */
  | "behind"
  | "credits"
  | "tail"
  | "stalled"
  /** Sent again: by the NIC, or by its rank. */
  | "retry"
  | "again"
  /** Waits for messages of other ranks. */
  | "wait"
  /** Waits until its stream of operations comes to it. */
  | "stream"
  | "compute"
  | "align"
  | "hung"
  /** Nothing comes any more: a rank is given up, has ended its job, or is dead; or the run ends. */
  | "given-up"
  | "open"
  | "unknown";

/** Who is to answer for a span of time. */
export type Cause =
  /** A fault, by its name. */
  | { readonly type: "fault"; readonly name: string }
  /** What others had to send on the same lane: by who made the messages. */
  | { readonly type: "traffic"; readonly name: string }
  /** What another rank was busy with, or its messages on their way. */
  | { readonly type: "rank"; readonly name: string }
  /** A lane ahead that cannot keep up, by its link. */
  | { readonly type: "link"; readonly name: string }
  /** The order of operations of a step. */
  | { readonly type: "schedule"; readonly name: string }
  /** What links and protocols, or computations, take where nothing is wrong. */
  | { readonly type: "healthy"; readonly name: "links" | "compute" }
  | { readonly type: "unknown"; readonly name: string };

export interface Share {
  readonly cause: Cause;
  readonly ps: number;
  /** Of traffic: how much of it. */
  readonly messages?: number;
  readonly bytes?: number;
}

export interface Part {
  readonly kind: PartKind;
  readonly fromPs: number;
  readonly untilPs: number;
  /** Actor or link, by its id. */
  readonly where: string;
  /** The rank or NIC whose message or work it is, by its id. */
  readonly of: string;
  /** A sentence for people. */
  readonly what: string;
  /** Of a hop, a wait before it, or a repetition: which message it is, in words. */
  readonly message?: string;
  readonly shares: readonly Share[];
  /** What it consists of, in order. */
  readonly parts?: readonly Part[];
}

/** Causes that many parts have. */
export const LINKS: Cause = { type: "healthy", name: "links" };
export const COMPUTE: Cause = { type: "healthy", name: "compute" };
export const UNKNOWN: Cause = { type: "unknown", name: "not known" };

/** The faults of some names as a cause; none: not known. */
export function faultsCause(names: readonly string[]): Cause {
  return names.length === 0 ? UNKNOWN : { type: "fault", name: names.join(" + ") };
}

/** A part whose whole length has one cause, or the shares given; empty ones are left out. */
export function partOf(part: Omit<Part, "shares">, given: Cause | readonly Share[]): Part {
  const all = "type" in given ? [{ cause: given, ps: part.untilPs - part.fromPs }] : given;
  return { ...part, shares: all.filter(({ ps }) => ps !== 0) };
}

/** What of some parts is after `fromPs` and not after `untilPs`, in order; none is empty. */
export function clipped(parts: readonly Part[], fromPs: number, untilPs: number): Part[] {
  return parts.flatMap((part) => {
    const from = Math.max(part.fromPs, fromPs);
    const until = Math.min(part.untilPs, untilPs);
    if (until <= from) return [];
    if (from === part.fromPs && until === part.untilPs) return [part];
    // Shares are in the order of time, as far as they have one.
    const shares = cutShares(part.shares, from - part.fromPs, part.untilPs - until);
    const inner = part.parts === undefined ? {} : { parts: clipped(part.parts, from, until) };
    return [{ ...part, ...inner, fromPs: from, untilPs: until, shares }];
  });
}

function cutShares(shares: readonly Share[], front: number, back: number): Share[] {
  const cut = (list: readonly Share[], amount: number): Share[] => {
    let left = amount;
    return list.flatMap((share) => {
      const taken = Math.min(left, share.ps);
      left -= taken;
      return taken === share.ps ? [] : [{ ...share, ps: share.ps - taken }];
    });
  };
  return cut(cut(shares, front).reverse(), back).reverse();
}

/** Shares added up by their cause, the largest first. */
export function sharesOf(parts: readonly { readonly shares: readonly Share[] }[]): Share[] {
  const sums = new Map<string, Share>();
  for (const share of parts.flatMap(({ shares }) => shares)) {
    const key = `${share.cause.type} ${share.cause.name}`;
    const sum = sums.get(key);
    const { messages = 0, bytes = 0 } = sum ?? {};
    const counted =
      share.messages === undefined && sum?.messages === undefined
        ? {}
        : { messages: messages + (share.messages ?? 0), bytes: bytes + (share.bytes ?? 0) };
    sums.set(key, { cause: share.cause, ps: (sum?.ps ?? 0) + share.ps, ...counted });
  }
  return [...sums.values()].sort((left, right) => right.ps - left.ps);
}

/**
 * Checks that parts are what they should be: from `fromPs` to `untilPs` without a gap. Throws
 * InvariantError.
 */
export function checkParts(parts: readonly Part[], fromPs: number, untilPs: number): void {
  let atPs = fromPs;
  for (const part of parts) {
    const length = part.untilPs - part.fromPs;
    if (part.fromPs !== atPs || !(length > 0)) {
      violated(
        "parts-partition",
        `${part.kind} from ${part.fromPs} to ${part.untilPs}, at ${atPs}`,
      );
    }
    const sum = part.shares.reduce((total, { ps }) => total + ps, 0);
    if (sum !== length || part.shares.some(({ ps }) => !(ps > 0))) {
      violated("parts-partition", `shares of ${part.kind} add up to ${sum} of ${length} ps`);
    }
    if (part.parts !== undefined) checkParts(part.parts, part.fromPs, part.untilPs);
    atPs = part.untilPs;
  }
  if (atPs !== untilPs) violated("parts-partition", `parts end at ${atPs}, not ${untilPs}`);
}
