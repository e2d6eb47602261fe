/**
 * The mapping that asks for a fault: which keys there are, of what type, in which range. The same
 * in scenario files, in drills and in live commands. Which keys a kind takes is the catalogue's
 * matter, and is checked with the other relations in resolve-fault.ts.
 */
import { FAULT_KINDS } from "../model/fault.ts";
import { type FieldIssue, issuesOf } from "./field-issue.ts";
import {
  bytes,
  decimal,
  either,
  list,
  mapping,
  oneOf,
  pattern,
  rate,
  time,
  timeOrNever,
  whole,
} from "./field-kinds.ts";

/** Well-formed names of faults. */
export const NAME_PATTERN = /^[a-z0-9._-]{1,63}$/;

/** Most targets that one fault may list or draw. */
const TARGETS_MAX = 4_096;

const TARGET_ADVICE = "E026 write one target, or a list of targets";
const selector = () =>
  pattern(/^.{1,200}$/su, "E026 a target has 1..200 characters", TARGET_ADVICE);
const selectors = () => either(selector(), list(selector(), 1, TARGETS_MAX));

const target = either(
  selector(),
  list(selector(), 1, TARGETS_MAX),
  mapping({
    draw: whole(1, TARGETS_MAX).describe("How many of them, drawn from the seed."),
    from: selectors().describe("What they are drawn from."),
  }),
).describe("node2.nic3, node*.nic3, plane=3, a list of those, or some of them drawn.");

const moment = mapping({
  between: list(time(), 2, 2).optional().describe("Drawn from the seed: no earlier, no later."),
  step: whole(0, 100_000).optional().describe("Step of the run, from 0."),
  layer: whole(0, 65_535).optional().describe("Layer of the model, from 0."),
  phase: oneOf(["dispatch", "compute", "combine"]).optional().describe("Phase of that layer."),
  fraction: decimal(0, 1).optional().describe("How far into the phase; default: 0, its begin."),
  rank: pattern(/^node\d{1,5}\.gpu\d{1,3}$/, "E026 a rank is a GPU such as node2.gpu3")
    .optional()
    .describe("Whose phase; default: the target's own rank, or the first rank to get there."),
  chain: oneOf(["batch0", "batch1", "forward", "backward"])
    .optional()
    .describe("Whose tokens; default: the first to get there."),
});

const flap = mapping({
  down: time().describe("How long it is there each time."),
  up: time().optional().describe("How long it is gone in between; default: as long."),
  repeats: whole(1, 1_000).default(3).describe("How often it comes."),
});

const onset = either(
  oneOf(["step"]),
  mapping({
    ramp: time().optional().describe("From the first level to the whole."),
    steps: whole(2, 100).optional().describe("Levels of the ramp; default: 4."),
    flap: flap.optional().describe("It comes and goes."),
  }),
);

/** A fault as people write it. */
export const faultFields = mapping({
  name: pattern(NAME_PATTERN, "E021 a name is [a-z0-9._-]{1,63}", "E012 expected string")
    .optional()
    .describe("What losses are named after; f1, f2, ... by default."),
  kind: oneOf(FAULT_KINDS, "E026").describe("See faultplane faults."),
  target,
  at: either(time(), moment).describe("Onset: a virtual time, a draw, or a phase of a layer."),
  heal: time().optional().describe("Virtual time at which it heals."),
  healAfter: timeOrNever().optional().describe("How long it lasts; default: by kind."),
  onset: onset.optional().describe("How it begins: step (at once), a ramp, or a flap."),
  slowdown: decimal(1, 1_000).optional().describe("How many times as long things take."),
  loss: decimal(0.000_001, 1).optional().describe("Share of packets lost."),
  spared: bytes().optional().describe("Packets up to this size are never lost."),
  extraLatency: time().optional().describe("Time of flight on top of the link's own."),
  kvRate: rate().optional().describe("What copies of the KV cache take of PCIe."),
  load: decimal(0.01, 0.99).optional().describe("Share of the port that another job takes."),
  flips: decimal(0.000_001, 1).optional().describe("Share of messages with a flipped bit."),
  share: decimal(0.000_001, 1).optional().describe("Share of tokens that choose the expert."),
  visibility: oneOf(["loud", "silent"])
    .optional()
    .describe("Do ports go down, or do only clocks find out?"),
});

/** A fault whose keys have passed, before units and relations. */
export type FaultFields = ReturnType<typeof faultFields.parse>;

/** Checks one mapping; the issues' paths begin at it. */
export function checkFault(
  value: unknown,
):
  | { readonly ok: true; readonly fields: FaultFields }
  | { readonly ok: false; readonly issues: readonly FieldIssue[] } {
  const result = faultFields.safeParse(value);
  if (result.success) return { ok: true, fields: result.data };
  return { ok: false, issues: result.error.issues.flatMap((issue) => issuesOf(issue, [])) };
}
