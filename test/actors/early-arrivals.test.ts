/** The responder's bitmap against a set of numbers, for messages that come in any order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EarlyArrivals, RECEIVE_WINDOW } from "../../actors/nic/early-arrivals.ts";

describe("early arrivals", () => {
  it("take each message once, in any order, and pass over what is whole", () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 900 });
    fc.assert(
      fc.property(arrivals, (order) => {
        const early = new EarlyArrivals();
        const seen = new Set<number>();
        let expected = 0;
        for (const psn of order) {
          if (psn === expected) expected = early.pass(psn + 1);
          else if (psn > expected) expect(early.add(psn, expected)).toBe(!seen.has(psn));
          seen.add(psn);
          let whole = 0;
          while (seen.has(whole)) whole += 1;
          expect(expected).toBe(whole);
          expect(early.count).toBe([...seen].filter((one) => one > whole).length);
        }
      }),
    );
  });

  it("hold a whole window and nothing beyond it, wherever it lies", () => {
    for (const expected of [0, 31, 100_003]) {
      const early = new EarlyArrivals();
      expect(early.add(expected + RECEIVE_WINDOW, expected)).toBe(false);
      let taken = 0;
      for (let ahead = RECEIVE_WINDOW - 1; ahead > 0; ahead -= 1) {
        if (early.add(expected + ahead, expected)) taken += 1;
      }
      expect(taken).toBe(RECEIVE_WINDOW - 1);
      expect(early.count).toBe(RECEIVE_WINDOW - 1);
      expect(early.pass(expected + 1)).toBe(expected + RECEIVE_WINDOW);
      expect(early.count).toBe(0);
    }
  });
});
