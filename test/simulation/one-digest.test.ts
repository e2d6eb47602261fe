/**
 * One scenario under many placements: one digest, the same facts, every assignment accounted for.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const PLACEMENTS: readonly PlacementName[] = ["single", "pack", "node", "actor"];

function expectConserved(result: InMemoryResult): void {
  const { dispatched, combined, masked, lost } = result.assignments;
  expect(result.violations).toEqual([]);
  expect(result.mismatches).toBe(0);
  expect(dispatched).toBeGreaterThan(0);
  expect(combined + masked + lost).toBe(dispatched);
}

function runEverywhere(scenario: Scenario): InMemoryResult {
  const results = PLACEMENTS.map((placement) =>
    runInMemory(scenario, { placement, shuffle: streamOf("7", placement) }),
  );
  for (const result of results) {
    expect(result.end).toBe("finished");
    expectConserved(result);
    expect(result.facts).toEqual(results[0].facts);
    expect(result.epochs).toEqual(results[0].epochs);
    expect(result.digest).toBe(results[0].digest);
    expect(result.events).toBe(results[0].events);
  }
  return results[0];
}

describe("one digest", () => {
  it("is the same under every placement of a healthy run, which masks and loses nothing", () => {
    const result = runEverywhere(tinyScenario());
    expect(result.assignments).toEqual({ dispatched: 192, combined: 192, masked: 0, lost: 0 });
    expect(result.fabric.droppedPackets).toBe(0);
    expect(result.facts.filter((record) => record.fact.type.startsWith("qp."))).toEqual([]);
  });

  it("is another for another seed", () => {
    const one = runInMemory(tinyScenario());
    const other = runInMemory(tinyScenario({ run: { seed: "2" } }));
    expect(other.digest).not.toBe(one.digest);
  });

  it("is the same when a NIC is lost for good; what it costs is masked by that fault", () => {
    const faults = [
      { name: "lost", kind: "nic-down" as const, targets: ["node1.nic2"], atPs: 3 * PS_PER_US },
    ];
    const result = runEverywhere(tinyScenario({ faults }));
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault).toEqual([{ fault: "lost", masked: result.assignments.masked, lost: 0 }]);
    expect(result.facts.some((record) => record.fact.type === "qp.failed")).toBe(true);
  });

  it("is the same when the NIC heals before the last retry; then nothing is masked", () => {
    const faults = [
      {
        name: "flap",
        kind: "nic-down" as const,
        targets: ["node1.nic2"],
        atPs: 3 * PS_PER_US,
        healAtPs: 3 * PS_PER_MS,
      },
    ];
    const result = runEverywhere(tinyScenario({ faults }));
    expect(result.assignments.masked).toBe(0);
    expect(result.facts.some((record) => record.fact.type === "qp.retransmitted")).toBe(true);
  });

  it("is the same when a GPU dies; its own assignments are lost to that fault", () => {
    const faults = [
      { name: "dead", kind: "gpu-dead" as const, targets: ["node0.gpu1"], atPs: 5 * PS_PER_US },
    ];
    const result = runEverywhere(tinyScenario({ faults }));
    expect(result.assignments.lost).toBeGreaterThan(0);
    expect(result.assignments.masked).toBeGreaterThan(0);
  });
});
