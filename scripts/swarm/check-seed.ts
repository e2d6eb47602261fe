/**
 * Everything that the swarm asks of one seed: its case in one worker, spread over several with the
 * codec between them, from its record, and without one of its faults; what does not hold, what
 * happened, and whether the run was worth it.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import { faultsOf, healsOf } from "../../cluster/journal-orders.ts";
import { InvariantError } from "../../src/base/assert.ts";
import { streamOf } from "../../src/base/random.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { EndlessRun, type RunByWire, runByWire } from "./by-wire.ts";
import { checkLosses } from "./check-losses.ts";
import { pick } from "./draw.ts";
import { SWARM_KINDS } from "./draw-faults.ts";
import { effectOf, type KindEffect, namedEffects, runWithout } from "./effects.ts";
import { directorOf, type SwarmDirector } from "./orders.ts";
import { replayed } from "./replayed.ts";
import { type Problem, runProblems } from "./run-problems.ts";
import { differences } from "./same-run.ts";
import { sometimesOf } from "./sometimes.ts";
import { type CaseChoice, drawCase, type SwarmCase, WARM_COMBINED } from "./swarm-case.ts";

/** More than ten times the events of the longest seeds. */
const EVENTS_MAX = 1_000_000;

/** What is asked of a seed. */
export interface SeedQuestion extends Partial<CaseChoice> {
  readonly seed: number;
  /** Lose workers on the way, and ask only what then must hold. */
  readonly withLosses?: true;
}

/** What came of a seed; plain data. */
export interface SeedAnswer {
  readonly seed: number;
  /** Hash of the scenario with the faults that it knows from the start. */
  readonly hash: string;
  readonly problems: readonly Problem[];
  /** Why the run proves little; empty: it counts. */
  readonly vacuous: readonly string[];
  readonly effects: readonly KindEffect[];
  /** Properties that should hold sometimes, and do here. */
  readonly sometimes: readonly string[];
  /** Names of all faults and orders. */
  readonly names: readonly string[];
  readonly faultsBegun: number;
  readonly events: number;
}

/** Makes the devices of a run; each run has its own. */
export type MakeDevices = () => DeviceFactory;

/** A case and the runs of it, for those who show them. */
export interface CheckedSeed {
  readonly answer: SeedAnswer;
  readonly case?: SwarmCase;
  readonly scenario?: Scenario;
  readonly orders?: readonly JournalOrder[];
  readonly run?: RunByWire;
}

/** Checks a seed. What is thrown on the way, an invariant most of all, is a problem of it. */
export function checkSeed(
  question: SeedQuestion,
  makeDevices: MakeDevices = () => makeDevice,
): CheckedSeed {
  const { seed, kinds = SWARM_KINDS } = question;
  const checked: { -readonly [Key in keyof CheckedSeed]?: CheckedSeed[Key] } = {};
  const empty: SeedAnswer = {
    ...{ seed, hash: "", problems: [], vacuous: [], effects: [], sometimes: [], names: [] },
    ...{ faultsBegun: 0, events: 0 },
  };
  let answer = empty;
  try {
    const drawn = drawCase(seed, { ...question, kinds }, makeDevices());
    const scenario = { ...drawn.fleet, faults: drawn.plan.known };
    const names = [...drawn.plan.known, ...drawn.plan.orders].map(({ name }) => name);
    answer = { ...empty, hash: scenarioHash(scenario), names: [...new Set(names)] };
    Object.assign(checked, { case: drawn, scenario });
    const check = question.withLosses ? checkWithLosses : checkCase;
    answer = { ...answer, ...check(drawn, scenario, makeDevices, checked) };
  } catch (error) {
    const check = checkOf(error);
    const detail = error instanceof Error ? error.message : String(error);
    answer = { ...answer, problems: [{ check, detail }] };
  }
  return { ...checked, answer };
}

function checkOf(error: unknown): string {
  if (error instanceof EndlessRun) return "endless";
  return error instanceof InvariantError ? "invariant" : "exception";
}

type Noted = { -readonly [Key in keyof CheckedSeed]?: CheckedSeed[Key] };

function checkWithLosses(
  drawn: SwarmCase,
  scenario: Scenario,
  makeDevices: MakeDevices,
  noted: Noted,
): Partial<SeedAnswer> {
  const { problems, run, orders } = checkLosses(drawn, scenario, makeDevices, EVENTS_MAX);
  Object.assign(noted, { run, orders });
  const { faultsBegun, events, seen } = run;
  return { problems, sometimes: [...seen], faultsBegun: faultsBegun.length, events };
}

function checkCase(
  drawn: SwarmCase,
  scenario: Scenario,
  makeDevices: MakeDevices,
  noted: Noted,
): Partial<SeedAnswer> {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const direct = (): { director?: SwarmDirector } => {
    const director = directorOf(drawn.plan, scenario);
    return director === undefined ? {} : { director };
  };
  const first = direct();
  const run = runByWire(scenario, {
    ...{ devices: makeDevices(), placement: "single", eventsMax: EVENTS_MAX },
    ...first,
  });
  const orders = first.director?.journal ?? [];
  Object.assign(noted, { run, orders });
  const { salt, ...spread } = drawn.spread;
  const shuffle = streamOf(scenario.run.seed, "swarm-shuffle", salt);
  const second = direct();
  const other = runByWire(scenario, { devices: makeDevices(), ...spread, shuffle, ...second });
  const again = replayed(scenario, orders, scenarioHash(scenario), makeDevices());
  const faults = [...scenario.faults, ...faultsOf(orders)];
  const mayStop = orders.some(({ record }) => record === "stop");
  const ordered = { faults, heals: healsOf(orders), mayStop };
  const problems = [
    ...healthyProblems(drawn.healthy),
    ...runProblems(run, ordered),
    ...differences("placement", run, other),
    ...differences("replay", run, again),
    ...other.violations.map((detail) => ({ check: "violation", detail: `spread: ${detail}` })),
    ...orderProblems(orders, second.director?.journal ?? []),
  ];
  const effects = namedEffects(run, faults);
  const begun = faults.filter(({ name }) => run.faultsBegun.includes(name));
  if (begun.length > 0 && problems.length === 0) {
    const { name, kind } = pick(streamOf(scenario.run.seed, "swarm-twin"), unnamed(begun, run));
    const twin = runWithout(name, scenario, orders, makeDevices());
    effects.push({ kind, effect: effectOf(name, run, twin) });
  }
  return {
    problems,
    vacuous: vacuities(run, other, faults),
    effects,
    sometimes: sometimesOf({ run, topology, faults, orders }),
    faultsBegun: begun.length,
    events: run.events,
  };
}

/** Of the faults those that the accounts do not name, if any: nothing else tells of them. */
function unnamed(begun: readonly FaultSpec[], { byFault }: RunByWire): readonly FaultSpec[] {
  const named = byFault.filter(({ masked, lost }) => masked + lost > 0).map(({ fault }) => fault);
  const others = begun.filter(({ name }) => !named.includes(name));
  return others.length > 0 ? others : begun;
}

/** Without faults nothing is masked or lost. */
function healthyProblems(healthy: RunByWire): Problem[] {
  const ordered = { faults: [], heals: [], mayStop: false };
  const problems = runProblems(healthy, ordered);
  const { masked, lost } = healthy.assignments;
  if (masked + lost > 0) {
    problems.push({
      check: "healthy",
      detail: `${masked} masked and ${lost} lost without a fault`,
    });
  }
  return problems.map(({ check, detail }) => ({ check, detail: `healthy run: ${detail}` }));
}

/** A director sees the same under every placement, so it orders the same. */
function orderProblems(one: readonly JournalOrder[], other: readonly JournalOrder[]): Problem[] {
  if (JSON.stringify(one) === JSON.stringify(other)) return [];
  return [
    { check: "orders", detail: "the director ordered something else in the other placement" },
  ];
}

/** What a run needs to count. */
const LEAST = { windows: 50, packets: 1_000, combined: WARM_COMBINED };

/** Why a run proves little. */
function vacuities(run: RunByWire, other: RunByWire, faults: readonly FaultSpec[]): string[] {
  const firstPs = Math.min(...faults.map(({ atPs }) => atPs));
  const combined = combinedBefore(run.facts, firstPs);
  const { deliveredPackets = 0 } = run.fabric;
  const rows: [reason: string, holds: boolean][] = [
    [`fewer than ${LEAST.windows} windows`, other.windows < LEAST.windows],
    [`fewer than ${LEAST.packets} packets`, deliveredPackets < LEAST.packets],
    [`fewer than ${LEAST.combined} results before the first fault`, combined < LEAST.combined],
    ["no fault fired", run.faultsBegun.length === 0],
  ];
  return rows.filter(([, holds]) => holds).map(([reason]) => reason);
}

function combinedBefore(facts: readonly FactRecord[], untilPs: number): number {
  return facts.reduce(
    (sum, { atPs, fact }) =>
      fact.type === "combine.completed" && atPs < untilPs ? sum + fact.combined : sum,
    0,
  );
}
