/** Who has to leave a group, from what its ranks say of one another. */
import { describe, expect, it } from "vitest";
import { Exclusion, type GroupShape } from "../../actors/controller/exclusion.ts";

/** Two nodes of four ranks on four planes: rank 5 is node 1's second. */
const PXN: GroupShape = { size: 8, ranksPerNode: 4, planes: 4, relays: "pxn" };
const ALL = new Uint8Array(8).fill(1);

/** `pairs`: who gave whom up. */
function leavers(
  shape: GroupShape,
  pairs: readonly (readonly [by: number, about: number])[],
  { isIn = ALL, leaving = [] as readonly number[], sick = [] as readonly number[] } = {},
): number[] {
  const exclusion = new Exclusion(shape);
  for (const [by, about] of pairs) {
    exclusion.add({ by, about, fault: 0 }, sick.includes(by));
  }
  return exclusion.leavers(isIn, leaving);
}

describe("who has to leave", () => {
  it("is nobody as long as nobody complains", () => {
    expect(leavers(PXN, [])).toEqual([]);
  });

  it("is whom all complain of, and whom it complains of stay", () => {
    const pairs = [0, 1, 2, 3, 4, 6, 7].map((by) => [by, 5] as const);
    expect(leavers(PXN, [...pairs, [5, 0]])).toEqual([5]);
  });

  it("is who messages between others pass through, not these others", () => {
    // Rank 1 and rank 6 meet through 5 (plane 1 there) and 2 (plane 2 here); so do 1 and 7.
    const pairs = [
      [1, 5],
      [0, 5],
      [1, 6],
      [6, 1],
      [7, 1],
      [1, 7],
    ] as const;
    expect(leavers(PXN, pairs)).toEqual([5]);
  });

  it("is one of two that only complain of each other: who sees its own ports down", () => {
    expect(
      leavers(PXN, [
        [2, 6],
        [6, 2],
      ]),
    ).toEqual([2]);
    expect(
      leavers(
        PXN,
        [
          [2, 6],
          [6, 2],
        ],
        { sick: [6] },
      ),
    ).toEqual([6]);
  });

  it("is who wants to leave by itself", () => {
    expect(leavers(PXN, [[3, 3]])).toEqual([3]);
  });

  it("stays who leaves already, and what that explains is explained", () => {
    const pairs = [
      [1, 6],
      [6, 1],
      [7, 1],
    ] as const;
    expect(leavers(PXN, pairs, { leaving: [5] })).toEqual([5]);
    // Somebody new: 5 is no explanation for what 0 says of 3.
    expect(leavers(PXN, [...pairs, [0, 3]], { leaving: [5] })).toEqual([3, 5]);
  });

  it("is not who is out already: messages go round it", () => {
    const isIn = ALL.slice();
    isIn[5] = 0;
    expect(
      leavers(
        PXN,
        [
          [1, 6],
          [6, 1],
        ],
        { isIn },
      ),
    ).toEqual([1]);
    expect(leavers(PXN, [[1, 5]], { isIn })).toEqual([]);
  });

  it("is in the normal protocol also who cannot do without the one that leaves", () => {
    // Without rank 5 its node cannot reach rank 1, nor rank 1 that node: 1 explains all of it.
    const normal: GroupShape = { ...PXN, relays: "normal" };
    const pairs = [0, 2, 3].map((by) => [by, 5] as const);
    expect(leavers(normal, pairs)).toEqual([1, 5]);
  });
});

describe("who can come in", () => {
  it("is anybody, but in the normal protocol not without its relays", () => {
    const isIn = ALL.slice();
    isIn[1] = 0;
    isIn[5] = 0;
    expect(new Exclusion(PXN).fit([5], isIn)).toEqual([5]);
    const normal = new Exclusion({ ...PXN, relays: "normal" });
    expect(normal.fit([5], isIn)).toEqual([]);
    expect(normal.fit([1, 5], isIn)).toEqual([1, 5]);
  });
});
