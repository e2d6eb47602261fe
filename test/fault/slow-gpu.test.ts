/**
 * A straggler: every computation that begins while the fault is in force takes `slowdown` times as
 * long, and since each exchange needs all ranks, all of them take the straggler's time.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { computeTimes } from "../../src/workload/compute-time.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const SLOW = "node0.gpu1";
const { model, hardware, workload } = tinyScenario();
const spans = computeTimes(model, hardware, workload);
const ATTENTION_PS = spans["attention-forward"].fixedPs;
const DENSE_PS = spans["dense-forward"].fixedPs;
/** What the first attention does not take longer: it begins before the fault. */
const FIRST_PS = 2 * ATTENTION_PS;

function scenarioWith(slowdown: number, atPs: number, healAtPs?: number): Scenario {
  const fault: FaultSpec = {
    name: "straggler",
    kind: "slow-gpu",
    targets: [SLOW],
    atPs,
    ...(healAtPs !== undefined && { healAtPs }),
    parameters: { slowdown },
  };
  return tinyScenario({ faults: [fault] });
}

/** How long the dense layer, attention and then an MLP, took on each rank, ps. */
function denseLayers(scenario: Scenario): Map<string, number> {
  const layers = said(scenario, runInMemory(scenario), "layer.completed");
  return new Map(
    layers.filter(({ layer }) => layer === 0).map(({ by, durationPs }) => [by, durationPs]),
  );
}

describe("a slow GPU", () => {
  it("takes its slowdown, to the whole ps above, in what begins after the onset", () => {
    // The onset is in the middle of attention, which goes on at its old speed.
    const layers = denseLayers(scenarioWith(1.1, Math.round(ATTENTION_PS / 2)));
    expect(layers.get(SLOW)).toBe(ATTENTION_PS + Math.ceil(DENSE_PS * 1.1));
    expect(layers.get("node0.gpu0")).toBe(ATTENTION_PS + DENSE_PS);
  });

  it("is slow to the end of a computation in whose middle it heals", () => {
    const heal = Math.round(ATTENTION_PS + DENSE_PS / 2);
    const layers = denseLayers(scenarioWith(2, Math.round(ATTENTION_PS / 2), heal));
    expect(layers.get(SLOW)).toBe(ATTENTION_PS + 2 * DENSE_PS);
    const before = denseLayers(scenarioWith(2, 1, ATTENTION_PS - 1));
    expect(before.get(SLOW)).toBe(ATTENTION_PS + DENSE_PS);
  });

  it.each(["low-latency", "normal"] as const)("makes every rank wait for it (%s)", (protocol) => {
    const slow = scenarioWith(3, 1);
    const scenario = { ...slow, workload: { ...slow.workload, protocol } };
    const result = runEverywhere(scenario);
    // The straggler comes to the first dispatch later by what its computations took longer.
    const behindPs = 2 * (ATTENTION_PS + DENSE_PS + ATTENTION_PS);
    const dispatches = said(scenario, result, "dispatch.completed");
    const [own] = dispatches.filter(({ by }) => by === SLOW);
    expect(own.layer).toBe(1);
    expect(own.atPs - own.durationPs).toBe(3 * (ATTENTION_PS + DENSE_PS + ATTENTION_PS) - FIRST_PS);
    for (const { by, layer, durationPs } of dispatches) {
      if (by !== SLOW && layer === 1) expect(durationPs).toBeGreaterThan(behindPs - FIRST_PS);
      if (by !== SLOW) expect(durationPs).toBeGreaterThan(own.durationPs);
    }
    const types = result.facts.map(({ fact }) => fact.type);
    expect(types).not.toContain("rank.masked");
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
  });
});
