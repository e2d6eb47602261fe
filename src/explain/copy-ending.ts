/** The last part of a copy that has no result: until its rank gave it up, or the run ended. */
import { assignmentOf, type CopyPlace } from "./copy-trace.ts";
import { CopyState } from "./exchange-log.ts";
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
      const what = "no result has come; the run was not watched further";
      return partOf({ ...base, kind: "open", what }, UNKNOWN);
    }
    default:
      return unknownPart(fromPs, untilPs, where);
  }
}
