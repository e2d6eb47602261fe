/** The picture of a fleet: everything has a place of its own, at 2 nodes and at 256. */
import { describe, expect, it } from "vitest";
import { type Cell, layoutFleet } from "../../scripts/page/layout.ts";
import { runOf } from "./run-views.ts";

const overlap = (one: Cell, other: Cell): boolean =>
  one.x < other.x + other.width - 1e-6 &&
  other.x < one.x + one.width - 1e-6 &&
  one.y < other.y + other.height - 1e-6 &&
  other.y < one.y + one.height - 1e-6;

describe.each([2, 4, 8, 9, 32, 100, 256])("the picture of %i nodes", (nodes) => {
  const run = runOf(nodes);
  it.each([400, 900, 1040, 1800])("has a place for every device at %i pixels", (width) => {
    const { cells, height } = layoutFleet(run, width);
    expect(new Set(cells.map(({ actor }) => actor)).size).toBe(run.actors.id.length);
    expect(cells.length).toBe(run.actors.id.length);
    for (const cell of cells) {
      expect(cell.x).toBeGreaterThanOrEqual(0);
      expect(cell.x + cell.width).toBeLessThanOrEqual(width);
      expect(cell.y + cell.height).toBeLessThanOrEqual(height);
      expect(cell.width).toBeGreaterThan(1);
    }
    const sorted = cells.toSorted((one, other) => one.y - other.y);
    for (const [place, one] of sorted.entries()) {
      for (let next = place + 1; next < sorted.length; next += 1) {
        if (sorted[next].y >= one.y + one.height) break;
        if (overlap(one, sorted[next])) {
          expect([run.actors.id[one.actor], run.actors.id[sorted[next].actor]]).toEqual([]);
        }
      }
    }
  });

  it("draws links when there are few, each once, between its own ends", () => {
    const { wires, cells } = layoutFleet(run, 900);
    if (nodes > 8) {
      expect(wires).toEqual([]);
      return;
    }
    const fabric = new Set(run.lanes.link.filter((link) => /leaf/.test(link)));
    expect(new Set(wires.map(({ link }) => link))).toEqual(fabric);
    expect(wires.length).toBe(fabric.size);
    for (const { lanes, x1, y1, y2 } of wires) {
      expect(lanes.length).toBe(2);
      expect(y2).toBeGreaterThan(y1);
      const ends = [run.lanes.from[lanes[0]], run.lanes.to[lanes[0]]];
      const upper = cells.find((cell) => ends.includes(cell.actor) && x1 >= cell.x);
      expect(upper).toBeDefined();
    }
  });
});

describe("the picture of other networks", () => {
  it.each([
    ["rails", { network: "mrft" }],
    ["multi-port NICs", { nicPorts: "multi-port" }],
    ["a controller", { controller: true }],
  ] as const)("has a place for every device of %s", (_name, more) => {
    const run = runOf(16, more);
    const { cells } = layoutFleet(run, 1000);
    expect(cells.map(({ actor }) => actor).sort((a, b) => a - b)).toEqual([
      ...run.actors.id.keys(),
    ]);
  });
});
