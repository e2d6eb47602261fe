/** EPLB: the published example to the letter, and what every balanced map keeps to. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BalanceShape, policyFor, rebalanceExperts } from "../../src/workload/eplb.ts";

/** The example of the README of github.com/deepseek-ai/EPLB, with the answer that it prints. */
const README = {
  weights: [
    [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
    [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27],
  ],
  shape: { replicas: 16, groups: 4, nodes: 2, gpus: 8 },
  printed: [
    [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1],
    [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1],
  ],
} as const;

/** Loads of the GPUs when replicas share equally. */
function gpuLoads(weights: readonly number[], physical: Int32Array, gpus: number): number[] {
  const replicas = weights.map((_, expert) => physical.filter((other) => other === expert).length);
  const loads = Array.from({ length: gpus }, () => 0);
  for (const [place, expert] of physical.entries()) {
    loads[Math.floor((place * gpus) / physical.length)] += weights[expert] / replicas[expert];
  }
  return loads;
}

const blocks = (weights: readonly number[]): Int32Array =>
  Int32Array.from(weights, (_, expert) => expert);

/** A shape that divides, and loads: even, skewed, or mostly equal ones. */
const cases = fc
  .record({
    nodes: fc.constantFrom(1, 2, 4),
    gpusPerNode: fc.constantFrom(1, 2, 4),
    expertsPerGpu: fc.integer({ min: 1, max: 6 }),
    extraPerGpu: fc.integer({ min: 0, max: 3 }),
    groups: fc.constantFrom(1, 2, 4, 8),
    load: fc.constantFrom(
      fc.nat(100),
      fc.nat(2),
      fc.nat(1_000).map((load) => (load * load * load) / 1e6),
    ),
  })
  .chain(({ nodes, gpusPerNode, expertsPerGpu, extraPerGpu, groups, load }) => {
    const gpus = nodes * gpusPerNode;
    const experts = gpus * expertsPerGpu;
    const replicas = gpus * (expertsPerGpu + extraPerGpu);
    const shape: BalanceShape = {
      replicas,
      groups: experts % groups === 0 ? groups : 1,
      nodes,
      gpus,
    };
    const weights = fc.array(load, { minLength: experts, maxLength: experts });
    return fc.record({ shape: fc.constant(shape), weights });
  });

describe("EPLB", () => {
  it("gives the published example's map", () => {
    const { weights, shape, printed } = README;
    const balanced = rebalanceExperts(weights, shape);
    expect(balanced.physicalToLogical.map((layer) => [...layer])).toEqual(printed);
    expect([...balanced.replicaCounts[0]]).toEqual([1, 2, 1, 1, 2, 2, 1, 1, 1, 1, 2, 1]);
    expect(balanced.logicalToPhysical[0][5]).toEqual([0, 2]);
    expect(balanced.logicalToPhysical[1][6]).toEqual([2, 4]);
  });

  it("lets replicas leave the node where groups do not divide by the nodes", () => {
    expect(policyFor("auto", { groups: 8, nodes: 4 })).toBe("hierarchical");
    expect(policyFor("auto", { groups: 8, nodes: 18 })).toBe("global");
    const { weights, shape } = README;
    const global = rebalanceExperts(weights, shape, "global");
    const other = rebalanceExperts(weights, { ...shape, groups: 3 });
    expect(other).toEqual(global);
    expect(global).not.toEqual(rebalanceExperts(weights, shape));
  });

  it("takes the lower id of equal loads, and the lower GPU of equally loaded ones", () => {
    const { physicalToLogical } = rebalanceExperts([[5, 5, 5, 5]], {
      replicas: 6,
      groups: 1,
      nodes: 1,
      gpus: 2,
    });
    // Replicas of 0 and 1 share their loads; 2 and 3 are the heaviest, then 0, 1, 0, 1 in turn.
    expect([...physicalToLogical[0]]).toEqual([2, 0, 0, 3, 1, 1]);
  });

  it("refuses numbers that do not divide", () => {
    const weights = [Array.from({ length: 12 }, () => 1)];
    const { shape } = README;
    const wrong: BalanceShape[] = [
      { ...shape, replicas: 15 },
      { ...shape, replicas: 8 },
      { ...shape, groups: 5, nodes: 5 },
      { ...shape, gpus: 7, nodes: 2, replicas: 14 },
    ];
    for (const bad of wrong) {
      expect(() => rebalanceExperts(weights, bad, "hierarchical")).toThrow("experts-balance");
    }
  });

  it("gives every expert a replica, every GPU as many, and lists both ways alike", () => {
    fc.assert(
      fc.property(cases, ({ shape, weights }) => {
        const { physicalToLogical, logicalToPhysical, replicaCounts } = rebalanceExperts(
          [weights],
          shape,
        );
        expect(physicalToLogical[0]).toHaveLength(shape.replicas);
        const back = Array.from({ length: weights.length }, (_, expert) =>
          [...physicalToLogical[0].keys()].filter((at) => physicalToLogical[0][at] === expert),
        );
        for (const [expert, places] of back.entries()) {
          expect(places.length).toBeGreaterThan(0);
          expect([...logicalToPhysical[0][expert]].sort((a, b) => a - b)).toEqual(places);
          expect(replicaCounts[0][expert]).toBe(places.length);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("keeps groups whole and on one node with the hierarchical policy", () => {
    fc.assert(
      fc.property(cases, ({ shape, weights }) => {
        fc.pre(shape.groups % shape.nodes === 0);
        const { physicalToLogical } = rebalanceExperts([weights], shape);
        const groupSize = weights.length / shape.groups;
        const nodeOfGroup = new Map<number, number>();
        for (const [place, expert] of physicalToLogical[0].entries()) {
          const node = Math.floor((place * shape.nodes) / shape.replicas);
          const group = Math.floor(expert / groupSize);
          expect(nodeOfGroup.get(group) ?? node).toBe(node);
          nodeOfGroup.set(group, node);
        }
        const held = [...nodeOfGroup.values()];
        for (let node = 0; node < shape.nodes; node += 1) {
          expect(held.filter((other) => other === node)).toHaveLength(shape.groups / shape.nodes);
        }
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("never gives a replica to an expert while another has a larger share, globally", () => {
    fc.assert(
      fc.property(cases, ({ shape, weights }) => {
        const { replicaCounts } = rebalanceExperts([weights], shape, "global");
        const counts = replicaCounts[0];
        const most = Math.max(...weights.map((load, expert) => load / counts[expert]));
        for (const [expert, load] of weights.entries()) {
          // Before its last replica it had the largest share of all.
          if (counts[expert] < 2) continue;
          expect(load / (counts[expert] - 1)).toBeGreaterThanOrEqual(most * (1 - 1e-6));
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("is never far worse than blocks of experts: greedy packing of few may lose some percent", () => {
    let worse = 0;
    let runs = 0;
    fc.assert(
      fc.property(cases, ({ shape, weights }) => {
        const { physicalToLogical } = rebalanceExperts([weights], shape);
        const before = Math.max(...gpuLoads(weights, blocks(weights), shape.gpus));
        const after = Math.max(...gpuLoads(weights, physicalToLogical[0], shape.gpus));
        runs += 1;
        if (after > before * (1 + 1e-6)) worse += 1;
        expect(after).toBeLessThanOrEqual(before * 1.2 + 1e-6);
      }),
      { seed: 4, numRuns: 1_000 },
    );
    expect(worse / runs).toBeLessThan(0.03);
  });

  it("is always better at DeepSeek-V3's size: 256 experts and 32 replicas on 32 or 144 GPUs", () => {
    const load = fc.nat(1_000).map((root) => root * root * root);
    const weights = fc.array(load, { minLength: 256, maxLength: 256 });
    for (const [nodes, gpus] of [
      [4, 32],
      [18, 144],
    ]) {
      const shape = { replicas: 288, groups: 8, nodes, gpus };
      fc.assert(
        fc.property(weights, (loads) => {
          const { physicalToLogical } = rebalanceExperts([loads], shape);
          const before = gpuLoads(loads, blocks(loads), gpus);
          const after = gpuLoads(loads, physicalToLogical[0], gpus);
          expect(Math.max(...after)).toBeLessThan(Math.max(...before));
        }),
        { seed: 5, numRuns: 20 },
      );
    }
  });
});
