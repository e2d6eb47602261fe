/** What became of a message that a NIC sent, and why it was sent again. */
import { lostAnswer } from "./arrivals.ts";
import type { Hop, Message } from "./message-log.ts";
import { HopState } from "./message-log.ts";
import { type Cause, faultsCause, type Part, partOf, UNKNOWN } from "./part.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

/** Sequence numbers that are looked through for what left a gap. */
const LOOKED_AT = 16_384;

/** The part from one attempt, by its hop out of the NIC, to the one after, or to the giving back. */
export function retryPart(view: RunView, earlier: Hop, later: Message, laterPs: number): Part {
  const { from } = view.lane(earlier.lane);
  const isBack = (view.hopOrNone(firstHop(view, later))?.isFailed ?? false) === true;
  const { words, cause } = fateOf(view, earlier, laterPs);
  const how = isBack ? "given back after the last retry" : againBecause(view, later);
  return partOf(
    {
      kind: "retry",
      fromPs: earlier.sentPs,
      untilPs: laterPs,
      where: view.idOf(from),
      of: view.idOf(later.origin),
      what: `${how}: ${words}`,
    },
    cause,
  );
}

function againBecause(view: RunView, { event, cause }: Message): string {
  if (event === "reminder") return "sent again after the ACK timeout";
  if (event === "faults") return "sent again at once, its port went down";
  const answer = view.hopOrNone(cause);
  return answer === undefined
    ? "sent again"
    : `sent again, ${view.idOf(view.messageOf(answer).origin)} complained of a gap`;
}

/** The message's first hop that is still known. */
function firstHop(view: RunView, { last }: Message): number {
  let row = last;
  for (let hop = view.hopOrNone(row); hop !== undefined; hop = view.hopOrNone(hop.previous)) {
    row = hop.row;
  }
  return row;
}

/** Where an attempt ended, and who is to answer for it. */
export function fateOf(
  view: RunView,
  attempt: Hop,
  untilPs: number,
): { readonly words: string; readonly cause: Cause } {
  const hop = lastOf(view, attempt);
  const { link, to } = view.lane(hop.lane);
  if (hop.state === HopState.dropped) {
    const name = view.faultName(hop.fault);
    return { words: `lost on ${link}: fault ${name}`, cause: faultsCause([name]) };
  }
  if (hop.state !== HopState.handled) return { words: "still under way", cause: UNKNOWN };
  if (view.place(to).kind !== "nic") return unanswered(view, attempt, untilPs);
  const lost = lostBefore(view, attempt, hop.handledPs);
  if (lost === undefined) return { words: `not taken by ${view.idOf(to)}`, cause: UNKNOWN };
  const name = view.faultName(lost.fault);
  const words =
    `not taken by ${view.idOf(to)}, one before it was lost on ${view.lane(lost.lane).link}: ` +
    `fault ${name}`;
  return { words, cause: faultsCause([name]) };
}

/** It arrived; its sender did not hear of it. */
function unanswered(
  view: RunView,
  attempt: Hop,
  untilPs: number,
): { readonly words: string; readonly cause: Cause } {
  const { from } = view.lane(attempt.lane);
  const span = { fromPs: attempt.sentPs, untilPs };
  const lost = lostAnswer(view, attempt.peer, from, span);
  if (lost === undefined) return { words: "it arrived, its answer did not", cause: UNKNOWN };
  const name = view.faultName(lost.fault);
  const words = `it arrived, its answer was lost on ${view.lane(lost.lane).link}: fault ${name}`;
  return { words, cause: faultsCause([name]) };
}

/** The message of the same queue pair that left a gap before an attempt: the hop that lost it. */
function lostBefore(view: RunView, attempt: Hop, untilPs: number): Hop | undefined {
  const { from } = view.lane(attempt.lane);
  const { sentByNic } = view.watch.messages;
  const { hops } = view.watch.log;
  let first: Hop | undefined;
  for (let psn = attempt.psn - 1; psn > attempt.psn - LOOKED_AT; psn -= 1) {
    let row = sentByNic.last(from, attempt.peer, psn);
    if (row === NO_ROW || !hops.holds(row)) break;
    let wasTaken = false;
    while (row !== NO_ROW) {
      const sent = view.hop(row);
      const end = lastOf(view, sent);
      const isBefore = sent.sentPs <= attempt.sentPs && end.handledPs <= untilPs;
      if (isBefore && end.state === HopState.dropped) first = end;
      else if (isBefore && view.place(view.lane(end.lane).to).kind !== "nic") wasTaken = true;
      row = view.messageOf(sent).earlier;
    }
    // What arrived in order has no gap before it.
    if (wasTaken) break;
  }
  return first;
}

function lastOf(view: RunView, hop: Hop): Hop {
  let last = hop;
  for (let next = view.hopOrNone(last.next); next !== undefined; next = view.hopOrNone(last.next)) {
    last = next;
  }
  return last;
}
