/**
 * Silent corruption: bits flip in payloads that one GPU sends. Without checks the tokens go wrong
 * and only the oracle knows, which names the fault; with end-to-end checksums whoever receives a
 * bad payload says so, and the assignments behind it are given up.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type Scenario, type WorkloadSpec } from "../../src/model/scenario.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const BAD = "node0.gpu1";
const ALL = 1_000_000;

const WAYS = [
  ["low-latency", "token"],
  ["low-latency", "message"],
  ["normal", "token"],
  ["normal", "message"],
] as const;

interface Changes extends Partial<WorkloadSpec> {
  flipsPerMillion?: number;
  integrity?: "none" | "checksum";
  healAtPs?: number;
}

function scenarioWith(changes: Changes): Scenario {
  const { flipsPerMillion = ALL, integrity = "none", healAtPs, ...workload } = changes;
  const fault: FaultSpec = {
    name: "flips",
    kind: "silent-corruption",
    targets: [BAD],
    atPs: 1,
    ...(healAtPs !== undefined && { healAtPs }),
    parameters: { flipsPerMillion },
  };
  return tinyScenario({
    faults: [fault],
    workload: { tokensPerGpu: 8, steps: 2, ...workload },
    recovery: { ...DEFAULT_RECOVERY, integrity },
  });
}

describe.each(WAYS)("without checks (%s, %s)", (protocol, grain) => {
  const scenario = scenarioWith({ protocol, grain });
  const result = runEverywhere(scenario);
  const wrong = said(scenario, result, "combine.mismatched");

  it("tokens go wrong, all is combined, and the oracle names the fault", () => {
    expect(result.end).toBe("finished");
    expect(wrong.length).toBeGreaterThan(0);
    expect(result.corrupted).toBe(wrong.length);
    expect(new Set(wrong.map(({ fault }) => fault))).toEqual(new Set(["flips"]));
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(said(scenario, result, "copy.corrupted")).toEqual([]);
  });

  it("they are the tokens that met the GPU: all of its own that left it, and some of others'", () => {
    const own = wrong.filter(({ by }) => by === BAD);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThanOrEqual(8 * 3 * 2);
    expect(wrong.length).toBeGreaterThan(own.length);
    expect(wrong.length).toBeLessThan(8 * 8 * 3 * 2);
  });

  it("a layer that goes right does not suffer from one that went wrong", () => {
    const healAtPs = wrong[0].atPs;
    const healed = scenarioWith({ protocol, grain, healAtPs });
    const later = said(healed, runEverywhere(healed), "combine.mismatched").filter(
      ({ step }) => step === 1,
    );
    expect(later).toEqual([]);
  });
});

describe.each(WAYS)("with checksums (%s, %s)", (protocol, grain) => {
  const scenario = scenarioWith({ protocol, grain, integrity: "checksum" });
  const result = runEverywhere(scenario);
  const found = said(scenario, result, "copy.corrupted");

  it("nothing goes wrong unseen: what a bad payload stands for is masked by that fault", () => {
    expect(result.end).toBe("finished");
    expect(result.corrupted).toBe(0);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ fault }) => fault))).toEqual(new Set(["flips"]));
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
    expect(said(scenario, result, "rank.masked")).toEqual([]);
    expect(result.fabric.packetsInUse).toBe(0);
  });

  it("both ways are found out: its copies by others, its results by the tokens' owners", () => {
    expect(found.some(({ by }) => by === BAD)).toBe(false);
    expect(found.some(({ from }) => from === BAD)).toBe(true);
    const layers = new Set(found.map(({ layer, step }) => `${step}/${layer}`));
    expect([...layers].sort()).toEqual(["0/1", "0/2", "0/3", "1/1", "1/2", "1/3"]);
  });

  it("a healthy run has only larger messages, of 4 bytes a copy", () => {
    const plain = runInMemory({ ...scenario, faults: [], recovery: DEFAULT_RECOVERY });
    const checked = runInMemory({ ...scenario, faults: [] });
    expect(checked.assignments).toEqual(plain.assignments);
    expect(checked.fabric.sentBytes).toBeGreaterThan(plain.fabric.sentBytes);
    expect((checked.fabric.sentBytes - plain.fabric.sentBytes) % 4).toBe(0);
    expect(checked.fabric.sentPackets).toBe(plain.fabric.sentPackets);
  });
});

describe("the low-latency protocol with checksums", () => {
  it.each(["token", "message"] as const)("masks one assignment a bad payload (%s)", (grain) => {
    const scenario = scenarioWith({ grain, integrity: "checksum" });
    const result = runInMemory(scenario);
    const found = said(scenario, result, "copy.corrupted");
    expect(result.assignments.masked).toBe(found.length);
    // Everything that went from or to the bad GPU, and nothing else.
    const healthy = runInMemory({ ...scenario, faults: [] });
    const atBad = said(scenario, healthy, "dispatch.completed").filter(({ by }) => by === BAD);
    const forBad = atBad.reduce((sum, { received }) => sum + received, 0);
    const own = 8 * 2 * 3 * 2;
    expect(found.length).toBeLessThan(own + forBad);
    expect(found.length).toBeGreaterThan((own + forBad) / 2);
  });

  it("counts no refused copy as received, and computes none", () => {
    const scenario = scenarioWith({ integrity: "checksum", steps: 1, layers: [1] });
    const result = runInMemory(scenario);
    const dispatches = said(scenario, result, "dispatch.completed");
    const received = dispatches.reduce((sum, fact) => sum + fact.received, 0);
    const doneAt = new Map(dispatches.map(({ by, atPs }) => [by, atPs]));
    // A rank finds bad copies before its dispatch is whole, and bad results after.
    const refused = said(scenario, result, "copy.corrupted").filter(
      ({ by, atPs }) => atPs <= (doneAt.get(by) ?? 0),
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(received).toBe(result.assignments.dispatched - refused.length);
  });
});

describe("the share of payloads that flip", () => {
  it.each(WAYS)("is what the fault says, and drawn by the seed (%s, %s)", (protocol, grain) => {
    const changes = { protocol, grain, integrity: "checksum", tokensPerGpu: 64 } as const;
    const every = scenarioWith(changes);
    const all = said(every, runInMemory(every), "copy.corrupted").length;
    const some = scenarioWith({ ...changes, flipsPerMillion: 100_000 });
    const found = said(some, runEverywhere(some), "copy.corrupted").length;
    expect(found / all).toBeGreaterThan(0.06);
    expect(found / all).toBeLessThan(0.15);
  });
});

describe("a corrupt relay", () => {
  it.each(["token", "message"] as const)(
    "spoils no token that it had no share in: a sum of nothing is not looked at (%s)",
    (grain) => {
      const flips = scenarioWith({ protocol: "normal", grain, steps: 1 });
      const dead: FaultSpec = { name: "dead", kind: "gpu-dead", targets: ["node0.gpu3"], atPs: 1 };
      const scenario = { ...flips, faults: [...flips.faults, dead] };
      // What it returns for the dead rank's experts has no output in it, and flipped bits.
      const result = runEverywhere(scenario);
      expect(result.assignments.masked).toBeGreaterThan(0);
      for (const { fault } of said(scenario, result, "combine.mismatched")) {
        expect(fault).toBe("flips");
      }
    },
  );
});
