/** What became of a message that a NIC sent, and why it was sent again. */
import { missingAnswer } from "./arrivals.ts";
import { type Hop, HopState, type Message } from "./message-log.ts";
import { type Cause, faultsCause, type Part, partOf, UNKNOWN } from "./part.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

/** Sequence numbers that are looked through for what left a gap. */
const LOOKED_AT = 16_384;

/** Where an attempt ended, and who is to answer for it. */
export interface Fate {
  readonly words: string;
  readonly cause: Cause;
}

/** The part from one attempt, by its hop out of the NIC, to the one after or the giving back. */
export function retryPart(view: RunView, earlier: Hop, later: Message, laterPs: number): Part {
  const where = view.idOf(view.lane(earlier.lane).from);
  const isBack = firstHop(view, later)?.isFailed === true;
  const { words, cause } = fateOf(view, earlier, laterPs);
  const how = isBack ? "given back after the last retry" : againBecause(view, later);
  const span = { fromPs: earlier.sentPs, untilPs: laterPs };
  const of = view.idOf(later.origin);
  const message = view.describe(later);
  return partOf({ kind: "retry", ...span, where, of, what: `${how}: ${words}`, message }, cause);
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
function firstHop(view: RunView, { last }: Message): Hop | undefined {
  let hop = view.hopOrNone(last);
  for (let before = hop; before !== undefined; before = view.hopOrNone(before.previous)) {
    hop = before;
  }
  return hop;
}

/** What became of an attempt that counted as lost at an instant. */
export function fateOf(view: RunView, attempt: Hop, untilPs: number): Fate {
  // Its end may have come later: what is sent again while it is under way counts if it does not.
  const end = lastBy(view, attempt, Number.POSITIVE_INFINITY);
  const { link, to } = view.lane(end.lane);
  if (end.state === HopState.dropped) {
    const name = view.faultName(end.fault);
    return { words: `lost on ${link}: fault ${name}`, cause: faultsCause([name]) };
  }
  if (end.state === HopState.handled && view.place(to).kind === "nic") {
    return notTaken(view, attempt, end);
  }
  const hop = lastBy(view, attempt, untilPs);
  if (!(hop.handledPs <= untilPs)) return underWay(view, hop, "it was still under way");
  return unanswered(view, attempt, untilPs);
}

/** It is not known to have ended: says where it is. */
function underWay(view: RunView, hop: Hop, how: string): Fate {
  const { link } = view.lane(hop.lane);
  const { slow = [], late = [] } = view.ailment(hop) ?? {};
  const stalls = view
    .laneSpans(hop.lane, "stalled")
    .filter(({ fromPs, untilPs }) => fromPs <= hop.sentPs && hop.sentPs < untilPs)
    .map(({ name }) => name);
  const [name] = [...stalls, ...slow, ...late];
  if (name === undefined)
    return { words: `${how} on ${link}`, cause: { type: "link", name: link } };
  return { words: `${how} on ${link}: fault ${name}`, cause: faultsCause([name]) };
}

/** It arrived; its sender did not hear of it in time. */
function unanswered(view: RunView, attempt: Hop, untilPs: number): Fate {
  const { from } = view.lane(attempt.lane);
  const span = { fromPs: attempt.sentPs, untilPs };
  const answer = missingAnswer(view, attempt.peer, from, span);
  if (answer === undefined) return { words: "it arrived, its answer did not", cause: UNKNOWN };
  if (answer.state !== HopState.dropped || answer.handledPs > untilPs) {
    return underWay(view, answer, "it arrived, its answer was still under way");
  }
  const name = view.faultName(answer.fault);
  const words = `it arrived, its answer was lost on ${view.lane(answer.lane).link}: fault ${name}`;
  return { words, cause: faultsCause([name]) };
}

/** It came to the other NIC, which did not take it: others before it had not come. */
function notTaken(view: RunView, attempt: Hop, end: Hop): Fate {
  const nic = view.lane(end.lane).to;
  const to = view.idOf(nic);
  const missing = missingBefore(view, attempt, end.handledPs);
  if (missing === undefined) {
    const dead = view.actorSpans(nic, "dead").findLast((span) => span.untilPs <= end.handledPs);
    if (dead === undefined) return { words: `not taken by ${to}`, cause: UNKNOWN };
    const words = `not taken by ${to}, whose queue pairs are gone: fault ${dead.name}`;
    return { words, cause: faultsCause([dead.name]) };
  }
  const how = `not taken by ${to}, one before it was`;
  if (missing.state !== HopState.dropped || missing.handledPs > end.handledPs) {
    return underWay(view, missing, `${how} still under way`);
  }
  const name = view.faultName(missing.fault);
  const words = `${how} lost on ${view.lane(missing.lane).link}: fault ${name}`;
  return { words, cause: faultsCause([name]) };
}

/** The message of the same queue pair that had left a gap by an instant: the hop it was on. */
function missingBefore(view: RunView, attempt: Hop, untilPs: number): Hop | undefined {
  const { from } = view.lane(attempt.lane);
  const { sentByNic } = view.watch.messages;
  let first: Hop | undefined;
  for (let psn = attempt.psn - 1; psn > attempt.psn - LOOKED_AT; psn -= 1) {
    const ends = attemptsOf(view, sentByNic.last(from, attempt.peer, psn)).filter(
      ({ sentPs }) => sentPs <= attempt.sentPs,
    );
    if (ends.length === 0) break;
    const hops = ends.map((sent) => lastBy(view, sent, untilPs));
    // What was taken has no gap before it.
    if (hops.some((hop) => view.isGpu(view.lane(hop.lane).to))) break;
    first = hops.find(({ state }) => state === HopState.dropped) ?? hops[0];
  }
  return first;
}

/** The attempts of a message by their hops out of the NIC, the last one first. */
function attemptsOf(view: RunView, last: number): Hop[] {
  const list: Hop[] = [];
  for (let row = last; row !== NO_ROW && view.watch.log.hops.holds(row); ) {
    const hop = view.hop(row);
    list.push(hop);
    row = view.messageOf(hop).earlier;
  }
  return list;
}

/** The hop that an attempt had come to by an instant. */
function lastBy(view: RunView, sent: Hop, untilPs: number): Hop {
  let hop = sent;
  for (let next = view.hopOrNone(hop.next); next !== undefined && next.sentPs <= untilPs; ) {
    hop = next;
    next = view.hopOrNone(hop.next);
  }
  return hop;
}
