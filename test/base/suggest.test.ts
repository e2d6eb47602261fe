/** Suggestions: near words are found, far ones are not. */
import { describe, expect, it } from "vitest";
import { didYouMean, editDistance, nearest } from "../../src/base/suggest.ts";

describe("edit distance", () => {
  it.each([
    ["", "", 0],
    ["planes", "planes", 0],
    ["plains", "planes", 2],
    ["plnaes", "planes", 1],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
  ])("from '%s' to '%s' is %i", (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe("edit distance with a bound", () => {
  it("is exact up to the bound and above it beyond", () => {
    const words = [
      "planes",
      "plains",
      "plnaes",
      "spines",
      "node2.nic3",
      "node3.nic2",
      "",
      "ab",
      "ba",
    ];
    for (const left of words) {
      for (const right of words) {
        const exact = editDistance(left, right);
        for (const most of [0, 1, 2]) {
          const bounded = editDistance(left, right, most);
          expect(Math.min(bounded, most + 1)).toBe(Math.min(exact, most + 1));
        }
      }
    }
  });
});

describe("a suggestion", () => {
  it("is the nearest word within two edits", () => {
    expect(nearest("stepz", ["stops", "steps"])).toBe("steps");
    expect(didYouMean("PLANES", ["planes"])).toBe("did you mean 'planes'?");
  });

  it("is not made from far away, for one letter, or for a novel", () => {
    expect(nearest("workload", ["routing", "run"])).toBeUndefined();
    expect(nearest("x", ["at", "to"])).toBeUndefined();
    expect(nearest("a".repeat(100), ["a".repeat(100)])).toBeUndefined();
  });
});
