/** The logarithm against the engine's own, which is right to a bit or two; and exact points. */
import { describe, expect, it } from "vitest";
import { expOf } from "../../src/base/exp.ts";
import { lnOf } from "../../src/base/ln.ts";

describe("lnOf", () => {
  it("is exactly 0 at 1", () => {
    expect(lnOf(1)).toBe(0);
  });

  it("agrees with Math.log to 1e-15 for whole numbers, fractions, and numbers next to 1", () => {
    const points = [1 + 2 ** -52, 1 - 2 ** -53, 0.7071067811865475, Math.SQRT1_2, Math.E];
    for (let n = 2; n <= 4_096; n += 1) points.push(n, 1 / n, 1 + 1 / n, 1 - 1 / n);
    for (const x of points) {
      const error = Math.abs(lnOf(x) / Math.log(x) - 1);
      expect(error, `x = ${x}`).toBeLessThan(1e-15);
    }
  });

  it("agrees with Math.log over the whole range of exponents, subnormal numbers included", () => {
    for (let exponent = -1_074; exponent <= 1_023; exponent += 1) {
      const x = 2 ** exponent * (exponent > -1_000 ? 1.37 : 1);
      const error = Math.abs(lnOf(x) / Math.log(x) - 1);
      expect(error, `x = ${x}`).toBeLessThan(1e-15);
    }
  });

  it("undoes the exponential", () => {
    for (let x = -20; x <= 20; x += 0.37) expect(lnOf(expOf(x))).toBeCloseTo(x, 13);
  });

  it("refuses what has no logarithm", () => {
    for (const x of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => lnOf(x)).toThrow("ln-domain");
    }
  });
});
