/**
 * The messages that carried one copy: out to the rank of its expert, there perhaps by a relay, and
 * back with its result, perhaps added to others on the way.
 */
import { PacketKind } from "../model/packet.ts";
import { CopyState, type HomeExchange } from "./exchange-log.ts";
import { type Hop, HopState, type Message } from "./message-log.ts";
import type { RunView } from "./run-view.ts";

/** One of a token's choices. */
export interface CopyPlace {
  readonly home: HomeExchange;
  readonly token: number;
  readonly choice: number;
}

/** What is known of a copy's way. Undefined: it did not come to that, or it is not known. */
export interface CopyTrace {
  /** Made by its rank, in order; the first one is not always the one that arrives. */
  readonly sent: readonly Message[];
  /** All that carried it out, also those that NICs sent again and relays passed on. */
  readonly outs: readonly Message[];
  /** The hop by which it came to the rank of its expert. */
  readonly out: Hop | undefined;
  /** Result of that rank for a relay that adds up; the hop by which it came there. */
  readonly share: Hop | undefined;
  /** The last message with its result, and the hop by which that came home. */
  readonly result: Message | undefined;
  readonly back: Hop | undefined;
}

export function assignmentOf({ home, token, choice }: CopyPlace): number {
  return token * home.topK + choice;
}

/** When a copy ended, or the run was watched to; ps. */
export function endOf(view: RunView, place: CopyPlace): number {
  const { home } = place;
  const endedPs = home.endedPs[assignmentOf(place)];
  if (!Number.isNaN(endedPs)) return endedPs;
  const deadPs = view.actorSpans(home.actor, "dead").find(({ untilPs }) => untilPs > home.openedPs);
  return deadPs === undefined ? view.nowPs : Math.max(deadPs.fromPs, home.openedPs);
}

/** Looks a copy's messages up. */
export function traceOf(view: RunView, place: CopyPlace): CopyTrace {
  const { home } = place;
  const assignment = assignmentOf(place);
  const holder = home.holders[assignment];
  const endPs = endOf(view, place);
  const all = carriers(view, place);
  const isOut = ({ kind }: Message): boolean =>
    kind === PacketKind.dispatch || kind === PacketKind.nodeDispatch;
  const outs = all.filter((one) => isOut(one) && one.origin === home.actor);
  const sent = outs.filter(({ maker }) => maker === home.actor);
  const homeRank = home.actorOf.indexOf(home.actor);
  const shares = all.filter(
    ({ kind, origin, slot }) =>
      kind === PacketKind.partial && origin === holder && slot === homeRank,
  );
  const results = all.filter(
    ({ kind, destination }) => kind === PacketKind.combine && destination === home.actor,
  );
  const settled = view.hopOrNone(home.hop[assignment]);
  const settledBy = results.find(({ row }) => row === settled?.message);
  const back = settledBy === undefined ? arrivedAt(view, results, home.actor, endPs) : settled;
  const result =
    back === undefined
      ? results.findLast((one) => madePs(view, one) <= endPs)
      : view.messageOf(back);
  return {
    sent,
    outs,
    out: arrivedAt(view, outs, holder, endPs),
    share: arrivedAt(view, shares, undefined, endPs),
    result,
    back: home.state[assignment] === CopyState.open ? undefined : back,
  };
}

/** When a message was handed to its first lane, ps. */
export function madePs(view: RunView, message: Message): number {
  let hop = view.hopOrNone(message.last);
  for (let before = hop && view.hopOrNone(hop.previous); before !== undefined; ) {
    hop = before;
    before = view.hopOrNone(hop.previous);
  }
  return hop?.sentPs ?? Number.NaN;
}

/** The way of the copy's first or later message as far as it went: its last hop by an instant. */
export function furthest(
  view: RunView,
  messages: readonly Message[],
  untilPs: number,
): Hop | undefined {
  const ends = messages
    .map(({ last }) => view.hopOrNone(last))
    .filter((hop): hop is Hop => hop !== undefined && hop.sentPs <= untilPs);
  return ends.reduce<Hop | undefined>(
    (best, hop) => (best === undefined || hop.sentPs >= best.sentPs ? hop : best),
    undefined,
  );
}

/** All messages of the copy's exchange that are about it, in the order in which they were made. */
export function carriers(view: RunView, { home, token, choice }: CopyPlace): Message[] {
  const found: Message[] = [];
  for (const [row, copies] of view.watch.log.copies) {
    for (let at = 0; at < copies.length; at += 2) {
      if (copies[at] !== token || copies[at + 1] !== choice) continue;
      const message = view.message(row);
      if (message.exchange === home.exchange) found.push(message);
      break;
    }
  }
  return found;
}

/** The first of some messages to arrive, as its hop: at an actor, or each where it is for. */
export function arrivedAt(
  view: RunView,
  messages: readonly Message[],
  actor: number | undefined,
  untilPs: number,
): Hop | undefined {
  const hops = messages.flatMap((message) => {
    const hop = view.hopOrNone(message.last);
    if (hop === undefined || hop.state !== HopState.handled || hop.handledPs > untilPs) return [];
    return view.lane(hop.lane).to === (actor ?? message.destination) ? [hop] : [];
  });
  return hops.reduce<Hop | undefined>(
    (first, hop) => (first === undefined || hop.handledPs < first.handledPs ? hop : first),
    undefined,
  );
}
