/** The swarm's checks can fail: each of them on a run that was doctored for it. */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { type RunByWire, runByWire } from "../../scripts/swarm/by-wire.ts";
import { effectOf } from "../../scripts/swarm/effects.ts";
import { type Ordered, runProblems } from "../../scripts/swarm/run-problems.ts";
import { differences } from "../../scripts/swarm/same-run.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";

const DEAD: FaultSpec = {
  name: "dead",
  kind: "gpu-dead",
  targets: ["node0.gpu1"],
  atPs: 5 * PS_PER_US,
};
const SLOW: FaultSpec = {
  name: "slow",
  kind: "slow-gpu",
  targets: ["node1.gpu1", "node1.gpu2"],
  atPs: 3 * PS_PER_US,
  healAtPs: 9 * PS_PER_US,
  levels: [
    { atPs: 3 * PS_PER_US, permille: 500 },
    { atPs: 6 * PS_PER_US, permille: 1000 },
  ],
  parameters: { slowdown: 20, silent: true },
};
const FAULTS = [DEAD, SLOW];
const ORDERED: Ordered = { faults: FAULTS, heals: [], mayStop: false };

function runWith(faults: readonly FaultSpec[]): RunByWire {
  return runByWire(tinyScenario({ faults }), { devices: makeDevice, placement: "single" });
}

const run = runWith(FAULTS);

/** Names of the checks that fail. */
function failing(doctored: Partial<RunByWire>, ordered: Partial<Ordered> = {}): string[] {
  const problems = runProblems({ ...run, ...doctored }, { ...ORDERED, ...ordered });
  return [...new Set(problems.map(({ check }) => check))];
}

/** The facts without those of a type. */
function without(type: string): RunByWire["facts"] {
  return run.facts.filter(({ fact }) => fact.type !== type);
}

describe("checks of a run", () => {
  it("hold for one that is as it should be, in which something was masked and lost", () => {
    expect(run.assignments.masked).toBeGreaterThan(0);
    expect(run.assignments.lost).toBeGreaterThan(0);
    expect(failing({})).toEqual([]);
  });

  it.each<[string, Partial<RunByWire>]>([
    ["end", { end: "stuck" }],
    ["end", { end: "stopped" }],
    ["violation", { violations: ["something"] }],
    ["oracle", { mismatches: 1 }],
    ["explained", { unexplained: 1 }],
    ["bytes", { fabric: { ...run.fabric, sentBytes: (run.fabric.sentBytes ?? 0) + 1 } }],
    ["lease", { facts: without("fault.healed") }],
    ["lease", { facts: without("fault.changed") }],
    ["lease", { facts: [...run.facts, ...run.facts.filter(({ fact }) => isBegun(fact, "dead"))] }],
    ["blame", { facts: run.facts.filter(({ fact }) => !isBegun(fact, "dead")) }],
  ])("fail: %s", (check, doctored) => {
    expect(failing(doctored)).toContain(check);
  });

  it("fail when one assignment is in no account, or in none with a name", () => {
    const { assignments, byFault } = run;
    const less = { ...assignments, combined: assignments.combined - 1 };
    expect(failing({ assignments: less })).toEqual(["conservation"]);
    const nameless = byFault.filter(({ fault }) => fault !== "dead");
    expect(failing({ byFault: nameless })).toEqual(["named"]);
  });

  it("hold an early end to its order, and an order to its early end", () => {
    const heals = [{ fault: "slow", atPs: 7 * PS_PER_US }];
    expect(failing({}, { heals })).toEqual(["lease"]);
    // An end that is ordered before the onset is due at once; one after the lease changes nothing.
    expect(failing({}, { heals: [{ fault: "slow", atPs: PS_PER_US }] })).toEqual(["lease"]);
    expect(failing({}, { heals: [{ fault: "slow", atPs: 20 * PS_PER_US }] })).toEqual([]);
  });
});

describe("a comparison of two runs", () => {
  it("finds nothing between equal ones, and names what differs", () => {
    expect(differences("placement", run, runWith(FAULTS))).toEqual([]);
    const other = runWith([DEAD, { ...SLOW, healAtPs: 8 * PS_PER_US }]);
    const [{ check, detail }] = differences("placement", run, other);
    expect(check).toBe("placement");
    expect(detail).toMatch(/digest "[0-9a-f]{16}" and/);
    expect(detail).toMatch(/fact \d+ is .*fault\.healed/);
  });

  it("sees one fact that is missing, and one epoch that differs", () => {
    const cut = { ...run, facts: run.facts.slice(0, -1) };
    expect(differences("replay", run, cut)[0].detail).toMatch(/^fact \d+ is .*, none$/);
    const bent = { ...run, epochs: run.epochs.map((epoch) => ({ ...epoch, digest: "0" })) };
    expect(differences("replay", run, bent)[0].detail).toMatch(/^epoch \d+$/);
  });
});

describe("the effect of a fault", () => {
  it("is what the run without it shows differently", () => {
    expect(effectOf("slow", runWith([SLOW]), runWith([]))).toBe("later");
    const late = { ...SLOW, atPs: run.virtualTimePs * 10, healAtPs: run.virtualTimePs * 11 };
    expect(effectOf("slow", runWith([{ ...late, levels: [] }]), runWith([]))).toBe("nothing");
  });
});

function isBegun(fact: RunByWire["facts"][number]["fact"], name: string): boolean {
  return fact.type === "fault.began" && fact.fault === name;
}
