/**
 * What should happen somewhere among a thousand seeds: if it never does, the swarm no longer goes
 * where it was meant to.
 */
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";
import type { RunByWire } from "./by-wire.ts";
import { endOf } from "./run-problems.ts";

/** A run, and what was done to it. */
export interface Seen {
  readonly run: RunByWire;
  readonly topology: Topology;
  /** All faults, also those that were ordered. */
  readonly faults: readonly FaultSpec[];
  readonly orders: readonly JournalOrder[];
}

type Fact = FactRecord["fact"];

interface Span {
  readonly fault: FaultSpec;
  readonly fromPs: number;
  readonly untilPs: number;
}

const REASONS = ["send-failed", "no-answer", "notice", "operator", "controller"] as const;
const CAUSES = ["local", "manager", "operator"] as const;

/** Facts that say that somebody noticed something. */
const SUSPICIONS: readonly string[] = ["qp.timed-out", "rank.wait-timed-out", "plane.suspected"];
/** Facts that must each be said once among the seeds. */
const SAID: readonly Fact["type"][] = [
  ...(["qp.failed", "qp.reset", "plane.suspected", "rank.trapped", "experts.missing"] as const),
  ...(["copy.corrupted", "combine.mismatched", "detour.taken", "packet.dropped"] as const),
  ...(["controller.decided", "rank.excluded", "rank.admitted", "experts.moved"] as const),
  ...(["ranks.resumed", "step.restarted"] as const),
];

/** Every property with its test. */
const PROPERTIES: readonly (readonly [name: string, holds: (seen: Seen) => boolean])[] = [
  ["two faults at once", (seen) => anyTwo(spansOf(seen), overlap)],
  ["two faults at once on one target", (seen) => anyTwo(spansOf(seen), overlapOnTarget)],
  ["two faults begin at one instant", (seen) => anyTwo(spansOf(seen), isTogether)],
  ["a fault begins as another ends", (seen) => anyTwo(spansOf(seen), isRelay)],
  ["a fault begins at the instant of an event", beginsOnEvent],
  ["a fault begins mid-dispatch", (seen) => beginsInside(seen, "dispatch.completed")],
  ["a fault begins mid-combine", (seen) => beginsInside(seen, "combine.completed")],
  ["a fault heals while somebody suspects something", healsWhileSuspected],
  ["a fault outlives the run", ({ run, ...seen }) => outlives({ run, ...seen })],
  ["a fault comes after the run", ({ run, faults }) => run.faultsBegun.length < faults.length],
  ["an order ends a fault early", endsEarly],
  ["an order ends a fault twice", endsTwice],
  ["the run learns of a fault while it is up", ({ orders }) => has(orders, "fault")],
  ["an order ends the run", ({ run }) => run.end === "stopped"],
  ["a mask is taken back while the run is up", unmasks],
  ["a rank masks all ranks of another node", masksNode],
  ["a fault that fired costs nothing", costsNothing],
  ...REASONS.map(
    (reason) =>
      [
        `a rank is masked: ${reason}`,
        ({ run }: Seen) =>
          run.facts.some(({ fact }) => fact.type === "rank.masked" && fact.reason === reason),
      ] as const,
  ),
  ...CAUSES.map(
    (cause) =>
      [
        `a route is changed: ${cause}`,
        ({ run }: Seen) =>
          run.facts.some(({ fact }) => fact.type === "route.changed" && fact.cause === cause),
      ] as const,
  ),
  ...SAID.map(
    (type) =>
      [
        `${type} is said`,
        ({ run }: Seen) => run.facts.some(({ fact }) => fact.type === type),
      ] as const,
  ),
];

/** Names of all properties. */
export const SOMETIMES: readonly string[] = PROPERTIES.map(([name]) => name);

/** Those that a run has. */
export function sometimesOf(seen: Seen): string[] {
  return PROPERTIES.filter(([, holds]) => holds(seen)).map(([name]) => name);
}

/** Spans of the faults that began. */
function spansOf({ run, faults, orders }: Seen): Span[] {
  const heals = healsOf(orders);
  return faults
    .filter(({ name }) => run.faultsBegun.includes(name))
    .map((fault) => ({ fault, fromPs: fault.atPs, untilPs: endOf(fault, heals) }));
}

function healsOf(orders: readonly JournalOrder[]): { fault: string; atPs: number }[] {
  return orders.flatMap((order) => (order.record === "heal" ? [order] : []));
}

function has(orders: readonly JournalOrder[], record: JournalOrder["record"]): boolean {
  return orders.some((order) => order.record === record);
}

function anyTwo(spans: readonly Span[], holds: (left: Span, right: Span) => boolean): boolean {
  return spans.some((left) => spans.some((right) => left !== right && holds(left, right)));
}

function overlap(left: Span, right: Span): boolean {
  return left.fromPs < right.untilPs && right.fromPs < left.untilPs;
}

function overlapOnTarget(left: Span, right: Span): boolean {
  const isShared = left.fault.targets.some((target) => right.fault.targets.includes(target));
  return isShared && overlap(left, right);
}

function isTogether(left: Span, right: Span): boolean {
  return left.fromPs === right.fromPs;
}

function isRelay(left: Span, right: Span): boolean {
  return left.untilPs === right.fromPs;
}

function beginsOnEvent(seen: Seen): boolean {
  const onsets = new Set(spansOf(seen).map(({ fromPs }) => fromPs));
  return seen.run.facts.some(({ atPs, fact }) => !isFaultFact(fact) && onsets.has(atPs));
}

function beginsInside(seen: Seen, type: "dispatch.completed" | "combine.completed"): boolean {
  const onsets = spansOf(seen).map(({ fromPs }) => fromPs);
  return seen.run.facts.some(
    ({ atPs, fact }) =>
      fact.type === type &&
      onsets.some((onsetPs) => onsetPs > atPs - fact.durationPs && onsetPs < atPs),
  );
}

function healsWhileSuspected({ run }: Seen): boolean {
  const begun = new Map<string, number>();
  let suspectedPs = -1;
  return run.facts.some(({ atPs, fact }) => {
    if (SUSPICIONS.includes(fact.type)) suspectedPs = atPs;
    if (fact.type === "fault.began") begun.set(fact.fault, atPs);
    if (fact.type !== "fault.healed") return false;
    return suspectedPs > (begun.get(fact.fault) ?? NEVER_PS);
  });
}

function outlives(seen: Seen): boolean {
  return spansOf(seen).some(({ untilPs }) => untilPs > seen.run.virtualTimePs);
}

function endsEarly(seen: Seen): boolean {
  return spansOf(seen).some(
    ({ fault, untilPs }) =>
      untilPs < (fault.healAtPs ?? NEVER_PS) && untilPs < seen.run.virtualTimePs,
  );
}

function endsTwice({ orders }: Seen): boolean {
  const heals = healsOf(orders);
  return heals.some((one) => heals.some((other) => one !== other && one.fault === other.fault));
}

function unmasks(seen: Seen): boolean {
  return spansOf(seen).some(
    ({ fault, untilPs }) =>
      (fault.kind === "masked" || fault.kind === "drained") && untilPs < seen.run.virtualTimePs,
  );
}

/** One rank gave up on every GPU of a node that is not its own. */
function masksNode({ run, topology }: Seen): boolean {
  const { actors } = topology;
  const given = new Map<string, Set<string>>();
  for (const { actor, fact } of run.facts) {
    if (fact.type !== "rank.masked") continue;
    const { node } = actors[topology.indexOf(fact.rank)];
    if (node === actors[actor].node) continue;
    const key = `${actor} ${node}`;
    given.set(key, (given.get(key) ?? new Set()).add(fact.rank));
  }
  const perNode = actors.filter(({ kind, node }) => kind === "gpu" && node === 0).length;
  return [...given.values()].some((ranks) => ranks.size === perNode);
}

function costsNothing({ run }: Seen): boolean {
  const { masked, lost } = run.assignments;
  return run.faultsBegun.length > 0 && masked + lost + run.corrupted === 0;
}

function isFaultFact(fact: Fact): boolean {
  return fact.type.startsWith("fault.");
}
