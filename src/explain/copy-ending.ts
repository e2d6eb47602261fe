/** The last part of a copy that has no result: until its rank gave it up, or the run ended. */
import { type Fate, fateOf } from "./attempts.ts";
import { arrivedAt, assignmentOf, type CopyPlace, carriers, furthest } from "./copy-trace.ts";
import { CopyState } from "./exchange-log.ts";
import { type Hop, HopState } from "./message-log.ts";
import { faultsCause, type Part, partOf, UNKNOWN } from "./part.ts";
import { reasonWords, unknownPart } from "./rank-parts.ts";
import type { RunView } from "./run-view.ts";

export function endingPart(view: RunView, place: CopyPlace, fromPs: number, untilPs: number): Part {
  const { home } = place;
  const assignment = assignmentOf(place);
  const where = view.idOf(home.actor);
  const base = { fromPs, untilPs, where, of: where };
  const fault = view.faultName(home.fault[assignment]);
  const cause = fault === "none" ? UNKNOWN : faultsCause([fault]);
  const holder = view.idOf(home.holders[assignment]);
  switch (home.state[assignment]) {
    case CopyState.masked: {
      const given = view.ranks
        .givenUpIn(home.actor, home.eventNumber[assignment])
        .find(({ rank }) => rank === holder);
      const why = given === undefined ? "" : ` (${reasonWords(given.reason)})`;
      const what = `no result comes, until ${holder} is given up${why}: fault ${fault}`;
      return partOf({ ...base, kind: "given-up", what }, cause);
    }
    case CopyState.lost: {
      const what = `no result comes, until ${where} ends its job or begins anew: fault ${fault}`;
      return partOf({ ...base, kind: "given-up", what }, cause);
    }
    case CopyState.open: {
      const dead = view.actorSpans(home.actor, "dead").find((span) => span.fromPs === untilPs);
      if (dead !== undefined) {
        const what = `no result had come when ${where} died: fault ${dead.name}`;
        return partOf({ ...base, kind: "given-up", what }, faultsCause([dead.name]));
      }
      const loss = lossIn(view, place, untilPs);
      const { words, cause } = loss ?? { words: stateIn(view, place, untilPs), cause: UNKNOWN };
      const what = `no result had come when the run was watched last: ${words}`;
      return partOf({ ...base, kind: "open", what }, cause);
    }
    default:
      return unknownPart(fromPs, untilPs, where);
  }
}

/** What became of the last message of an open copy, when that was lost; it was not sent again. */
function lossIn(view: RunView, place: CopyPlace, untilPs: number): Fate | undefined {
  const last = furthest(view, carriers(view, place), untilPs);
  if (last === undefined || !(last.handledPs <= untilPs)) return undefined;
  const isRefused =
    last.state === HopState.handled && view.place(view.lane(last.lane).to).kind === "nic";
  if (last.state !== HopState.dropped && !isRefused) return undefined;
  const { words, cause } = fateOf(view, attemptOf(view, last), untilPs);
  return { words: `${words}, and not sent again yet`, cause };
}

/** The hop out of the NIC that sent a message. */
function attemptOf(view: RunView, last: Hop): Hop {
  let attempt = last;
  for (let hop: Hop | undefined = last; hop !== undefined; hop = view.hopOrNone(hop.previous)) {
    if (view.place(view.lane(hop.lane).from).kind === "nic") attempt = hop;
  }
  return attempt;
}

/** Where an open copy is that was not lost. */
function stateIn(view: RunView, place: CopyPlace, untilPs: number): string {
  const { home } = place;
  const holder = home.holders[assignmentOf(place)];
  const name = view.idOf(holder);
  const dispatch = view.ranks.exchangeOp(holder, home.exchange, "dispatch");
  if (dispatch !== undefined && dispatch.endedPs <= untilPs)
    return `${name} had all that it waits for`;
  const isThere =
    holder === home.actor || arrivedAt(view, carriers(view, place), holder, untilPs) !== undefined;
  return isThere ? `it was at ${name}, which waited for copies of others` : "it was on its way";
}
