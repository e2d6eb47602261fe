/** What a controller knows of a group, and what follows from it. */
import { describe, expect, it } from "vitest";
import type { GroupShape } from "../../actors/controller/exclusion.ts";
import { Roster } from "../../actors/controller/roster.ts";
import { COMES_IN, IS_IN, Report } from "../../src/model/membership.ts";

const SHAPE: GroupShape = { size: 4, ranksPerNode: 2, planes: 2, relays: "none" };

const report = (rank: number, about: number, fault = 0) => ({
  ...{ rank, about, fault, what: Report.gaveUp, epoch: 0, ordered: 0, isSick: false },
});

describe("a roster", () => {
  it("keeps to it that who was told to leave leaves, whatever is said later", () => {
    const roster = new Roster(SHAPE);
    roster.gaveUp(report(0, 2), false);
    roster.gaveUp(report(2, 0), false);
    expect(roster.leavers()).toEqual([0]);
    roster.toldToLeave([0]);
    // By these alone rank 2 would have to go, and rank 0 could stay.
    for (const rank of [1, 3]) roster.gaveUp(report(rank, 2), false);
    expect(roster.leavers()).toEqual([0, 2]);
    roster.takeUp(Int32Array.of(5, IS_IN, 5, IS_IN));
    expect(roster.leavers()).toEqual([]);
    expect([0, 1, 2, 3].map((rank) => roster.isIn(rank))).toEqual([false, true, false, true]);
  });

  it("names the fault that ranks gave, unless the rank is silent itself by now", () => {
    const roster = new Roster(SHAPE);
    roster.gaveUp(report(1, 2, 7), false);
    expect(roster.faultOf(2)).toBe(7);
    roster.silent(2);
    expect(roster.faultOf(2)).toBeUndefined();
    expect(roster.leavers()).toEqual([2]);
  });

  it("takes in who says hello, also one that nobody has missed: it knows nothing any more", () => {
    const roster = new Roster(SHAPE);
    roster.hello(3);
    expect(roster.leavers()).toEqual([3]);
    expect(roster.comers([3])).toEqual([3]);
    roster.takeUp(Int32Array.of(IS_IN, IS_IN, IS_IN, COMES_IN));
    expect(roster.isIn(3)).toBe(true);
    expect(roster.comers([])).toEqual([]);
  });

  it("is over when all have finished who need not leave", () => {
    const roster = new Roster(SHAPE);
    for (const rank of [0, 1, 2]) roster.finished(rank);
    expect(roster.isOver).toBe(false);
    roster.gaveUp(report(1, 3), false);
    expect(roster.isOver).toBe(true);
  });
});
