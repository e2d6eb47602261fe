/** Drawn scores: standard normal logits, and the same scores as the gate gives to those logits. */
import { describe, expect, it } from "vitest";
import { expOf } from "../../src/base/exp.ts";
import { streamOf } from "../../src/base/random.ts";
import { drawNormal, makeScoreDraw } from "../../src/workload/drawn-scores.ts";
import { makeGate } from "../../src/workload/gate.ts";
import { DEEPSEEK_V3 } from "./shapes.ts";

const SEED = "977";

describe("drawNormal", () => {
  it("has mean 0, variance 1 and the flatness of a sum of four", () => {
    const stream = streamOf(SEED, "moments");
    const count = 200_000;
    let [sum, squares, fourths, largest] = [0, 0, 0, 0];
    for (let draw = 0; draw < count; draw += 1) {
      const x = drawNormal(stream);
      sum += x;
      squares += x * x;
      fourths += x ** 4;
      largest = Math.max(largest, Math.abs(x));
    }
    expect(largest).toBeLessThan(3.47);
    expect(Math.abs(sum / count)).toBeLessThan(0.01);
    expect(Math.abs(squares / count - 1)).toBeLessThan(0.015);
    // Kurtosis of the sum of n uniform numbers is 3 - 6 / (5 n).
    expect(Math.abs(fourths / count - 2.7)).toBeLessThan(0.1);
  });
});

describe("makeScoreDraw", () => {
  for (const scoring_func of ["sigmoid", "softmax"] as const) {
    it(`routes as the gate does on the same logits: ${scoring_func}`, () => {
      const shape = { ...DEEPSEEK_V3, scoring_func };
      const gate = makeGate(shape);
      const scoring = makeScoreDraw(scoring_func);
      const forScores = streamOf(SEED, scoring_func);
      const forLogits = streamOf(SEED, scoring_func);
      const offsets = Float64Array.from({ length: 256 }, (_, expert) => (expert % 7) / 3 - 1);
      const powers = offsets.map((offset) => expOf(-offset));
      const bias = new Float64Array(256);
      const scores = new Float64Array(256);
      const experts = new Int32Array(16);
      const weights = new Int32Array(16);
      for (let token = 0; token < 100; token += 1) {
        scoring.draw(forScores, powers, scores);
        const logits = offsets.map((offset) => drawNormal(forLogits) + offset);
        gate.chooseScored(scores, bias, experts, weights, 0);
        gate.choose(logits, bias, experts, weights, 8);
        const label = `seed ${SEED}, token ${token}`;
        expect([...experts.subarray(0, 8)], label).toEqual([...experts.subarray(8)]);
        for (let place = 0; place < 8; place += 1) {
          expect(Math.abs(weights[place] - weights[place + 8]), label).toBeLessThanOrEqual(1);
        }
      }
    });
  }
});
