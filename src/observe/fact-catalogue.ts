/**
 * The catalogue of facts: every type with its severity, class and loudness, and its fields with
 * unit and meaning. docs/event-log.md and docs/events.schema.json say the same. A type or field
 * that is added to src/model/fact.ts has to be added here, or this does not compile. Pure: a page
 * in a browser uses it, too.
 */
import type { Fact } from "../model/fact.ts";
import type {
  Catalogue,
  CatalogueEntry,
  FactClass,
  FactField,
  FactLoudness,
  FactType,
  Severity,
} from "./catalogue-entry.ts";
import {
  aChoice,
  aCount,
  actors,
  aFault,
  anActor,
  aTarget,
  aText,
  aTime,
  CHAIN,
  counts,
  EPOCH,
  FAULT,
  LAYER,
  links,
  PACKET,
  PLANE,
  STEP,
  TOKEN,
} from "./fact-fields.ts";

/**
 * Version of the catalogue. A type or a field that is added raises the second number; anything else
 * the first, and there is an entry in CHANGELOG.md.
 */
export const CATALOGUE_VERSION = "1.0";

/** An entry, given how bad the fact is and how loud. */
const as =
  (level: Severity, loudness: FactLoudness) =>
  <Fields>(of: FactClass, about: string, fields: Fields) => ({
    ...{ level, loudness, about, fields },
    class: of,
  });

/** Facts that are shown always. */
const info = as("info", "state");
const warn = as("warn", "state");
const wrong = as("error", "state");
/** Facts for who wants every detail. */
const detail = as("info", "progress");
/** Facts for who asks for packets. */
const packet = as("info", "packet");

/** A fault that explains what a rank did. */
const CAUSE = aFault(
  "name of the fault that explains it; `none` if no fault does, which fails the run",
);

export const FACT_CATALOGUE: Catalogue = {
  "fault.began": warn("fault", "A fault began, on one of its targets.", FAULT),
  "fault.changed": warn("fault", "A fault hits harder or less hard from now on.", {
    ...FAULT,
    permille: aCount("of what its parameters say; 0: not at all for now", "thousandths"),
  }),
  "fault.healed": info("fault", "A fault ended, on one of its targets.", FAULT),
  "packet.delivered": packet("packet", "A packet arrived at the end of a link.", PACKET),
  "packet.dropped": packet("packet", "A packet was lost.", {
    fault: aFault("name of the fault that took it"),
    ...PACKET,
  }),
  "qp.timed-out": warn("transport", "The ACK timeout of a queue pair passed without progress.", {
    peer: anActor("the remote NIC"),
    retry: aCount("which retry this is since the last progress, from 1"),
    outstanding: aCount("sent and not acknowledged", "packets"),
  }),
  "qp.retransmitted": detail("transport", "A NIC sent again what was outstanding.", {
    peer: anActor("the remote NIC"),
    packets: aCount("how many", "packets"),
    cause: aChoice("why", {
      timeout: "the ACK timeout passed",
      nak: "the responder saw a gap",
      "port-down": "a port of a multi-port NIC went down",
    }),
  }),
  "qp.failed": warn("transport", "The ACK timeout of a queue pair passed after the last retry.", {
    peer: anActor("the remote NIC"),
    outstanding: aCount("given back", "packets"),
  }),
  "qp.reset": detail("transport", "The GPU had a queue pair begin anew.", {
    peer: anActor("the remote NIC"),
    incarnation: aCount("its new number, on which both ends agree", ""),
    dropped: aCount("unacknowledged ones that it forgot", "packets"),
  }),
  "plane.suspected": detail("transport", "A multi-port NIC avoids a plane to one other NIC.", {
    peer: anActor("the remote NIC"),
    plane: PLANE,
    spanPs: aTime("for how long; then it is tried again"),
  }),
  "rank.wait-timed-out": warn("rank", "A rank has waited too long for others.", {
    missing: actors("those that it waits for"),
  }),
  "rank.masked": warn("rank", "A rank gave another up.", {
    rank: anActor("who was given up"),
    fault: CAUSE,
    assignments: aCount(
      "of the masking rank that were open at that moment; later ones are in `combine.completed`",
      "assignments",
    ),
    reason: aChoice("why", {
      "send-failed": "a queue pair failed",
      "no-answer": "to a probe",
      notice: "the other one said so",
      operator: "an intervention `masked` or `drained`, named in `fault`",
      controller: "a recovery controller wants it",
    }),
  }),
  "experts.missing": warn("rank", "Some experts have no replica on any rank in reach.", {
    rank: anActor("who was given up, and held the last replica"),
    fault: CAUSE,
    experts: counts("logical experts, ascending, that are missing in at least one layer"),
  }),
  "rank.trapped": warn("rank", "A rank gave up waiting, and its job is over.", {
    missing: actors("whom it could not reach, or who did not answer"),
    fault: CAUSE,
  }),
  "copy.corrupted": warn("layer", "A payload failed its end-to-end checksum.", {
    from: anActor(
      "the GPU whose message it was in; a copy of the normal protocol is its owner's, whoever passed it on",
    ),
    ...{ layer: LAYER, step: STEP, token: TOKEN },
    fault: aFault(
      "name of the fault that flips bits; `none` if no fault does, which fails the run",
    ),
  }),
  "detour.taken": info("rank", "Messages for a rank go round over NVLink from now on.", {
    rank: anActor("whom the messages are for"),
    through: anActor(
      "the GPU of the sender's node whose NIC they take; it is the sender itself when its own NIC leads to a neighbour of the receiver",
    ),
    tried: aCount("which detour to that rank this is, from 1"),
  }),
  "route.changed": info("route", "A switch no longer uses some of its links, or uses them again.", {
    change: aChoice("which of these", { avoided: "", "taken-back": "" }),
    cause: aChoice("why", {
      local: "its own port changed, `recovery.rerouteLocal` ago",
      manager: "the subnet manager said so, `recovery.rerouteManager` after the change",
      operator: "a reroute was ordered or ended",
    }),
    target: aTarget(
      "`all`, or the leaf that the links are avoided for: what lies beyond them has no way there",
    ),
    links: links("its links"),
  }),
  "controller.decided": info("recovery", "A controller decided who takes part from now on.", {
    action: aChoice("what it does", { remap: "", restart: "", admit: "" }),
    epoch: EPOCH,
    excluded: actors("ranks that are out"),
    admitted: actors("ranks that are in again"),
  }),
  "controller.gave-up": info("recovery", "A controller does no more for a group.", {
    epoch: EPOCH,
    step: STEP,
  }),
  "rank.excluded": info("recovery", "A rank is out of its group.", {
    rank: anActor("which"),
    fault: aFault("the fault that it was reported for"),
  }),
  "rank.admitted": info("recovery", "A rank is in its group again.", { rank: anActor("which") }),
  "experts.moved": info("recovery", "Experts changed hands.", {
    epoch: EPOCH,
    count: aCount("how many; an expert of each layer counts by itself"),
  }),
  "ranks.resumed": info("recovery", "All ranks of a membership go on.", {
    ...{ epoch: EPOCH, step: STEP },
    members: actors("which; what they had given each other up for is forgotten"),
  }),
  "step.restarted": info("recovery", "A step begins again from its start.", { step: STEP }),
  "dispatch.completed": detail("layer", "All token copies of a layer have arrived at a rank.", {
    ...{ layer: LAYER, step: STEP, chain: CHAIN },
    received: aCount(
      "token copies for experts of this rank, its own tokens included; without those that failed their checksum",
      "copies",
    ),
    durationPs: aTime("since this rank began to dispatch"),
  }),
  "combine.completed": detail(
    "layer",
    "All results of a layer are in, and were compared with the oracle.",
    {
      ...{ layer: LAYER, step: STEP, chain: CHAIN },
      combined: aCount("of this rank's tokens, that came back", "assignments"),
      masked: aCount("of this rank's tokens, given up", "assignments"),
      durationPs: aTime("since this rank began to send its own results back"),
    },
  ),
  "combine.mismatched": wrong("layer", "The sum of a token differs from what the oracle says.", {
    ...{ layer: LAYER, step: STEP, token: TOKEN },
    expected: aText("what the oracle says", "16 hex digits"),
    actual: aText("what came", "16 hex digits"),
    fault: aFault("name of the fault that flipped bits on the token's way in this layer; `none`"),
  }),
  "layer.completed": detail("layer", "A rank is done with a layer, dense or with experts.", {
    ...{ layer: LAYER, step: STEP, chain: CHAIN },
    durationPs: aTime("since this rank began the layer"),
  }),
  "step.completed": info("layer", "A rank is done with the last operation of a step.", {
    step: STEP,
    durationPs: aTime("since this rank began the step"),
  }),
  "rank.finished": info("layer", "A rank is done with the last layer of the last step.", {
    dispatched: aCount("of this rank's tokens in the whole run", "assignments"),
    combined: aCount("of those, that came back", "assignments"),
    masked: aCount("of those, given up", "assignments"),
  }),
};

/** Every type of fact, in the order of the catalogue. */
export const FACT_TYPES = Object.keys(FACT_CATALOGUE) as readonly FactType[];

const BY_NAME: ReadonlyMap<string, CatalogueEntry> = new Map(Object.entries(FACT_CATALOGUE));

/** What the catalogue has about a type; undefined: it has no such type. */
export function entryOf(type: string): CatalogueEntry | undefined {
  return BY_NAME.get(type);
}

const FIELDS: ReadonlyMap<string, readonly (readonly [name: string, field: FactField])[]> = new Map(
  Object.entries(FACT_CATALOGUE).map(([type, { fields }]) => [type, Object.entries(fields)]),
);

/** The fields of a type, in order; undefined: the catalogue has no such type. */
export function fieldsOf(
  type: string,
): readonly (readonly [name: string, field: FactField])[] | undefined {
  return FIELDS.get(type);
}

/** Severity of a fact in the log. */
export function levelOf(fact: Fact): Severity {
  return FACT_CATALOGUE[fact.type].level;
}
