/** The parts of what a rank does: it computes, posts, hangs, or waits for one that is given up. */

import type { Message } from "./message-log.ts";
import {
  type Cause,
  COMPUTE,
  faultsCause,
  type Part,
  partOf,
  type Share,
  sharesOf,
  UNKNOWN,
} from "./part.ts";
import { actorsOut } from "./rank-lanes.ts";
import type { GivenUp, Missed, RankOp } from "./rank-log.ts";
import type { RunView } from "./run-view.ts";

const REASONS: Readonly<Record<string, string>> = {
  "send-failed": "the transport could not deliver",
  "no-answer": "it did not answer",
  notice: "it said that it had given this rank up",
  operator: "the operator wants it",
  controller: "the controller wants it",
};

/** From one instant to another, ps. */
export interface Span {
  readonly fromPs: number;
  readonly untilPs: number;
}

/** Why a rank was given up, in words. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason;
}

/** An operation in words: `attention-forward of layer 12 (batch0)`. */
export function describeOp(view: RunView, { op }: RankOp): string {
  const layer = view.scenario.workload.layers[op.place];
  const chain = view.schedule.chains.length > 1 ? ` (${view.schedule.chains[op.chain]})` : "";
  return `${op.compute ?? op.kind} of layer ${layer}${chain}`;
}

/** A computation, or the wait for the moment at which all ranks go on. */
export function opParts(view: RunView, op: RankOp): Part[] {
  const where = view.idOf(op.actor);
  const dueMs = op.beganPs + Math.max(1, op.spanPs);
  const untilPs = Math.min(dueMs, op.endedPs);
  const base = { where, of: where, fromPs: op.beganPs, untilPs };
  const hung = hungParts(view, op.actor, untilPs, op.endedPs);
  if (op.op.kind === "align") {
    const what = "waits for the moment at which all ranks go on";
    return [partOf({ ...base, kind: "align", what }, { type: "schedule", name: "align" }), ...hung];
  }
  const slowPs = Math.max(0, untilPs - op.beganPs - Math.max(1, op.healthyPs));
  const slow = view
    .actorSpans(op.actor, "slow")
    .filter((span) => span.fromPs <= op.beganPs && op.beganPs < span.untilPs)
    .map(({ name }) => name);
  const shares: Share[] = [
    { cause: COMPUTE, ps: untilPs - op.beganPs - slowPs },
    { cause: faultsCause(slow), ps: slowPs },
  ];
  const what = `computes ${describeOp(view, op)}`;
  return [partOf({ ...base, kind: "compute", what }, shares), ...hung].filter(isSpan);
}

/** A span in which a rank could have gone on, had its process not hung. */
export function hungParts(view: RunView, actor: number, fromPs: number, untilPs: number): Part[] {
  const where = view.idOf(actor);
  const parts: Part[] = [];
  let atPs = fromPs;
  const rest = (endPs: number): void => {
    if (endPs > atPs) parts.push(unknownPart(atPs, endPs, where));
    atPs = Math.max(atPs, endPs);
  };
  for (const { name, fromPs: from, untilPs: until } of view.actorSpans(actor, "hung")) {
    const end = Math.min(until, untilPs);
    if (end <= Math.max(from, atPs)) continue;
    rest(from);
    parts.push(
      partOf(
        {
          kind: "hung",
          fromPs: atPs,
          untilPs: end,
          where,
          of: where,
          what: `its process hangs: fault ${name}`,
        },
        faultsCause([name]),
      ),
    );
    atPs = end;
  }
  rest(untilPs);
  return parts;
}

/** A rank posts messages of an operation in turn, and this one's turn came at `untilPs`. */
export function postingParts(view: RunView, op: RankOp, fromPs: number, untilPs: number): Part[] {
  if (untilPs <= fromPs) return [];
  const hung = hungParts(view, op.actor, fromPs, untilPs).filter(({ kind }) => kind === "hung");
  const parts: Part[] = [];
  let atPs = fromPs;
  for (const part of hung) {
    if (part.fromPs > atPs) parts.push(posting(view, op, atPs, part.fromPs));
    parts.push(part);
    atPs = part.untilPs;
  }
  if (untilPs > atPs) parts.push(posting(view, op, atPs, untilPs));
  return parts;
}

function posting(view: RunView, op: RankOp, fromPs: number, untilPs: number): Part {
  const where = view.idOf(op.actor);
  const busy = actorsOut(view, op.actor, fromPs, untilPs);
  const busyPs = busy.reduce((sum, { ps }) => sum + ps, 0);
  const pause: Cause = { type: "schedule", name: "posting" };
  const shares = [...sharesOf([{ shares: busy }]), { cause: pause, ps: untilPs - fromPs - busyPs }];
  const things = op.op.kind === "dispatch" ? "copies" : "results";
  const what = `posts its ${things} in turn, as its ports take them`;
  return partOf({ kind: "posting", fromPs, untilPs, where, of: where, what }, shares);
}

/** A rank waited for others, and gave them up in the end. */
export function givenUpPart(
  view: RunView,
  actor: number,
  givenUp: readonly GivenUp[],
  span: Span,
): Part {
  const where = view.idOf(actor);
  const [{ rank, fault, reason }] = givenUp;
  const more = givenUp.length > 1 ? ` and ${givenUp.length - 1} more` : "";
  const what = `waits for ${rank}${more} until it is given up (${reasonWords(reason)}): fault ${fault}`;
  return partOf(
    { kind: "given-up", ...span, where, of: where, what },
    fault === "none" ? UNKNOWN : faultsCause([fault]),
  );
}

/** A relay waited for the share of a rank, which then refused it. */
export function refusedParts(
  view: RunView,
  refusal: Message,
  fromPs: number,
  untilPs: number,
): Part[] {
  const where = view.idOf(refusal.destination);
  const name = view.faultName(refusal.slot);
  const what = `waits for ${view.idOf(refusal.origin)} until it refuses its share: fault ${name}`;
  const cause = name === "none" ? UNKNOWN : faultsCause([name]);
  return [partOf({ kind: "given-up", fromPs, untilPs, where, of: where, what }, cause)];
}

/** A rank waited for others until its wait timeout had passed. */
export function missedParts(
  view: RunView,
  { ranks, fault }: Missed,
  actor: number,
  span: Span,
): Part[] {
  const where = view.idOf(actor);
  const more = ranks.length > 1 ? ` and ${ranks.length - 1} more` : "";
  const what = `waits for ${ranks[0] ?? "others"}${more} until its wait timeout has passed`;
  const cause: Cause =
    fault !== "none"
      ? faultsCause([fault])
      : ranks.length === 0
        ? UNKNOWN
        : { type: "rank", name: ranks[0] };
  return [partOf({ kind: "given-up", ...span, where, of: where, what }, cause)];
}

/** A span about which nothing more can be said. */
export function unknownPart(fromPs: number, untilPs: number, where: string): Part {
  const what = "what it waits for here is not known";
  return partOf({ kind: "unknown", fromPs, untilPs, where, of: where, what }, UNKNOWN);
}

function isSpan({ fromPs, untilPs }: Part): boolean {
  return untilPs > fromPs;
}
