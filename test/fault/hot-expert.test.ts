/**
 * A hot expert: a share of all tokens chooses it in place of its last choice, so the rank that
 * holds it receives more, computes and answers longer, and every layer takes its time.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** Ranks hold two experts each, in the order of ids. */
const HOT = 10;
const HOLDER = "node1.gpu1";
const TOKENS = 64;

function scenarioWith(sharePerMillion: number, healAtPs?: number): Scenario {
  const fault: FaultSpec = {
    name: "crowd",
    kind: "hot-expert",
    targets: [`expert${HOT}`],
    atPs: 1,
    ...(healAtPs !== undefined && { healAtPs }),
    parameters: { sharePerMillion },
  };
  return tinyScenario({
    model: { hidden_size: 7_168 },
    workload: { tokensPerGpu: TOKENS, steps: 2 },
    faults: sharePerMillion === 0 ? [] : [fault],
  });
}

function receivedBy(scenario: Scenario, result: InMemoryResult, rank: string): number[] {
  return said(scenario, result, "dispatch.completed")
    .filter(({ by }) => by === rank)
    .map(({ received }) => received);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("a hot expert", () => {
  const healthy = scenarioWith(0);
  const calm = runInMemory(healthy);

  it("gets the share of tokens that the fault says, and its rank receives them", () => {
    const scenario = scenarioWith(500_000);
    const result = runEverywhere(scenario);
    const all = 8 * TOKENS;
    const before = mean(receivedBy(healthy, calm, HOLDER));
    const after = mean(receivedBy(scenario, result, HOLDER));
    // Some of the half that is drawn had chosen it anyway, or its neighbour on the rank as last.
    expect(after - before).toBeGreaterThan(0.35 * all);
    expect(after - before).toBeLessThan(0.5 * all);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(result.assignments.dispatched).toBe(calm.assignments.dispatched);
  });

  it("is chosen by every token when the share is all of them, and by each once", () => {
    const crowd = scenarioWith(1_000_000);
    // One expert a rank: whatever its holder receives is for it.
    const model = { ...crowd.model, n_routed_experts: 8 };
    const faults = crowd.faults.map((fault) => ({ ...fault, targets: ["expert5"] }));
    const scenario = { ...crowd, model, faults };
    const result = runInMemory(scenario);
    expect(receivedBy(scenario, result, HOLDER)).toEqual(Array(6).fill(8 * TOKENS));
    expect(result.mismatches).toBe(0);
  });

  it("makes layers longer for everybody, the more the hotter it is", () => {
    const times = [0, 250_000, 500_000, 1_000_000].map((share) => {
      const scenario = scenarioWith(share);
      return mean(
        said(scenario, runInMemory(scenario), "layer.completed")
          .filter(({ layer }) => layer > 0)
          .map(({ durationPs }) => durationPs),
      );
    });
    for (const [place, time] of times.entries()) {
      if (place > 0) expect(time).toBeGreaterThan(times[place - 1]);
    }
    expect(times[3] / times[0]).toBeGreaterThan(1.5);
  });

  it("is as popular as before once it is over", () => {
    const [first] = said(healthy, calm, "step.completed");
    const scenario = scenarioWith(500_000, first.atPs);
    const result = runEverywhere(scenario);
    // Layers take longer while it lasts, so the last layers alone are surely after the heal.
    const last = receivedBy(scenario, result, HOLDER).at(-1);
    expect(last).toBe(receivedBy(healthy, calm, HOLDER).at(-1));
  });

  it("draws other tokens under another seed", () => {
    const one = scenarioWith(500_000);
    const other = { ...one, run: { ...one.run, seed: "2" } };
    expect(receivedBy(one, runInMemory(one), HOLDER)).not.toEqual(
      receivedBy(other, runInMemory(other), HOLDER),
    );
  });
});
