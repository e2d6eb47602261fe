/**
 * Why something happened when it did, followed back through the run: from a message's arrival over
 * its hops to whoever made it, from there through that rank's operations to what they waited for,
 * and so on until an instant is reached. The parts that are found on the way are contiguous.
 */
import { PacketKind } from "../model/packet.ts";
import { heldSource, lastArrivalOf } from "./arrivals.ts";
import { retryPart } from "./attempts.ts";
import { hopParts } from "./lane-parts.ts";
import { type Hop, HopState, type Message } from "./message-log.ts";
import { clipped, type Part } from "./part.ts";
import type { RankOp } from "./rank-log.ts";
import {
  givenUpPart,
  hungParts,
  missedParts,
  opParts,
  postingParts,
  refusedParts,
  type Span,
  unknownPart,
} from "./rank-parts.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

/** Something that happened, whose reason is asked for. */
export type Point =
  | { readonly type: "handled"; readonly hop: Hop }
  | { readonly type: "made"; readonly message: Message; readonly atPs: number }
  | { readonly type: "began"; readonly op: RankOp }
  | { readonly type: "ended"; readonly op: RankOp };

interface Step {
  /** In order, up to the point. */
  readonly parts: readonly Part[];
  /** What happened where they begin; undefined: it is not known, or the run began. */
  readonly before: Point | undefined;
}

/** Kinds of message that make a relay send what it has added up. */
const SHARES: readonly number[] = [
  PacketKind.partial,
  PacketKind.nodeDispatch,
  PacketKind.sharesRefused,
];

/** Kinds that end a dispatch, and a combine. */
const COPIES: readonly number[] = [
  PacketKind.dispatch,
  PacketKind.nodeDispatch,
  PacketKind.dispatchCount,
];
const RESULTS: readonly number[] = [PacketKind.combine];

/** Steps back that are taken at most; there are far fewer. */
const STEPS_MOST = 100_000;

/** The parts from `fromPs` to a point, in order; what cannot be known is a part like others. */
export function pathTo(view: RunView, point: Point, fromPs: number): Part[] {
  const trail: Part[] = [];
  let at: Point | undefined = point;
  let atPs = instantOf(point);
  const endPs = atPs;
  for (let steps = 0; at !== undefined && atPs > fromPs && steps < STEPS_MOST; steps += 1) {
    const { parts, before }: Step = stepBack(view, at, fromPs);
    trail.unshift(...parts);
    atPs = parts[0]?.fromPs ?? atPs;
    at = before;
  }
  if (atPs > fromPs) trail.unshift(unknownPart(fromPs, atPs, whereOf(view, at ?? point)));
  return clipped(trail, fromPs, endPs);
}

/** When something happened, ps. */
function instantOf(point: Point): number {
  switch (point.type) {
    case "handled":
      return point.hop.handledPs;
    case "made":
      return point.atPs;
    case "began":
      return point.op.beganPs;
    default:
      return point.op.endedPs;
  }
}

function whereOf(view: RunView, point: Point): string {
  if (point.type === "handled") return view.idOf(view.lane(point.hop.lane).to);
  return view.idOf(point.type === "made" ? point.message.maker : point.op.actor);
}

function stepBack(view: RunView, point: Point, fromPs: number): Step {
  switch (point.type) {
    case "handled":
      return {
        parts: hopParts(view, point.hop, fromPs),
        before: sentBecause(view, point.hop),
      };
    case "made":
      return madeBecause(view, point.message, point.atPs, fromPs);
    case "began":
      return { parts: [], before: beganBecause(view, point.op) };
    default:
      return endedBecause(view, point.op, fromPs);
  }
}

/** What made the sender of a hop send: the hop before, or whatever made it make the message. */
export function sentBecause(view: RunView, hop: Hop): Point | undefined {
  const before = view.hopOrNone(hop.previous);
  if (before !== undefined) return { type: "handled", hop: before };
  const message = view.messageOf(hop);
  // The first hop that is known need not be the first that there was.
  if (view.lane(hop.lane).from !== message.maker) return undefined;
  return { type: "made", message, atPs: hop.sentPs };
}

/** Is a message what a relay of the normal protocol passes on of one for others? */
export function isPassedOn(view: RunView, { kind, origin, maker }: Message): boolean {
  return kind === PacketKind.dispatch && origin !== maker && view.isGpu(maker);
}

/** A message's way from where a rank made it, over attempts and relays, to the end of a hop. */
export interface Trail {
  readonly parts: readonly Part[];
  /** As its rank made it; undefined: that is not known any more. */
  readonly made: Message | undefined;
  /** When it was handed to its first lane, ps. */
  readonly madePs: number;
}

export function trailTo(view: RunView, end: Hop): Trail {
  const parts: Part[] = [];
  let at: Point | undefined = { type: "handled", hop: end };
  while (at !== undefined) {
    if (at.type === "handled") {
      parts.unshift(...hopParts(view, at.hop, at.hop.sentPs));
      at = sentBecause(view, at.hop);
    } else if (at.type === "made") {
      const { message, atPs }: { message: Message; atPs: number } = at;
      const isByRank = message.earlier === NO_ROW && view.isGpu(message.maker);
      if (isByRank && !isPassedOn(view, message)) return { parts, made: message, madePs: atPs };
      const step = madeBecause(view, message, atPs, 0);
      parts.unshift(...step.parts);
      at = step.before;
    } else break;
  }
  return { parts, made: undefined, madePs: parts[0]?.fromPs ?? end.handledPs };
}

function madeBecause(view: RunView, message: Message, atPs: number, fromPs: number): Step {
  const { maker, earlier, cause, event, eventNumber } = message;
  const attempt = view.hopOrNone(earlier);
  if (attempt !== undefined) {
    const parts = [retryPart(view, attempt, message, atPs)];
    return { parts, before: sentBecause(view, attempt) };
  }
  const by = view.hopOrNone(cause);
  const handled: Point | undefined = by && { type: "handled", hop: by };
  if (!view.isGpu(maker)) return { parts: [], before: handled };
  if (event === "faults") return heldBecause(view, message, atPs, fromPs);
  if (isPassedOn(view, message)) return { parts: [], before: handled };
  const causeMessage = by && view.messageOf(by);
  if (message.kind === PacketKind.combine && SHARES.includes(causeMessage?.kind ?? -1)) {
    return causeMessage?.kind === PacketKind.sharesRefused
      ? { parts: refusedParts(view, causeMessage, fromPs, atPs), before: undefined }
      : { parts: [], before: handled };
  }
  const givenUp = view.ranks.givenUpIn(maker, eventNumber);
  const op = opOf(view, message);
  if (op === undefined || op.beganPs > atPs) {
    return { parts: waitedParts(view, message, { fromPs, untilPs: atPs }), before: handled };
  }
  const began: Point = { type: "began", op };
  if (givenUp.length > 0 && op.beganPs < atPs) {
    const span = { fromPs: op.beganPs, untilPs: atPs };
    return { parts: [givenUpPart(view, maker, givenUp, span)], before: began };
  }
  // What comes for a rank makes it post nothing, but what it is asked for again.
  if (event === "delivery" && op.beganBy.number !== eventNumber)
    return { parts: [], before: handled };
  return { parts: postingParts(view, op, Math.max(op.beganPs, fromPs), atPs), before: began };
}

/** What a message that no operation sent was sent after: a rank is missed, or given up. */
function waitedParts(view: RunView, { maker, eventNumber }: Message, span: Span): Part[] {
  const givenUp = view.ranks.givenUpIn(maker, eventNumber);
  if (givenUp.length > 0) return [givenUpPart(view, maker, givenUp, span)];
  const missed = view.ranks.missedIn(maker, eventNumber);
  return missed === undefined ? [] : missedParts(view, missed, maker, span);
}

/** What was sent as a process that had hung went on. */
function heldBecause(view: RunView, message: Message, atPs: number, fromPs: number): Step {
  const { maker, kind, exchange } = message;
  const source = isPassedOn(view, message)
    ? heldSource(view, message, atPs)
    : kind === PacketKind.combine
      ? heldArrival(view, maker, exchange, SHARES, atPs)
      : undefined;
  if (source !== undefined) {
    const parts = hungParts(view, maker, source.handledPs, atPs);
    return { parts, before: { type: "handled", hop: source } };
  }
  const op = opOf(view, message);
  if (op === undefined || op.beganPs > atPs) return { parts: [], before: undefined };
  const parts = postingParts(view, op, Math.max(op.beganPs, fromPs), atPs);
  return { parts, before: { type: "began", op } };
}

/** The last message that came for a rank while its process hung, until an instant. */
function heldArrival(
  view: RunView,
  actor: number,
  exchange: number,
  kinds: readonly number[],
  untilPs: number,
): Hop | undefined {
  const hang = view.actorSpans(actor, "hung").findLast((span) => span.fromPs < untilPs);
  if (hang === undefined) return undefined;
  return lastArrivalOf(view, { actor, exchange, kinds, fromPs: hang.fromPs, untilPs });
}

/** The operation of its maker that a message belongs to. */
export function opOf(view: RunView, { kind, maker, exchange }: Message): RankOp | undefined {
  switch (kind) {
    case PacketKind.dispatch:
    case PacketKind.nodeDispatch:
    case PacketKind.dispatchCount:
      return view.ranks.exchangeOp(maker, exchange, "dispatch");
    case PacketKind.combine:
    case PacketKind.partial:
      return view.ranks.exchangeOp(maker, exchange, "combine");
    default:
      return undefined;
  }
}

function beganBecause(view: RunView, op: RankOp): Point | undefined {
  if (op.after !== undefined) return { type: "ended", op: op.after };
  return op.beganBy.hop === NO_ROW ? undefined : handledPoint(view, op.beganBy.hop);
}

function endedBecause(view: RunView, op: RankOp, fromPs: number): Step {
  const began: Point = { type: "began", op };
  const by = op.endedBy;
  if (op.op.kind === "compute" || op.op.kind === "align") {
    return { parts: opParts(view, op), before: began };
  }
  const givenUp = by === undefined ? [] : view.ranks.givenUpIn(op.actor, by.number);
  if (givenUp.length > 0 && op.endedPs > op.beganPs) {
    const span = { fromPs: op.beganPs, untilPs: op.endedPs };
    return { parts: [givenUpPart(view, op.actor, givenUp, span)], before: began };
  }
  if (by?.kind === "faults") {
    const kinds = op.op.kind === "dispatch" ? COPIES : RESULTS;
    const last = heldArrival(view, op.actor, op.exchange, kinds, op.endedPs);
    if (last !== undefined && last.handledPs > op.beganPs) {
      const parts = hungParts(view, op.actor, last.handledPs, op.endedPs);
      return { parts, before: { type: "handled", hop: last } };
    }
  }
  const handled = by === undefined ? undefined : handledPoint(view, by.hop);
  if (handled !== undefined) return { parts: [], before: handled };
  // Nothing came: its own posting was the last that it waited for.
  return { parts: postingParts(view, op, Math.max(op.beganPs, fromPs), op.endedPs), before: began };
}

function handledPoint(view: RunView, row: number): Point | undefined {
  if (row === NO_ROW || !view.watch.log.hops.holds(row)) return undefined;
  const hop = view.hop(row);
  return hop.state === HopState.handled ? { type: "handled", hop } : undefined;
}
