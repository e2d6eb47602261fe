/**
 * Instants at which a director looks at a run and orders something: windows end exactly there, it
 * has every fact from before and none from after, and what it orders acts there, whatever the
 * placement.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import type { Director, Orders } from "../../src/model/director.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { NEVER_PS, PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { NO_CHANGES } from "../../src/model/window.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { windowReport } from "../support/window-report.ts";

const NOTHING: Orders = { faults: [], heals: [] };

/** Acts by a list, and notes at each instant how many facts it has seen. */
class ListDirector implements Director {
  readonly seen: { atPs: number; facts: number; lastPs: number }[] = [];
  readonly #acts: { readonly atPs: number; readonly orders: Orders }[];
  readonly #facts: FactRecord[] = [];

  constructor(acts: readonly { readonly atPs: number; readonly orders: Orders }[]) {
    this.#acts = [...acts];
  }

  get nextPs(): number {
    return this.#acts[0]?.atPs ?? NEVER_PS;
  }

  take(facts: readonly FactRecord[]): void {
    this.#facts.push(...facts);
  }

  at(atPs: number): Orders {
    const lastPs = this.#facts.at(-1)?.atPs ?? 0;
    this.seen.push({ atPs, facts: this.#facts.length, lastPs });
    return this.#acts.shift()?.orders ?? NOTHING;
  }
}

const DOWN: FaultSpec = {
  name: "down",
  kind: "nic-down",
  targets: ["node1.nic0"],
  atPs: 20 * PS_PER_US,
  healAtPs: 10 * PS_PER_MS,
};
const SCENARIO = tinyScenario({ transport: { ackTimeoutExponent: 6, retryCount: 7 } });

/** Runs under every placement with a director of its own; all must agree, directors too. */
function runAnywhere(acts: readonly { atPs: number; orders: Orders }[]): {
  result: InMemoryResult;
  director: ListDirector;
} {
  const director = new ListDirector(acts);
  const result = runInMemory(SCENARIO, { director });
  for (const placement of ["node", "actor"] as const) {
    const other = new ListDirector(acts);
    const shuffle = streamOf("1", placement);
    const spread = runInMemory(SCENARIO, { placement, director: other, shuffle });
    expect(spread.digest).toBe(result.digest);
    expect(spread.facts).toEqual(result.facts);
    expect(spread.end).toBe(result.end);
    expect(other.seen).toEqual(director.seen);
  }
  expect(result.violations).toEqual([]);
  return { result, director };
}

describe("a director", () => {
  it("that only looks changes nothing", () => {
    const looks = [0, 1, 5_000_001, 5_000_002].map((atPs) => ({ atPs, orders: NOTHING }));
    const { result, director } = runAnywhere(looks);
    const alone = runInMemory(SCENARIO);
    expect(result.digest).toBe(alone.digest);
    expect(result.facts).toEqual(alone.facts);
    expect(director.seen.map(({ atPs }) => atPs)).toEqual(looks.map(({ atPs }) => atPs));
  });

  it("has seen all facts before its instant, and none at it or later", () => {
    const { facts } = runInMemory(SCENARIO);
    const atPs = facts[Math.floor(facts.length / 2)].atPs;
    const { director } = runAnywhere([{ atPs, orders: NOTHING }]);
    const before = facts.filter((fact) => fact.atPs < atPs);
    expect(director.seen).toEqual([
      { atPs, facts: before.length, lastPs: before.at(-1)?.atPs ?? 0 },
    ]);
  });

  it("orders faults that act as if the scenario had them, at once or later", () => {
    const written = runInMemory({ ...SCENARIO, faults: [DOWN] });
    for (const atPs of [DOWN.atPs, DOWN.atPs - 1, 3 * PS_PER_US]) {
      const { result } = runAnywhere([{ atPs, orders: { faults: [DOWN], heals: [] } }]);
      expect(result.digest).toBe(written.digest);
      expect(result.byFault).toEqual(written.byFault);
    }
  });

  it("ends faults early, and again without effect", () => {
    const healAtPs = DOWN.atPs + 100 * PS_PER_US;
    const brief = runInMemory({ ...SCENARIO, faults: [{ ...DOWN, healAtPs }] });
    const heal: Orders = { faults: [], heals: [{ fault: "down", atPs: healAtPs }] };
    const { result } = runAnywhere([
      { atPs: DOWN.atPs, orders: { faults: [DOWN], heals: [] } },
      { atPs: healAtPs, orders: heal },
      {
        atPs: healAtPs + 1,
        orders: { faults: [], heals: [{ fault: "down", atPs: healAtPs + 1 }] },
      },
    ]);
    expect(result.digest).toBe(brief.digest);
    expect(result.facts).toEqual(brief.facts);
  });

  it("stops the run at its instant: all before has happened, nothing else", () => {
    const atPs = DOWN.atPs;
    const { result } = runAnywhere([{ atPs, orders: { ...NOTHING, stop: "enough" } }]);
    expect(result).toMatchObject({ end: "stopped", stopReason: "enough" });
    const alone = runInMemory(SCENARIO);
    expect(result.facts).toEqual(alone.facts.filter((fact) => fact.atPs < atPs));
    expect(result.virtualTimePs).toBeLessThan(atPs);
  });

  it("is not waited for when the run is over before", () => {
    const { director, result } = runAnywhere([{ atPs: 500 * PS_PER_MS, orders: NOTHING }]);
    expect(director.seen).toEqual([]);
    expect(result.end).toBe("finished");
  });
});

describe("the window protocol", () => {
  const begin = (nextEventPs: number, timeLimitPs = 1e12): WindowProtocol => {
    const protocol = new WindowProtocol({ workers: 1, lookaheadPs: 450, gpus: 1, timeLimitPs });
    protocol.accept(0, windowReport({ nextEventPs }));
    protocol.commit();
    return protocol;
  };

  it("ends a window at the stop, and then reaches it", () => {
    const protocol = begin(1_000);
    expect(protocol.next(NO_CHANGES, 1_200)).toMatchObject({ type: "grants", endPs: 1_200 });
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 1_200 }));
    protocol.commit();
    expect(protocol.next(NO_CHANGES, 1_200)).toEqual({ type: "stop-reached", atPs: 1_200 });
    expect(protocol.floorPs).toBe(1_200);
    expect(protocol.next()).toMatchObject({ startPs: 1_200, endPs: 1_650 });
  });

  it("gives a change that is learnt a window of its own, and hands it out once", () => {
    const protocol = begin(1_000);
    const fault = { ...DOWN, atPs: 1_300 };
    const changes = { faults: [fault], heals: [] };
    expect(protocol.next(changes, 1_000)).toEqual({ type: "stop-reached", atPs: 1_000 });
    const first = protocol.next();
    expect(first).toMatchObject({ endPs: 1_300, grants: [{ grant: { faults: [fault] } }] });
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 1_400, nextFaultPs: 1_300 }));
    protocol.commit();
    expect(protocol.next()).toMatchObject({ endPs: 1_301, grants: [{ grant: { faults: [] } }] });
  });

  it("is not stuck while somebody will look, and ends at its time limit before a later stop", () => {
    expect(begin(NEVER_PS).next()).toMatchObject({ type: "stuck" });
    expect(begin(NEVER_PS).next(NO_CHANGES, 9_000)).toMatchObject({ type: "stop-reached" });
    expect(begin(NEVER_PS, 5_000).next(NO_CHANGES, 9_000)).toMatchObject({ type: "time-limit" });
  });

  it("refuses what is to happen before what was granted", () => {
    const protocol = begin(1_000);
    protocol.next(NO_CHANGES, 1_000);
    const heals = [{ fault: "down", atPs: 999 }];
    expect(() => protocol.next({ faults: [], heals })).toThrow("change-in-the-past");
    expect(() => begin(1_000).next(NO_CHANGES, -1)).toThrow("stop-in-the-past");
  });
});
