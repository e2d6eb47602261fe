/**
 * What each kind of fact carries, as checks: facts come from other processes and go into the event
 * log as they are. A fact that is added to src/model/fact.ts has to be added here, or this does not
 * compile.
 */
import type { Fact } from "../src/model/fact.ts";
import {
  aText,
  aTime,
  aWhole,
  aWord,
  type Check,
  isRecord,
  listOf,
  oneOf,
  recordOf,
  unlike,
} from "./message-readers.ts";

/** The fields of a kind of fact but its type. */
type Fields<Type extends Fact["type"]> = Readonly<
  Record<Exclude<keyof Extract<Fact, { type: Type }>, "type">, Check>
>;

const texts = listOf(aText);
const fault = { fault: aText, kind: aText, target: aText };
const packet = {
  link: aText,
  kind: aText,
  sizeBytes: aWhole,
  origin: aText,
  destination: aText,
  // Words of the packet as they are.
  psn: aWord,
  layer: aWord,
  token: aWord,
  slot: aWord,
};

const FIELDS: { readonly [Type in Fact["type"]]: Fields<Type> } = {
  "fault.began": fault,
  "fault.changed": { ...fault, permille: aWhole },
  "fault.healed": fault,
  "packet.delivered": packet,
  "packet.dropped": { ...packet, fault: aText },
  "qp.timed-out": { peer: aText, retry: aWhole, outstanding: aWhole },
  "qp.retransmitted": {
    peer: aText,
    packets: aWhole,
    cause: oneOf(["timeout", "nak", "port-down"]),
  },
  "qp.failed": { peer: aText, outstanding: aWhole },
  "qp.reset": { peer: aText, incarnation: aWhole, dropped: aWhole },
  "plane.suspected": { peer: aText, plane: aWhole, spanPs: aTime },
  "rank.wait-timed-out": { missing: texts },
  "rank.masked": {
    rank: aText,
    fault: aText,
    assignments: aWhole,
    reason: oneOf(["send-failed", "no-answer", "notice", "operator", "controller"]),
  },
  "experts.missing": { rank: aText, fault: aText, experts: listOf(aWhole) },
  "rank.trapped": { missing: texts, fault: aText },
  "copy.corrupted": { from: aText, layer: aWhole, step: aWhole, token: aWhole, fault: aText },
  "detour.taken": { rank: aText, through: aText, tried: aWhole },
  "route.changed": {
    change: oneOf(["avoided", "taken-back"]),
    cause: oneOf(["local", "manager", "operator"]),
    target: aText,
    links: texts,
  },
  "controller.decided": {
    action: oneOf(["remap", "restart", "admit"]),
    epoch: aWhole,
    excluded: texts,
    admitted: texts,
  },
  "controller.gave-up": { epoch: aWhole, step: aWhole },
  "rank.excluded": { rank: aText, fault: aText },
  "rank.admitted": { rank: aText },
  "experts.moved": { epoch: aWhole, count: aWhole },
  "ranks.resumed": { epoch: aWhole, step: aWhole, members: texts },
  "step.restarted": { step: aWhole },
  "dispatch.completed": {
    layer: aWhole,
    step: aWhole,
    chain: aText,
    received: aWhole,
    durationPs: aTime,
  },
  "combine.completed": {
    layer: aWhole,
    step: aWhole,
    chain: aText,
    combined: aWhole,
    masked: aWhole,
    durationPs: aTime,
  },
  "combine.mismatched": {
    layer: aWhole,
    step: aWhole,
    token: aWhole,
    expected: aText,
    actual: aText,
    fault: aText,
  },
  "layer.completed": { layer: aWhole, step: aWhole, chain: aText, durationPs: aTime },
  "step.completed": { step: aWhole, durationPs: aTime },
  "rank.finished": { dispatched: aWhole, combined: aWhole, masked: aWhole },
};

const CHECKS: ReadonlyMap<unknown, Check> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [
    type,
    recordOf({ type: oneOf([type]), ...fields }),
  ]),
);

/** Checks that a value is a fact of a known kind with all its fields and no other. */
export const aFact: Check = (value) => {
  if (!isRecord(value)) return unlike("a fact", value);
  const check = CHECKS.get(value.type);
  return check === undefined ? `.type${unlike("a kind of fact", value.type)}` : check(value);
};
