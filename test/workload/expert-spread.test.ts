/** Load and fan-out of an EP group: worked out by hand, and against the published figures. */
import { describe, expect, it } from "vitest";
import { expertSpread } from "../../src/workload/expert-spread.ts";
import { makeLoads } from "../../src/workload/recorded-loads.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { DEEPSEEK_V3 } from "./shapes.ts";

/** Routed choices of 2 ranks on 2 nodes: rank 0 has two tokens, rank 1 one; 4 experts, top-2. */
const ROUTING = {
  source: "file",
  path: "some.csv",
  table: {
    topK: 2,
    layers: [1],
    tokensOfRank: [2, 1],
    experts: new Uint8Array([0, 1, 0, 2, 3, 2].flatMap((expert) => [expert, 0])),
  },
} as const;

const SMALL = tinyScenario({
  model: { n_routed_experts: 4, n_group: 1, topk_group: 1 },
  cluster: { nodes: 2, gpusPerNode: 1, planes: 1 },
  workload: { epSize: 2, tokensPerGpu: 2, layers: [0, 1] },
  routing: ROUTING,
});

describe("the spread of experts", () => {
  it("counts loads and fan-out of a recording by hand", () => {
    const { layers, tokensPerLayer } = expertSpread(SMALL, undefined, 1);
    expect(tokensPerLayer).toBe(3);
    // Choices by expert: 2, 1, 2, 1; rank 0 holds 0 and 1.
    const spread = {
      load: { expert: 2 / 1.5, rank: 1, node: 1 },
      token: { ranks: 4 / 3, nodes: 4 / 3, copiesPerChoice: 1 / 3, copiesPerNode: 1 / 3 },
    };
    expect(layers).toEqual([{ layer: 1, contiguous: spread, placed: spread }]);
  });

  it("takes loads from a file, and lets replicas share", () => {
    const loads = makeLoads([1], [[10, 2, 4, 4]]);
    const physicalToLogical = new Uint8Array(
      [0, 1, 2, 3, 0, 3, 0, 1, 2, 0, 0, 3].flatMap((expert) => [expert, 0]),
    );
    const experts = { redundant: 2, placement: "eplb", physicalToLogical } as const;
    const { layers } = expertSpread({ ...SMALL, experts }, loads, 100);
    // Second row: 0, 1, 2 on rank 0 and 0, 0, 3 on rank 1; expert 0 has 10 / 3 a replica.
    expect(layers[0].contiguous.load).toEqual({ expert: 2, rank: 1.2, node: 1.2 });
    const heavy = 4 + 20 / 3;
    expect(layers[0].placed.load.rank).toBeCloseTo(heavy / 10, 12);
    expect(layers[0].placed.load.expert).toBeCloseTo(4 / (20 / 6), 12);
  });

  it("reaches at most M nodes with the gate's groups, and more without: 8t falls to Mt", () => {
    const cluster = { nodes: 8, gpusPerNode: 8, planes: 8 };
    const workload = { epSize: 64, tokensPerGpu: 4_096, layers: [3] };
    const limited = tinyScenario({ model: DEEPSEEK_V3, cluster, workload });
    const free = tinyScenario({
      model: { ...DEEPSEEK_V3, n_group: 1, topk_group: 1 },
      cluster,
      workload,
    });
    const spread = expertSpread(limited, undefined, 8_192);
    expect(spread.tokensPerLayer).toBe(8_192);
    const own = spread.layers[0].placed.token;
    // DeepEP's gate reaches 3.983 of the 4 nodes; this gate scores groups by their two best.
    expect(own.nodes).toBeGreaterThan(3.9);
    expect(own.nodes).toBeLessThanOrEqual(4);
    // Seven of eight nodes are other nodes.
    expect(own.copiesPerChoice).toBeCloseTo(7, 1);
    expect(own.copiesPerNode).toBeCloseTo((own.nodes * 7) / 8, 1);
    // Without groups, top-8 of 256 over 8 equal nodes: 8 (1 - C(224, 8) / C(256, 8)).
    let missed = 1;
    for (let choice = 0; choice < 8; choice += 1) missed *= (224 - choice) / (256 - choice);
    const without = expertSpread(free, undefined, 8_192).layers[0].placed.token;
    expect(without.nodes).toBeCloseTo(8 * (1 - missed), 1);
  });

  it("makes blocks as equal as they come out where experts do not divide over ranks", () => {
    const scenario = tinyScenario({
      model: { ...DEEPSEEK_V3, num_experts_per_tok: 2 },
      cluster: { nodes: 18, gpusPerNode: 8, planes: 8 },
      workload: { epSize: 144, tokensPerGpu: 1, layers: [3] },
      experts: {
        redundant: 32,
        physicalToLogical: new Uint8Array(
          Array.from({ length: 288 }, (_, at) => [at % 256, 0]).flat(),
        ),
      },
    });
    const even = makeLoads([3], [Array.from({ length: 256 }, () => 1)]);
    const { layers } = expertSpread(scenario, even, 1);
    // Ranks hold 1 or 2 of 256 experts: 2 / (256 / 144).
    expect(layers[0].contiguous.load.rank).toBeCloseTo(1.125, 12);
    expect(layers[0].placed.load.expert).toBeCloseTo(288 / 256, 12);
  });
});
