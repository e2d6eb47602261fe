/**
 * What faults did to a run: what the run itself puts down to them, and, for one of them, what the
 * same run without it shows differently.
 */
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { type RunByWire, runByWire } from "./by-wire.ts";

/** What a fault can do to a run. */
export const EFFECTS = [
  ...(["fired", "masked", "lost", "corrupted"] as const),
  ...(["later", "sooner", "felt", "nothing"] as const),
] as const;
export type Effect = (typeof EFFECTS)[number];

/** An effect that a fault of a kind had. */
export interface KindEffect {
  readonly kind: FaultKind;
  readonly effect: Effect;
}

/** What the run says of its faults: they began, had assignments masked or lost, flipped bits. */
export function namedEffects(run: RunByWire, faults: readonly FaultSpec[]): KindEffect[] {
  const named = new Map(run.byFault.map((total) => [total.fault, total]));
  const corrupters = new Set(
    run.facts.flatMap(({ fact }) =>
      fact.type === "copy.corrupted" || fact.type === "combine.mismatched" ? [fact.fault] : [],
    ),
  );
  return faults.flatMap(({ name, kind }) => {
    const { masked = 0, lost = 0 } = named.get(name) ?? {};
    const effects: Effect[] = run.faultsBegun.includes(name) ? ["fired"] : [];
    if (masked > 0) effects.push("masked");
    if (lost > 0) effects.push("lost");
    if (corrupters.has(name)) effects.push("corrupted");
    return effects.map((effect) => ({ kind, effect }));
  });
}

/** The run again without one fault, with everything else that was done to it. */
export function runWithout(
  fault: string,
  scenario: Scenario,
  orders: readonly JournalOrder[],
  devices: DeviceFactory,
): RunByWire {
  const director = makeJournalDirector(orders);
  const faults = [...scenario.faults, ...faultsOf(orders)].filter(({ name }) => name !== fault);
  return runByWire(
    { ...scenario, faults },
    { devices, placement: "single", ...(director !== undefined && { director }) },
  );
}

/** What a fault did, by the run with it and the run without. */
export function effectOf(fault: string, run: RunByWire, without: RunByWire): Effect {
  const [end, endWithout] = [finishedPs(run.facts), finishedPs(without.facts)];
  if (end !== endWithout) return end > endWithout ? "later" : "sooner";
  const others = run.facts.filter(({ fact }) => !isOwn(fact, fault));
  return linesOf(others) === linesOf(without.facts) ? "nothing" : "felt";
}

type Fact = FactRecord["fact"];

function isOwn(fact: Fact, fault: string): boolean {
  return fact.type.startsWith("fault.") && "fault" in fact && fact.fault === fault;
}

/** Facts without their counters, which an actor's own fault facts move. */
function linesOf(facts: readonly FactRecord[]): string {
  return facts.map(({ atPs, actor, fact }) => JSON.stringify([atPs, actor, fact])).join("\n");
}

/** When the last rank finished, ps. */
function finishedPs(facts: readonly FactRecord[]): number {
  return facts.reduce(
    (last, { atPs, fact }) => (fact.type === "rank.finished" ? Math.max(last, atPs) : last),
    0,
  );
}
