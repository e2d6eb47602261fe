/** Arrivals and losses that no row names, looked for among all hops; what was found is kept. */

import { PacketKind } from "../model/packet.ts";
import type { Hop, Message } from "./message-log.ts";
import { HopState, HopTime, HopWord, MessageWord } from "./message-log.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

/** Which arrivals: of messages of these kinds and an exchange, at an actor, in a span of time. */
export interface ArrivalQuery {
  readonly actor: number;
  readonly exchange: number;
  readonly kinds: readonly number[];
  readonly fromPs: number;
  readonly untilPs: number;
}

/** The last one; undefined: there is none. */
export function lastArrivalOf(view: RunView, query: ArrivalQuery): Hop | undefined {
  const { actor, exchange, kinds, fromPs, untilPs } = query;
  const key = [actor, exchange, kinds.join("+"), fromPs, untilPs].join();
  let row = view.arrivals.get(key);
  if (row === undefined) {
    row = lastArrival(view, query);
    view.arrivals.set(key, row);
  }
  return view.hopOrNone(row);
}

function lastArrival(view: RunView, query: ArrivalQuery): number {
  const { hops, messages } = view.watch.log;
  let found = NO_ROW;
  let latestPs = query.fromPs;
  for (let row = hops.count - 1; row >= hops.first; row -= 1) {
    const atPs = hops.time(row, HopTime.handled);
    if (!(atPs >= latestPs && atPs <= query.untilPs)) continue;
    if (found !== NO_ROW && atPs === latestPs) continue;
    if (hops.word(row, HopWord.state) !== HopState.handled) continue;
    if (view.lane(hops.word(row, HopWord.lane)).to !== query.actor) continue;
    const message = hops.word(row, HopWord.message);
    if (messages.word(message, MessageWord.exchange) !== query.exchange) continue;
    if (!query.kinds.includes(messages.word(message, MessageWord.kind))) continue;
    found = row;
    latestPs = atPs;
  }
  return found;
}

/**
 * The hop on which an acknowledgement from one NIC to another was lost, or still was at the end of
 * a span of time; of several the first.
 */
export function missingAnswer(
  view: RunView,
  from: number,
  to: number,
  span: { readonly fromPs: number; readonly untilPs: number },
): Hop | undefined {
  const { hops } = view.watch.log;
  let found: Hop | undefined;
  for (let row = hops.count - 1; row >= hops.first; row -= 1) {
    const sentPs = hops.time(row, HopTime.sent);
    if (sentPs < span.fromPs) break;
    if (sentPs > span.untilPs) continue;
    const hop = view.hop(row);
    const isLost = hop.state === HopState.dropped && hop.handledPs <= span.untilPs;
    if (!isLost && hop.handledPs <= span.untilPs) continue;
    const { kind, origin, destination } = view.messageOf(hop);
    if (kind === PacketKind.ack && origin === from && destination === to) found = hop;
  }
  return found;
}

/** A message that a relay passed on after its process had hung: the hop by which it had come. */
export function heldSource(view: RunView, message: Message, untilPs: number): Hop | undefined {
  const [token, choice] = view.copiesIn(message);
  for (const [row, copies] of view.watch.log.copies) {
    const source = view.message(row);
    const isKind = source.kind === PacketKind.nodeDispatch && source.origin === message.origin;
    if (!isKind || source.exchange !== message.exchange) continue;
    if (!copies.some((word, at) => at % 2 === 0 && word === token && copies[at + 1] === choice)) {
      continue;
    }
    const hop = view.hopOrNone(source.last);
    const isThere = hop !== undefined && view.lane(hop.lane).to === message.maker;
    if (isThere && hop.state === HopState.handled && hop.handledPs <= untilPs) return hop;
  }
  return undefined;
}
