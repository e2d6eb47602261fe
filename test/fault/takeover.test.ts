/**
 * Redundant experts: from the next layer on, the live replicas of an expert serve what a masked
 * rank served; experts that nobody else has are named as missing. Without takeover a masked
 * replica's share of the tokens is skipped although others live.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type ExpertsSpec, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const LAYERS = 4;
const LOST = "node0.gpu1";

/** The same physical experts in every layer; rank r holds the r-th equal part. */
function placed(row: readonly number[]): ExpertsSpec {
  const rows = Array.from({ length: LAYERS }, () => row);
  return {
    redundant: row.length - 16,
    placement: "eplb",
    physicalToLogical: new Uint8Array(rows.flat().flatMap((expert) => [expert, 0])),
  };
}

const ALL = Array.from({ length: 16 }, (_, expert) => expert);
/**
 * 4 a rank: each expert once on either node, in different places there: the neighbours of a dead
 * rank lose the rank in its place of the other node, too.
 */
const TWICE = placed([...ALL, ...ALL.slice(4), ...ALL.slice(0, 4)]);
/** 3 a rank: rank 1 holds 3, 4 and 5; 4 is nowhere else. */
const PARTLY = placed([...ALL, 0, 1, 2, 3, 5, 8, 9, 10]);

function scenarioWith(experts: ExpertsSpec, takeover: boolean, faults?: FaultSpec[]): Scenario {
  const dead: FaultSpec = {
    name: "dead",
    kind: "gpu-dead",
    targets: [LOST],
    atPs: 5 * PS_PER_US,
  };
  return tinyScenario({
    workload: { tokensPerGpu: 32, steps: 3 },
    experts,
    faults: faults ?? [dead],
    transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: 100 * PS_PER_MS },
    recovery: { ...DEFAULT_RECOVERY, takeover },
  });
}

/** Masked assignments of the ranks that live, in the last step. */
function maskedInTheEnd(scenario: Scenario, result: InMemoryResult): number {
  return said(scenario, result, "combine.completed")
    .filter(({ step }) => step === 2)
    .reduce((sum, { masked }) => sum + masked, 0);
}

describe("takeover", () => {
  it("leaves nothing masked once the rank is, when every expert has another replica", () => {
    const scenario = scenarioWith(TWICE, true);
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    const masks = said(scenario, result, "rank.masked").map(({ rank }) => rank);
    expect(masks).toContain(LOST);
    expect(masks).toContain("node1.gpu1");
    expect(maskedInTheEnd(scenario, result)).toBe(0);
    expect(said(scenario, result, "experts.missing")).toEqual([]);
  });

  it("is off by default: a share of the tokens is skipped though replicas live", () => {
    const scenario = scenarioWith(TWICE, false);
    const result = runEverywhere(scenario);
    expect(maskedInTheEnd(scenario, result)).toBeGreaterThan(0);
    expect(said(scenario, result, "experts.missing")).toEqual([]);
  });

  it("spreads what the rank served over the ranks that still have its experts", () => {
    // Everything lives on all eight ranks: sixteen experts a rank.
    const everywhere = placed(Array.from({ length: 8 }, () => ALL).flat());
    const fleet = scenarioWith(everywhere, true);
    // Without NVLink nobody is reached through the dead rank.
    const scenario: Scenario = {
      ...fleet,
      cluster: { ...fleet.cluster, planes: 1 },
      workload: { ...fleet.workload, intraNode: "rdma" },
    };
    const result = runInMemory(scenario);
    const received = new Map<string, number>();
    for (const fact of said(scenario, result, "dispatch.completed")) {
      if (fact.step === 0) continue;
      received.set(fact.by, (received.get(fact.by) ?? 0) + fact.received);
    }
    // 7 ranks of 32 tokens with 2 choices, in 3 layers of 2 steps. One successor alone would have
    // twice what the others have.
    const loads = [...received.values()];
    expect(loads).toHaveLength(7);
    expect(loads.reduce((total, load) => total + load, 0)).toBe(7 * 32 * 2 * 3 * 2);
    expect(Math.max(...loads)).toBeLessThan(1.4 * Math.min(...loads));
  });

  it("names the experts that nobody else has, once a rank and mask", () => {
    const scenario = scenarioWith(PARTLY, true);
    const result = runEverywhere(scenario);
    const missing = said(scenario, result, "experts.missing").filter(({ rank }) => rank === LOST);
    const masks = said(scenario, result, "rank.masked").filter(({ rank }) => rank === LOST);
    expect(missing.map(({ by }) => by).sort()).toEqual(masks.map(({ by }) => by).sort());
    for (const { experts, fault } of missing) {
      expect(experts).toEqual([4]);
      expect(fault).toBe("dead");
    }
    // Its tokens are skipped, and those only.
    expect(maskedInTheEnd(scenario, result)).toBeGreaterThan(0);
    const without = scenarioWith(PARTLY, false);
    expect(maskedInTheEnd(scenario, result)).toBeLessThan(
      maskedInTheEnd(without, runInMemory(without)),
    );
  });
});
