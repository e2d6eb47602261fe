/** Figures of steps and all-to-alls: definitions, and what a step of each phase finishes. */
import { describe, expect, it } from "vitest";
import { percentiles, stepFigures, stepTimes, stepWorkload } from "../../cluster/run-figures.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";

describe("percentiles", () => {
  it("are nearest ranks: the smallest sample that so many per cent do not exceed", () => {
    const hundred = Array.from({ length: 100 }, (_, place) => 100 - place);
    expect(percentiles(hundred)).toEqual({ samples: 100, p50Ps: 50, p99Ps: 99, worstPs: 100 });
    expect(percentiles([7, 3, 5])).toEqual({ samples: 3, p50Ps: 5, p99Ps: 7, worstPs: 7 });
    expect(percentiles([4])).toEqual({ samples: 1, p50Ps: 4, p99Ps: 4, worstPs: 4 });
  });

  it("and means of nothing are not there, instead of zero", () => {
    expect(percentiles([])).toBeUndefined();
    expect(stepTimes([])).toBeUndefined();
  });
});

describe("a step", () => {
  const times = stepTimes([PS_PER_MS, 3 * PS_PER_MS]);
  const figuresOf = (workload: Partial<Scenario["workload"]>) =>
    stepFigures(times, stepWorkload(tinyScenario({ workload: { tokensPerGpu: 8, ...workload } })));

  it("has the mean and the worst of ranks and steps", () => {
    expect(times).toEqual({ samples: 2, meanPs: 2 * PS_PER_MS, worstPs: 3 * PS_PER_MS });
  });

  it("of decode yields its micro-batches, times the tokens that are accepted", () => {
    const plain = { microBatches: 2, acceptedTokensPerStep: 1 };
    expect(figuresOf(plain)).toMatchObject({
      tpotPs: 2 * PS_PER_MS,
      tokensPerSecondPerGpu: (8 * 2) / 0.002,
    });
    const predicted = figuresOf({ ...plain, acceptedTokensPerStep: 1.6 });
    expect(predicted?.tpotPs).toBe(1.25 * PS_PER_MS);
    expect(predicted?.tokensPerSecondPerGpu).toBeCloseTo((8 * 2 * 1.6) / 0.002, 6);
  });

  it("of prefill has no time per output token", () => {
    const figures = figuresOf({ phase: "prefill", microBatches: 2 });
    expect(figures).not.toHaveProperty("tpotPs");
    expect(figures?.tokensPerSecondPerGpu).toBe((8 * 2) / 0.002);
  });

  it("of training trains one micro-batch: forward of one, backward of another", () => {
    for (const pass of ["overlapped", "forward", "backward"] as const) {
      const figures = figuresOf({ phase: "training", pass, microBatches: 2 });
      expect(figures?.tokensPerSecondPerGpu).toBe(8 / 0.002);
    }
  });

  it("of exchanges alone has no rate", () => {
    expect(figuresOf({ phase: "all-to-all" })).toBeUndefined();
  });

  it("with recorded routing has the mean of the ranks' tokens", () => {
    const table = { topK: 2, layers: [1], tokensOfRank: [1, 7], experts: new Uint8Array(0) };
    const scenario = tinyScenario({ routing: { source: "file", path: "r", table } });
    expect(stepWorkload(scenario).tokensPerGpu).toBe(4);
  });
});
