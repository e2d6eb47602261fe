/**
 * Protocols, grains and schedules as whole runs: every combination combines all it dispatches, the
 * same everywhere, and overlapping pays.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { Scenario, WorkloadSpec } from "../../src/model/scenario.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

const RANKS = 8;

type StepCompleted = Extract<Fact, { type: "step.completed" }>;

/** Longest step of any rank, ps. */
function stepPs(result: InMemoryResult): number {
  const steps = result.facts.map(({ fact }) => fact).filter(isStep);
  return Math.max(...steps.map(({ durationPs }) => durationPs));
}

function isStep(fact: Fact): fact is StepCompleted {
  return fact.type === "step.completed";
}

const SCHEDULES: readonly Partial<WorkloadSpec>[] = [
  { phase: "decode", microBatches: 1 },
  { phase: "decode", microBatches: 2 },
  { phase: "prefill", microBatches: 1 },
  { phase: "prefill", microBatches: 2 },
  { phase: "training", pass: "overlapped" },
  { phase: "training", pass: "forward" },
  { phase: "training", pass: "backward" },
  { phase: "all-to-all" },
];

/** Every schedule with every protocol, grain and way inside the node. */
const COMBINATIONS: readonly Partial<WorkloadSpec>[] = SCHEDULES.flatMap((schedule) =>
  (["token", "message"] as const).flatMap((grain) => [
    { ...schedule, grain, protocol: "low-latency" as const, intraNode: "nvlink" as const },
    { ...schedule, grain, protocol: "low-latency" as const, intraNode: "rdma" as const },
    { ...schedule, grain, protocol: "normal" as const },
  ]),
);

/** RDMA inside a node needs rails that are joined. */
function scenarioOf(workload: Partial<WorkloadSpec>): Scenario {
  const network = workload.intraNode === "rdma" ? "mrft" : "mpft";
  return tinyScenario({ cluster: { network }, workload: { steps: 2, ...workload } });
}

describe("every protocol, grain and schedule", () => {
  it.each(COMBINATIONS.map((workload) => [Object.values(workload).join(" "), workload] as const))(
    "%s: all is combined, right and accounted for",
    (_, workload) => {
      const result = runInMemory(scenarioOf(workload));
      expectHealthy(result);
      const chains = workload.phase === "decode" || workload.phase === "prefill";
      const isBoth = workload.phase === "training" && workload.pass === "overlapped";
      const batches = chains ? (workload.microBatches ?? 1) : isBoth ? 2 : 1;
      // 8 ranks, 4 tokens, top-2, 3 layers with experts, 2 steps.
      expect(result.assignments.dispatched).toBe(RANKS * 4 * 2 * 3 * 2 * batches);
    },
  );

  it.each([
    ["decode, low-latency", { phase: "decode", microBatches: 2, grain: "message" }],
    ["prefill, normal", { phase: "prefill", microBatches: 2, protocol: "normal" }],
    ["training, normal", { phase: "training", protocol: "normal", grain: "message" }],
    ["all-to-all, RDMA", { phase: "all-to-all", intraNode: "rdma", grain: "token" }],
  ] as const)("%s: is the same when every device has its own process", (_, workload) => {
    const scenario = scenarioOf(workload);
    const one = runInMemory(scenario, { placement: "single" });
    const spread = runInMemory(scenario, { placement: "actor", shuffle: streamOf("1", "spread") });
    expect(spread.digest).toBe(one.digest);
    expect(spread.facts).toEqual(one.facts);
    expect(spread.workers).toBeGreaterThan(20);
  });

  it("is another run, with another digest, in each combination", () => {
    const digests = COMBINATIONS.map((workload) => runInMemory(scenarioOf(workload)).digest);
    expect(new Set(digests).size).toBe(COMBINATIONS.length);
  });
});

describe("facts of a step", () => {
  it.each([
    [["batch0"], { phase: "decode" }],
    [["batch0", "batch1"], { phase: "decode", microBatches: 2 }],
    [["forward", "backward"], { phase: "training" }],
    [["backward"], { phase: "training", pass: "backward" }],
  ] as const)("name their chain: %j", (chains, workload) => {
    const { facts } = runInMemory(scenarioOf({ ...workload, steps: 1 }));
    for (const type of ["dispatch.completed", "combine.completed", "layer.completed"] as const) {
      const counts = new Map<string, number>();
      for (const { fact } of facts) {
        if (fact.type === type) counts.set(fact.chain, (counts.get(fact.chain) ?? 0) + 1);
      }
      // A dense layer has no exchange.
      const layers = type === "layer.completed" ? 4 : 3;
      expect(counts, type).toEqual(new Map(chains.map((chain) => [chain, RANKS * layers])));
    }
  });

  it("step.completed comes once a rank and step, and its durations fill the run of the rank", () => {
    const { facts } = runInMemory(scenarioOf({ steps: 3, microBatches: 2 }));
    const finished = facts.filter(({ fact }) => fact.type === "rank.finished");
    expect(finished.length).toBe(RANKS);
    for (const { actor, atPs } of finished) {
      const steps = facts.flatMap((record) =>
        record.actor === actor && isStep(record.fact) ? [record.fact] : [],
      );
      expect(steps.map(({ step }) => step)).toEqual([0, 1, 2]);
      expect(steps.reduce((sum, { durationPs }) => sum + durationPs, 0)).toBe(atPs);
      for (const { durationPs } of steps) expect(durationPs).toBeGreaterThan(0);
    }
  });
});

describe("overlap", () => {
  /** Attention takes 15 us, and an exchange about as long. */
  const model = { ...TINY_MODEL, attentionParameters: 50e6 };

  it.each(["low-latency", "normal"] as const)(
    "of two micro-batches in decode takes less than twice as long as one, %s",
    (protocol) => {
      const timeOf = (microBatches: number): number =>
        stepPs(runInMemory(tinyScenario({ model, workload: { protocol, microBatches } })));
      const onePs = timeOf(1);
      const bothPs = timeOf(2);
      expect(bothPs).toBeGreaterThan(onePs);
      expect(bothPs).toBeLessThan(1.8 * onePs);
    },
  );

  it("of two micro-batches takes twice as long where nothing can be hidden", () => {
    const noNetwork = tinyScenario({ model, workload: { layers: [0] } });
    const both = tinyScenario({ model, workload: { layers: [0], microBatches: 2 } });
    expect(stepPs(runInMemory(both))).toBe(2 * stepPs(runInMemory(noNetwork)));
  });

  it("in training takes much less than forward and backward one after the other", () => {
    const trained = { ...TINY_MODEL, hidden_size: 1_024, attentionParameters: 5e6 };
    const timeOf = (pass: WorkloadSpec["pass"]): number => {
      const workload = {
        phase: "training",
        protocol: "normal",
        grain: "message",
        tokensPerGpu: 256,
      } as const;
      return stepPs(runInMemory(tinyScenario({ model: trained, workload: { ...workload, pass } })));
    };
    const [overlappedPs, forwardPs, backwardPs] = [
      timeOf("overlapped"),
      timeOf("forward"),
      timeOf("backward"),
    ];
    expect(overlappedPs).toBeLessThan(0.85 * (forwardPs + backwardPs));
    expect(overlappedPs).toBeGreaterThan(Math.max(forwardPs, backwardPs));
  });
});
