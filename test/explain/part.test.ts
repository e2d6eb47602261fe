/** Parts partition a span: what does not is refused, and what is cut off leaves the rest whole. */
import { describe, expect, it } from "vitest";
import { checkParts, clipped, type Part, partOf, sharesOf } from "../../src/explain/part.ts";

const LINKS = { type: "healthy", name: "links" } as const;
const FAULT = { type: "fault", name: "slow" } as const;

function part(fromPs: number, untilPs: number, faultPs = 0): Part {
  return partOf({ kind: "hop", fromPs, untilPs, where: "a--b", of: "a", what: "" }, [
    { cause: LINKS, ps: untilPs - fromPs - faultPs },
    { cause: FAULT, ps: faultPs },
  ]);
}

describe("parts", () => {
  it("are accepted when they are contiguous and their shares add up", () => {
    expect(() => checkParts([part(0, 5), part(5, 9, 2)], 0, 9)).not.toThrow();
    expect(() => checkParts([], 3, 3)).not.toThrow();
  });

  it.each([
    ["a gap", [part(0, 5), part(6, 9)]],
    ["an overlap", [part(0, 5), part(4, 9)]],
    ["an end that is too early", [part(0, 5)]],
    ["a part without length", [part(0, 5), part(5, 5), part(5, 9)]],
    ["shares that do not add up", [{ ...part(0, 9), shares: [{ cause: LINKS, ps: 8 }] }]],
    ["a share below zero", [part(0, 9, 10)]],
    ["inner parts with a gap", [{ ...part(0, 9), parts: [part(0, 4), part(5, 9)] }]],
  ])("are refused for %s", (_name, parts) => {
    expect(() => checkParts(parts, 0, 9)).toThrow(/parts-partition/);
  });

  it("keep what is inside a span when they are cut", () => {
    const cut = clipped([part(0, 5), { ...part(5, 9, 2), parts: [part(5, 9, 2)] }], 6, 8);
    expect(() => checkParts(cut, 6, 8)).not.toThrow();
    expect(sharesOf(cut).map(({ cause, ps }) => [cause.name, ps])).toEqual([
      ["links", 1],
      ["slow", 1],
    ]);
    expect(clipped([part(0, 5)], 5, 9)).toEqual([]);
  });
});
