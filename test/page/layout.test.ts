/** The picture of the fleet: nothing lies on anything else, at any size and for any topology. */
import { describe, expect, it } from "vitest";
import { cellLabel, textWidth } from "../../scripts/page/fleet/labels.ts";
import { type Box, type FleetLayout, layoutFleet } from "../../scripts/page/fleet/layout.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import { fleetOf } from "../support/run-view.ts";

const CLUSTERS: Readonly<Record<string, Partial<ClusterSpec>>> = {
  "1 node": { nodes: 1 },
  "4 nodes": { nodes: 4 },
  "7 nodes of 4 GPUs on 2 planes": { nodes: 7, gpusPerNode: 4, planes: 2 },
  "32 nodes": { nodes: 32 },
  "32 nodes on small switches": { nodes: 32, switchPorts: 16 },
  "64 nodes on rails": { nodes: 64, network: "mrft" },
  "256 nodes": { nodes: 256 },
  "16 nodes with multi-port NICs": { nodes: 16, nicPorts: "multi-port" },
  "4 nodes of 72 GPUs": { nodes: 4, gpusPerNode: 72 },
  "4 nodes of 72 GPUs on small switches": { nodes: 4, gpusPerNode: 72, switchPorts: 16 },
  "8 nodes and a controller": { nodes: 8, controller: true },
};

/** Panels: a wide screen, a small one, a telephone. */
const PLACES = [
  { width: 880, height: 420 },
  { width: 560, height: 380 },
  { width: 330, height: 380 },
  { width: 1700, height: 800 },
];

const CASES = Object.entries(CLUSTERS).flatMap(([name, cluster]) => {
  const index = fleetOf(cluster);
  return PLACES.map(
    (place) => [`${name}, ${place.width} x ${place.height}`, index, place] as const,
  );
});

/** Pixels that two boxes want, and boxes that are not inside. */
function troublesOf({ cells, wires, width, height }: FleetLayout): string[] {
  const taken = new Int32Array(width * height);
  const troubles: string[] = [];
  for (const [place, box] of [...cells, ...wires].entries()) {
    const { x, y, width: wide, height: high } = box;
    const isInside = x >= 0 && y >= 0 && x + wide <= width && y + high <= height;
    if (!isInside || wide < 1 || high < 1) {
      troubles.push(`outside: ${JSON.stringify(box)}`);
      continue;
    }
    for (let row = y; row < y + high; row += 1) {
      for (let column = x; column < x + wide; column += 1) {
        const at = row * width + column;
        if (taken[at] !== 0) {
          const other = [...cells, ...wires][taken[at] - 1];
          return [...troubles, `${JSON.stringify(box)} lies on ${JSON.stringify(other)}`];
        }
        taken[at] = place + 1;
      }
    }
  }
  return troubles;
}

const isWhole = ({ x, y, width, height }: Box): boolean =>
  [x, y, width, height].every((length) => Number.isInteger(length));

describe("the layout of a fleet", () => {
  it.each(CASES)("has a place of its own for everything: %s", (_name, index, place) => {
    const layout = layoutFleet(index, place);
    expect(troublesOf(layout)).toEqual([]);
    expect([...layout.cells, ...layout.wires].filter((box) => !isWhole(box))).toEqual([]);
    const shown = new Set(layout.cells.map(({ actor }) => actor));
    const missing = index.run.actors.id.filter((_, actor) => !shown.has(actor));
    expect(missing).toEqual([]);
  });

  it.each(CASES)("shows one node and one plane alone: %s", (_name, index, place) => {
    const { kind, node, plane } = index.run.actors;
    const oneNode = layoutFleet(index, place, { node: 0 });
    expect(troublesOf(oneNode)).toEqual([]);
    const nodes = new Set(oneNode.cells.map(({ actor }) => node[actor]));
    expect([...nodes].filter((number) => number > 0)).toEqual([]);
    const last = index.planes.length - 1;
    const onePlane = layoutFleet(index, place, { plane: last });
    expect(troublesOf(onePlane)).toEqual([]);
    const planes = new Set(
      onePlane.cells.flatMap(({ actor }) =>
        ["nic", "leaf"].includes(kind[actor]) ? [plane[actor]] : [],
      ),
    );
    expect([...planes]).toEqual([last]);
  });

  it("has a wire for every link of the network", () => {
    for (const cluster of [{ nodes: 4 }, { nodes: 32, switchPorts: 16 }, { nodes: 256 }]) {
      const index = fleetOf(cluster);
      const { wires } = layoutFleet(index, PLACES[0]);
      const drawn = new Set(wires.map(({ bundle }) => bundle));
      const { kind } = index.run.actors;
      const missing = index.bundles.filter(
        ({ lower }, place) => kind[lower] !== "gpu" && !drawn.has(place),
      );
      expect(missing).toEqual([]);
    }
  });

  it("puts leaves below the nodes that they serve", () => {
    const index = fleetOf({ nodes: 128 });
    const { cells, columns } = layoutFleet(index, PLACES[3]);
    for (const leaf of index.planes[2].leaves) {
      const served = new Set(
        index
          .bundlesOf(leaf)
          .map((place) => index.run.actors.node[index.bundles[place].lower])
          .filter((node) => node >= 0),
      );
      for (const cell of cells.filter(({ actor }) => actor === leaf)) {
        const above = columns.filter(
          ({ x, y, width, height }) =>
            cell.y >= y && cell.y < y + height && x < cell.x + cell.width && x + width > cell.x,
        );
        expect(above.length).toBeGreaterThan(0);
        expect(above.every(({ number }) => served.has(number))).toBe(true);
      }
    }
  });

  it.each(CASES)("writes only what fits: %s", (_name, index, place) => {
    const { cells, columns, rows, gutter } = layoutFleet(index, place);
    const wide = cells.filter((cell) => textWidth(cellLabel(index, cell)) > cell.width);
    expect(wide).toEqual([]);
    for (const row of rows) {
      expect(row.height).toBeGreaterThanOrEqual(9);
      expect(textWidth(row.label)).toBeLessThanOrEqual(gutter);
    }
    const labelled = columns.filter(({ label }) => label !== "");
    expect(labelled.length).toBeGreaterThan(0);
    for (const [at, { x, y, label }] of labelled.entries()) {
      const next = labelled[at + 1];
      if (next?.y === y) expect(x + textWidth(label)).toBeLessThan(next.x);
    }
  });

  it("names every device of 4 nodes, and gives 2,048 GPUs cells that can be hit", () => {
    const few = fleetOf();
    const small = layoutFleet(few, PLACES[0]);
    expect(small.size).toBe("roomy");
    expect(small.cells.filter((cell) => cellLabel(few, cell) === "")).toEqual([]);
    const many = layoutFleet(fleetOf({ nodes: 256 }), PLACES[0]);
    expect(many.size).toBe("compact");
    expect(many.height).toBeLessThan(450);
    const areas = many.cells.map(({ width, height }) => width * height);
    expect(Math.min(...areas)).toBeGreaterThanOrEqual(10);
  });
});
