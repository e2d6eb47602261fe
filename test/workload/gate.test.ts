/**
 * The gate against examples worked by hand and against a plain, slow statement of the same rule.
 */
import { describe, expect, it } from "vitest";
import { expOf, sigmoid } from "../../src/base/exp.ts";
import { streamOf } from "../../src/base/random.ts";
import { type GateShape, makeGate, WEIGHT_ONE } from "../../src/workload/gate.ts";
import { DEEPSEEK_V3, SMALL } from "./shapes.ts";

interface Choice {
  experts: number[];
  weights: number[];
}

function choose(shape: GateShape, logits: number[], bias: number[] = logits.map(() => 0)): Choice {
  const experts = new Int32Array(shape.num_experts_per_tok);
  const weights = new Int32Array(shape.num_experts_per_tok);
  makeGate(shape).choose(Float64Array.from(logits), Float64Array.from(bias), experts, weights, 0);
  return { experts: [...experts], weights: [...weights] };
}

/** The rule again, by sorting whole lists. */
function slowChoice(shape: GateShape, logits: number[], bias: number[]): Choice {
  const largest = logits.reduce((left, right) => (right > left ? right : left));
  const powers = logits.map((logit) => expOf(logit - largest));
  const powerSum = powers.reduce((left, right) => left + right);
  const scores =
    shape.scoring_func === "sigmoid"
      ? logits.map(sigmoid)
      : powers.map((power) => power / powerSum);
  const biased = scores.map((score, expert) => score + bias[expert]);
  const groupSize = logits.length / shape.n_group;
  const byScore = (of: number[]) => (left: number, right: number) =>
    of[right] - of[left] || left - right;
  const groupScores = Array.from({ length: shape.n_group }, (_, group) =>
    biased
      .slice(group * groupSize, (group + 1) * groupSize)
      .sort((left, right) => right - left)
      .slice(0, 2)
      .reduce((left, right) => left + right),
  );
  const kept = new Set(
    [...groupScores.keys()].sort(byScore(groupScores)).slice(0, shape.topk_group),
  );
  const experts = [...biased.keys()]
    .filter((expert) => kept.has(Math.floor(expert / groupSize)))
    .sort(byScore(biased))
    .slice(0, shape.num_experts_per_tok);
  const sum = experts.reduce((total, expert) => total + scores[expert], 0);
  const weights = experts.map((expert) => {
    const weight = shape.norm_topk_prob ? scores[expert] / (sum + 1e-20) : scores[expert];
    return Math.round(weight * (shape.routed_scaling_factor * WEIGHT_ONE));
  });
  return { experts, weights };
}

describe("the gate, by hand", () => {
  it("keeps the groups whose two best experts sum highest, not the group of the single best", () => {
    // Scores by group: (0.9, 0.1) = 1.0, (0.6, 0.6) = 1.2, (0.7, 0.45) = 1.15, (0.2, 0.2) = 0.4.
    const scores = [0.9, 0.1, 0.6, 0.6, 0.7, 0.45, 0.2, 0.2];
    const logits = scores.map((score) => Math.log(score / (1 - score)));
    const { experts, weights } = choose(SMALL, logits);
    expect(experts).toEqual([4, 2, 3]);
    const sum = 0.7 + 0.6 + 0.6;
    expect(weights).toEqual([0.7, 0.6, 0.6].map((score) => Math.round((score / sum) * 65_536)));
  });

  it("takes the top 8 of 4 groups out of 8 and gives weights that sum to 2.5", () => {
    // Group g has two experts of logit 8 - g, the rest -5; so groups 0 to 3 are kept whole.
    const logits = Array.from({ length: 256 }, (_, expert) =>
      expert % 32 < 2 ? 8 - Math.floor(expert / 32) : -5,
    );
    const { experts, weights } = choose(DEEPSEEK_V3, logits);
    expect(experts).toEqual([0, 1, 32, 33, 64, 65, 96, 97]);
    const total = weights.reduce((left, right) => left + right);
    expect(Math.abs(total - 2.5 * 65_536)).toBeLessThanOrEqual(4);
    expect(weights[0]).toBeGreaterThan(weights[7]);
  });

  it("breaks ties of experts and of groups to the lower index", () => {
    expect(choose(SMALL, [0, 0, 0, 0, 0, 0, 0, 0]).experts).toEqual([0, 1, 2]);
    expect(choose(SMALL, [-1, -1, 1, 1, -1, -1, 1, 1]).experts).toEqual([2, 3, 6]);
    expect(choose(SMALL, [-9, -9, 0, 0, 1, 1, 0, 0]).experts).toEqual([4, 5, 2]);
  });

  it("lets the bias decide the choice but not the weights", () => {
    const bias = [0, 0, 0, 0, 0, 0, 5, 5];
    const { experts, weights } = choose(SMALL, [0, 0, 0, 0, 0, 0, 0, 0], bias);
    expect(experts).toEqual([6, 7, 0]);
    expect(weights).toEqual([21_845, 21_845, 21_845]);
  });

  it("chooses inside the kept groups even when every biased score there is negative", () => {
    const bias = [-3, -3, -2, -2, -4, -4, -5, -5];
    expect(choose(SMALL, [0, 0, 0, 0, 0, 0, 0, 0], bias).experts).toEqual([2, 3, 0]);
  });

  it("gives the plain scores, scaled, when the model does not normalise", () => {
    const shape = { ...SMALL, norm_topk_prob: false, routed_scaling_factor: 2 };
    expect(choose(shape, [0, 0, 0, 0, 0, 0, 0, 0]).weights).toEqual([65_536, 65_536, 65_536]);
  });

  it("is a plain softmax top-k for a model without groups", () => {
    const shape: GateShape = {
      ...SMALL,
      n_group: 1,
      topk_group: 1,
      scoring_func: "softmax",
      norm_topk_prob: false,
    };
    const logits = [1, 2, 4, 8, 16, 32, 64, 128].map(Math.log);
    const { experts, weights } = choose(shape, logits);
    expect(experts).toEqual([7, 6, 5]);
    expect(weights).toEqual([128, 64, 32].map((power) => Math.round((power / 255) * 65_536)));
  });

  it("writes from the place it is given and nowhere else", () => {
    const experts = new Int32Array(9).fill(-7);
    const weights = new Int32Array(9).fill(-7);
    makeGate(SMALL).choose(new Float64Array(8), new Float64Array(8), experts, weights, 3);
    expect([...experts]).toEqual([-7, -7, -7, 0, 1, 2, -7, -7, -7]);
    expect([...weights]).toEqual([-7, -7, -7, 21_845, 21_845, 21_845, -7, -7, -7]);
  });
});

describe("the gate, against the slow statement of the rule", () => {
  const shapes: [string, GateShape][] = [
    ["DeepSeek-V3", DEEPSEEK_V3],
    [
      "softmax without groups",
      { ...DEEPSEEK_V3, n_group: 1, topk_group: 1, scoring_func: "softmax" },
    ],
    ["groups of one expert", { ...SMALL, n_group: 8, topk_group: 5 }],
    ["all groups kept", { ...DEEPSEEK_V3, topk_group: 8, norm_topk_prob: false }],
  ];
  for (const [name, shape] of shapes) {
    it(`agrees on drawn logits and biases, many of them tied: ${name}`, () => {
      const seed = "20251";
      const stream = streamOf(seed, name);
      for (let round = 0; round < 300; round += 1) {
        // Every third round is coarse, so that scores tie often.
        const steps = round % 3 === 0 ? 4 : 4_096;
        const draw = () => (stream.below(steps) / steps - 0.5) * 6;
        const logits = Array.from({ length: shape.n_routed_experts }, draw);
        const bias = logits.map(() => (round % 2 === 0 ? 0 : draw() / 10));
        const found = choose(shape, logits, bias);
        expect(found, `seed ${seed}, round ${round}`).toEqual(slowChoice(shape, logits, bias));
        const groupSize = shape.n_routed_experts / shape.n_group;
        const groups = new Set(found.experts.map((expert) => Math.floor(expert / groupSize)));
        expect(groups.size).toBeLessThanOrEqual(shape.topk_group);
        expect(new Set(found.experts).size).toBe(shape.num_experts_per_tok);
      }
    });
  }

  it("leaves no trace of one token in the next", () => {
    const gate = makeGate(DEEPSEEK_V3);
    const stream = streamOf("7", "trace");
    const draw = () => Float64Array.from({ length: 256 }, () => stream.unit() * 4 - 2);
    const first = draw();
    const experts = new Int32Array(24);
    const weights = new Int32Array(24);
    const bias = new Float64Array(256);
    gate.choose(first, bias, experts, weights, 0);
    gate.choose(draw(), bias, experts, weights, 8);
    gate.choose(first, bias, experts, weights, 16);
    expect([...experts.subarray(16)]).toEqual([...experts.subarray(0, 8)]);
    expect([...weights.subarray(16)]).toEqual([...weights.subarray(0, 8)]);
  });
});

describe("the gate refuses", () => {
  it("shapes that contradict themselves", () => {
    expect(() => makeGate({ ...SMALL, n_group: 3 })).toThrow("gate-shape");
    expect(() => makeGate({ ...SMALL, topk_group: 5 })).toThrow("gate-shape");
    expect(() => makeGate({ ...SMALL, num_experts_per_tok: 5 })).toThrow("gate-shape");
  });

  it("logits that are not numbers", () => {
    const logits = [1, 1, 1, 1, 1, 1, 1, 1].map(() => Number.NaN);
    expect(() => choose(SMALL, logits)).toThrow("gate-input-is-a-number");
    const free = { ...SMALL, n_group: 1, topk_group: 1 };
    expect(() => choose(free, logits)).toThrow("gate-input-is-a-number");
  });
});
