/**
 * Placements: every actor in one worker, nodes and planes whole where that is promised, lookahead.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PlacementName } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import {
  crossingPeers,
  lookaheadOf,
  type Placement,
  placeActors,
  placementProblem,
} from "../../src/topology/placement.ts";
import { build, buildableCluster, HARDWARE, NAMED, PUBLISHED, SMALL, W128 } from "./clusters.ts";

const PLACEMENTS: readonly PlacementName[] = ["actor", "node", "pack", "single"];

const labelsOf = (placement: Placement): string[] => placement.workers.map(({ label }) => label);

function checkPlacement(topology: Topology, placement: Placement): void {
  const seen = new Int32Array(topology.actors.length);
  for (const [number, worker] of placement.workers.entries()) {
    expect(worker.actors.length).toBeGreaterThan(0);
    expect(worker.actors).toEqual([...worker.actors].sort((left, right) => left - right));
    for (const actor of worker.actors) {
      seen[actor] += 1;
      expect(placement.workerOf[actor]).toBe(number);
    }
  }
  expect(seen.every((count) => count === 1)).toBe(true);
  expect(new Set(labelsOf(placement)).size).toBe(placement.workers.length);
}

/** Weight as the packer promises it: GPU 3, NIC 2, switch one a port. */
function loadsOf(topology: Topology, placement: Placement): number[] {
  return placement.workers.map((worker) =>
    worker.actors.reduce((sum, index) => {
      const { kind, ports } = topology.actors[index];
      return sum + (kind === "gpu" ? 3 : kind === "nic" ? 2 : ports);
    }, 0),
  );
}

/** Number of workers that each node and plane is spread over. */
function spreadOf(topology: Topology, placement: Placement): number[] {
  const homes = new Map<string, Set<number>>();
  for (const [index, { node, plane }] of topology.actors.entries()) {
    const home = node >= 0 ? `node${node}` : `plane${plane}`;
    homes.set(home, (homes.get(home) ?? new Set()).add(placement.workerOf[index]));
  }
  return [...homes.values()].map((workers) => workers.size);
}

describe("placement", () => {
  test.each(NAMED)("places every actor once, whatever its name: %s", (_, cluster) => {
    const topology = build(cluster);
    for (const name of PLACEMENTS) {
      for (const workers of [1, 2, topology.actors.length]) {
        checkPlacement(topology, placeActors(topology, name, workers));
      }
    }
  });

  test("actor gives each actor a worker, in natural order", () => {
    const topology = build(W128);
    const labels = labelsOf(placeActors(topology, "actor", 1));
    expect(labels).toHaveLength(topology.actors.length);
    expect(labels.slice(0, 4)).toEqual([
      "node0.gpu0",
      "node0.nic0",
      "node0.nvswitch",
      "node1.gpu0",
    ]);
    expect(labels.indexOf("node10.gpu0")).toBe(labels.indexOf("node9.nvswitch") + 1);
  });

  test("node gives each server and each plane a worker, node10 after node9", () => {
    const topology = build({ ...SMALL, nodes: 11 });
    const placement = placeActors(topology, "node", 1);
    expect(labelsOf(placement)).toEqual([
      ...Array.from({ length: 11 }, (_, node) => `node${node}`),
      ...Array.from({ length: 8 }, (_, plane) => `plane${plane}`),
    ]);
    expect(placement.workers[10].actors.map((index) => topology.actors[index].node)).toEqual(
      Array.from({ length: 17 }, () => 10),
    );
    expect(spreadOf(topology, placement).every((workers) => workers === 1)).toBe(true);
  });

  test("pack keeps nodes and planes whole where that balances", () => {
    for (const [cluster, workers] of [
      [SMALL, 2],
      [SMALL, 4],
      [PUBLISHED, 16],
    ] as const) {
      const topology = build(cluster);
      const placement = placeActors(topology, "pack", workers);
      expect(labelsOf(placement)).toEqual(Array.from({ length: workers }, (_, n) => `pack${n}`));
      expect(spreadOf(topology, placement).every((count) => count === 1)).toBe(true);
    }
  });

  test("pack splits nodes only between a GPU with its NIC and the next, as long as it can", () => {
    const topology = build(SMALL);
    const placement = placeActors(topology, "pack", 8);
    for (const [index, { kind, id }] of topology.actors.entries()) {
      if (kind !== "gpu") continue;
      const nic = topology.indexOf(id.replace("gpu", "nic"));
      expect(placement.workerOf[nic], id).toBe(placement.workerOf[index]);
    }
  });

  test("pack fills every worker within a quarter of the even share or one actor more", () => {
    fc.assert(
      fc.property(buildableCluster, fc.nat(), (cluster, draw) => {
        const topology = build(cluster);
        const workers = 1 + (draw % topology.actors.length);
        const placement = placeActors(topology, "pack", workers);
        checkPlacement(topology, placement);
        expect(placement.workers).toHaveLength(workers);
        const loads = loadsOf(topology, placement);
        const share = loads.reduce((sum, load) => sum + load, 0) / workers;
        const heaviest = Math.max(3, ...topology.actors.map(({ ports }) => ports));
        expect(Math.max(...loads)).toBeLessThanOrEqual(Math.max(1.25 * share, share + heaviest));
      }),
      { numRuns: 100 },
    );
  });

  test("pack over more workers than actors is refused in words", () => {
    const topology = build(SMALL);
    expect(placementProblem(topology, "pack", 76)).toBeUndefined();
    expect(placementProblem(topology, "node", 500)).toBeUndefined();
    expect(placementProblem(topology, "pack", 77)).toBe(
      "placement pack over 77 workers; with 76 actors 1..76 are allowed",
    );
    expect(placementProblem(topology, "pack", 0)).toContain("pack over 0 workers");
    expect(placementProblem(topology, "pack", 1.5)).toContain("pack over 1.5 workers");
    expect(() => placeActors(topology, "pack", 77)).toThrow("placement-is-possible");
  });
});

describe("crossing", () => {
  test("lookahead is the smallest latency between two workers", () => {
    const topology = build(SMALL);
    const { nicToLeaf, leafToNic, gpuToNvswitch, nvswitchToGpu } = HARDWARE;
    expect(lookaheadOf(topology, placeActors(topology, "node", 1))).toBe(
      Math.min(nicToLeaf.latencyPs, leafToNic.latencyPs),
    );
    expect(lookaheadOf(topology, placeActors(topology, "single", 1))).toBe(
      Number.POSITIVE_INFINITY,
    );
    // Only NVLink crosses when the NVSwitches alone stand apart.
    const workerOf = Int32Array.from(topology.actors, ({ kind }) => (kind === "nvswitch" ? 1 : 0));
    const apart = [0, 1].map((worker) => ({
      label: `half${worker}`,
      actors: topology.actors.flatMap((_, index) => (workerOf[index] === worker ? [index] : [])),
    }));
    expect(lookaheadOf(topology, { workers: apart, workerOf })).toBe(
      Math.min(gpuToNvswitch.latencyPs, nvswitchToGpu.latencyPs),
    );
  });

  test("nodes meet planes and nothing else", () => {
    const topology = build(SMALL);
    const pairs = crossingPeers(topology, placeActors(topology, "node", 1));
    const expected = [0, 1, 2, 3].flatMap((node) =>
      Array.from({ length: 8 }, (_, plane) => [node, 4 + plane]),
    );
    expect(pairs).toEqual(expected);
    expect(crossingPeers(topology, placeActors(topology, "single", 1))).toEqual([]);
  });

  test("each actor meets exactly those at the ends of its links", () => {
    const topology = build(SMALL);
    expect(crossingPeers(topology, placeActors(topology, "actor", 1))).toHaveLength(96);
  });
});
