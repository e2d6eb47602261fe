/** Routing sources: what they draw, and that nothing but the seed and the place decides it. */
import { describe, expect, it } from "vitest";
import type { RoutingSpec } from "../../src/model/scenario.ts";
import { makeLoads } from "../../src/workload/recorded-loads.ts";
import type { RoutingParts } from "../../src/workload/routing-batch.ts";
import { makeRoutingSource } from "../../src/workload/routing-sources.ts";
import { DEEPSEEK_V3, SMALL } from "./shapes.ts";

const TOKENS = 32;
const TOP_K = 8;

function parts(routing: RoutingSpec, seed = "42"): RoutingParts {
  return { seed, model: DEEPSEEK_V3, workload: { tokensPerGpu: TOKENS, epSize: 16 }, routing };
}

const place = (rank = 0, step = 0, layer = 3, group = 0) => ({ group, rank, step, layer });

function choices(source: ReturnType<typeof makeRoutingSource>, at: ReturnType<typeof place>) {
  const into = {
    experts: new Int32Array(TOKENS * TOP_K).fill(-1),
    weights: new Int32Array(TOKENS * TOP_K).fill(-1),
  };
  source.choose(at, into);
  return { experts: [...into.experts], weights: [...into.weights] };
}

/** Choices of many batches: how often each expert was taken. */
function counts(source: ReturnType<typeof makeRoutingSource>, layer: number, batches: number) {
  const taken = Array.from({ length: 256 }, () => 0);
  for (let batch = 0; batch < batches; batch += 1) {
    const { experts } = choices(source, place(batch % 16, Math.floor(batch / 16), layer));
    for (const expert of experts) taken[expert] += 1;
  }
  return taken;
}

/** Loads of layers 3 and 4: expert i of layer 3 has i + 1, of layer 4 in turn 1, 4, 16 or 64. */
const LOADS = makeLoads(
  [3, 4],
  [
    Array.from({ length: 256 }, (_, expert) => expert + 1),
    Array.from({ length: 256 }, (_, expert) => [1, 4, 16, 64][expert % 4]),
  ],
);

const DRAWN: RoutingSpec[] = [
  { source: "loads", path: "some.csv", table: LOADS },
  { source: "gate", imbalance: 0 },
  { source: "gate", imbalance: 0.5 },
  { source: "uniform" },
  { source: "zipf", exponent: 1.2 },
  { source: "zipf", exponent: 30 },
];

describe("every drawn source", () => {
  for (const routing of DRAWN) {
    const name = routing.source === "loads" ? routing.source : JSON.stringify(routing);

    it(`gives each token of a rank top-k different experts: ${name}`, () => {
      const source = makeRoutingSource(parts(routing));
      expect(source.tokensOf(3)).toBe(TOKENS);
      const { experts, weights } = choices(source, place());
      for (let token = 0; token < TOKENS; token += 1) {
        const own = experts.slice(token * TOP_K, (token + 1) * TOP_K);
        expect(new Set(own).size, `token ${token}`).toBe(TOP_K);
        expect(own.every((expert) => expert >= 0 && expert < 256)).toBe(true);
        const total = weights
          .slice(token * TOP_K, (token + 1) * TOP_K)
          .reduce((left, right) => left + right);
        expect(Math.abs(total - 2.5 * 65_536)).toBeLessThanOrEqual(4);
      }
    });

    it(`depends on the seed and the place, never on the order of calls: ${name}`, () => {
      const places = [
        place(),
        place(1),
        place(0, 1),
        place(0, 0, 4),
        place(0, 0, 3, 1),
        place(5, 2),
      ];
      const forward = makeRoutingSource(parts(routing));
      const first = places.map((at) => choices(forward, at));
      const backward = makeRoutingSource(parts(routing));
      const second = [...places].reverse().map((at) => choices(backward, at));
      expect(second.reverse()).toEqual(first);
      expect(choices(forward, places[0])).toEqual(first[0]);
      const alone = places.map((at) => choices(makeRoutingSource(parts(routing)), at));
      expect(alone).toEqual(first);
    });

    it(`draws anew for another rank, step, layer, group and seed: ${name}`, () => {
      const source = makeRoutingSource(parts(routing));
      const batches = [
        place(),
        place(1),
        place(0, 1),
        place(1, 0),
        place(0, 0, 4),
        place(0, 0, 3, 1),
      ];
      const seen = new Set(batches.map((at) => choices(source, at).experts.join()));
      // At exponent 30 nearly every token takes the same popular experts, in the layer's order.
      const least = routing.source === "zipf" && routing.exponent === 30 ? 2 : 5;
      expect(seen.size).toBeGreaterThanOrEqual(least);
      const other = makeRoutingSource(parts(routing, "43"));
      expect(choices(other, place())).not.toEqual(choices(source, place()));
    });
  }

  it("refuses room that is too small, which typed arrays would hide", () => {
    for (const routing of DRAWN) {
      const into = { experts: new Int32Array(TOP_K), weights: new Int32Array(TOP_K) };
      expect(() => makeRoutingSource(parts(routing)).choose(place(), into)).toThrow(
        "routing-choices-fit",
      );
    }
  });
});

describe("the gate source", () => {
  it("keeps every token in at most 4 of the 8 groups", () => {
    const { experts } = choices(
      makeRoutingSource(parts({ source: "gate", imbalance: 1 })),
      place(),
    );
    for (let token = 0; token < TOKENS; token += 1) {
      const own = experts.slice(token * TOP_K, (token + 1) * TOP_K);
      expect(new Set(own.map((expert) => expert >> 5)).size).toBeLessThanOrEqual(4);
    }
  });

  it("is balanced without imbalance, and uneven in the same way on all ranks with it", () => {
    const mean = (64 * TOKENS * TOP_K) / 256;
    const even = counts(makeRoutingSource(parts({ source: "gate", imbalance: 0 })), 3, 64);
    // Counts have a standard deviation of about sqrt(64) = 8.
    expect(Math.max(...even)).toBeLessThan(mean + 40);
    expect(Math.min(...even)).toBeGreaterThan(mean - 40);
    const source = makeRoutingSource(parts({ source: "gate", imbalance: 1 }));
    const uneven = counts(source, 3, 64);
    expect(Math.max(...uneven)).toBeGreaterThan(4 * mean);
    const hottest = uneven.indexOf(Math.max(...uneven));
    for (let rank = 0; rank < 16; rank += 1) {
      const { experts } = choices(source, place(rank, 9));
      expect(experts.filter((expert) => expert === hottest).length).toBeGreaterThan(4);
    }
  });

  it("reaches the expected number of destination nodes of DeepEP's set-up within 1 %", () => {
    // Top-8 of 256 in 4 of 8 groups, a group a node: 3.983 of 4 (derived from the published gate).
    const source = makeRoutingSource(parts({ source: "gate", imbalance: 0 }));
    let nodes = 0;
    const batches = 64;
    for (let batch = 0; batch < batches; batch += 1) {
      const { experts } = choices(source, place(batch % 16, Math.floor(batch / 16)));
      for (let token = 0; token < TOKENS; token += 1) {
        const own = experts.slice(token * TOP_K, (token + 1) * TOP_K);
        nodes += new Set(own.map((expert) => expert >> 5)).size;
      }
    }
    expect(Math.abs(nodes / (batches * TOKENS) / 3.983 - 1)).toBeLessThan(0.01);
  });
});

describe("the uniform source", () => {
  it("takes all experts equally often", () => {
    const mean = (128 * TOKENS * TOP_K) / 256;
    const taken = counts(makeRoutingSource(parts({ source: "uniform" })), 3, 128);
    const spread = taken.reduce((sum, count) => sum + (count - mean) ** 2, 0) / mean;
    // Chi-square with 255 degrees of freedom: 255 +- 23.
    expect(spread).toBeGreaterThan(160);
    expect(spread).toBeLessThan(350);
  });
});

describe("the zipf source", () => {
  /** Share of the i-th most popular expert among the first choices of many tokens. */
  function firstChoices(exponent: number) {
    const source = makeRoutingSource(parts({ source: "zipf", exponent }));
    const taken = Array.from({ length: 256 }, () => 0);
    for (let batch = 0; batch < 200; batch += 1) {
      const { experts } = choices(source, place(batch % 16, Math.floor(batch / 16)));
      for (let token = 0; token < TOKENS; token += 1) taken[experts[token * TOP_K]] += 1;
    }
    const total = 200 * TOKENS;
    return taken.map((count) => count / total).sort((left, right) => right - left);
  }

  it("gives the i-th expert a share of 1 / i^exponent, normalised", () => {
    for (const exponent of [0.8, 1, 1.5]) {
      let sum = 0;
      for (let i = 1; i <= 256; i += 1) sum += i ** -exponent;
      const shares = firstChoices(exponent);
      for (let i = 1; i <= 3; i += 1) {
        const expected = i ** -exponent / sum;
        const deviation = Math.sqrt((expected * (1 - expected)) / (200 * TOKENS));
        expect(Math.abs(shares[i - 1] - expected), `exponent ${exponent}, i ${i}`).toBeLessThan(
          4 * deviation,
        );
      }
    }
  });

  it("is uniform at exponent 0", () => {
    const taken = counts(makeRoutingSource(parts({ source: "zipf", exponent: 0 })), 3, 128);
    const mean = (128 * TOKENS * TOP_K) / 256;
    const spread = taken.reduce((sum, count) => sum + (count - mean) ** 2, 0) / mean;
    expect(spread).toBeLessThan(350);
  });

  it("has another order of popularity in another layer", () => {
    const source = makeRoutingSource(parts({ source: "zipf", exponent: 1.5 }));
    const hottest = [3, 4, 5, 6].map((layer) => {
      const taken = counts(source, layer, 16);
      return taken.indexOf(Math.max(...taken));
    });
    expect(new Set(hottest).size).toBeGreaterThan(1);
  });
});

describe("the loads source", () => {
  const routing: RoutingSpec = { source: "loads", path: "some.csv", table: LOADS };
  const model = { ...DEEPSEEK_V3, n_group: 1, topk_group: 1 };

  it("takes each expert as often as recorded, to within two percent and the draw's spread", () => {
    const source = makeRoutingSource({ ...parts(routing), model });
    const batches = 1_024;
    for (const [layer, loadOf] of [
      [3, (expert: number) => expert + 1],
      [4, (expert: number) => [1, 4, 16, 64][expert % 4]],
    ] as const) {
      const taken = counts(source, layer, batches);
      const loads = taken.map((_, expert) => loadOf(expert));
      const total = loads.reduce((left, right) => left + right);
      for (const [expert, load] of loads.entries()) {
        const expected = (batches * TOKENS * TOP_K * load) / total;
        const allowed = 0.02 * expected + 4.5 * Math.sqrt(expected);
        expect(Math.abs(taken[expert] - expected), `expert ${expert}`).toBeLessThan(allowed);
      }
    }
  });

  it("goes through the model's groups: at most 4 of the 8, and still by popularity", () => {
    const source = makeRoutingSource(parts(routing));
    const { experts } = choices(source, place());
    for (let token = 0; token < TOKENS; token += 1) {
      const own = experts.slice(token * TOP_K, (token + 1) * TOP_K);
      expect(new Set(own.map((expert) => expert >> 5)).size).toBeLessThanOrEqual(4);
    }
    const taken = counts(source, 4, 256);
    const sums = [0, 1, 2, 3].map((kind) =>
      taken.reduce((sum, count, expert) => sum + (expert % 4 === kind ? count : 0), 0),
    );
    const shares = sums.map((sum) => sum / sums.reduce((left, right) => left + right));
    for (const [kind, load] of [1, 4, 16, 64].entries()) {
      expect(Math.abs(shares[kind] / (load / 85) - 1), `load ${load}`).toBeLessThan(0.1);
    }
  });

  it("gives what every token took to every token, and hardly ever what none did", () => {
    const row = Array.from({ length: 256 }, (_, expert) => (expert < 8 ? 5 : 0));
    const table = makeLoads([3], [row]);
    const source = makeRoutingSource({
      ...parts({ source: "loads", path: "some.csv", table }),
      model,
    });
    const taken = counts(source, 3, 64);
    expect(taken.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 64 * TOKENS));
  });

  it("refuses a layer that was not recorded, and tables of other models", () => {
    const source = makeRoutingSource(parts(routing));
    expect(() => choices(source, place(0, 0, 5))).toThrow("recorded-loads-fit");
    const other = makeRoutingSource({ ...parts(routing), model: SMALL });
    expect(() => choices(other, place())).toThrow("recorded-loads-fit");
  });
});

describe("the recorded source", () => {
  /** Two layers, ranks with 2, 0 and 1 tokens, top-3. */
  const rows = [
    [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 0],
    ],
    [
      [2, 1, 0],
      [5, 4, 3],
      [300, 7, 6],
    ],
  ].flat(2);
  const table = {
    topK: 3,
    layers: [3, 7],
    tokensOfRank: [2, 0, 1],
    experts: new Uint8Array(rows.flatMap((expert) => [expert & 0xff, expert >> 8])),
  };
  const recorded: RoutingParts = {
    seed: "1",
    model: { ...SMALL, routed_scaling_factor: 2 },
    workload: { tokensPerGpu: 2, epSize: 3 },
    routing: { source: "file", path: "some.csv", table },
  };

  it("gives each rank its rows of the layer, with equal weights, in every step and group", () => {
    const source = makeRoutingSource(recorded);
    expect([0, 1, 2].map((rank) => source.tokensOf(rank))).toEqual([2, 0, 1]);
    const into = { experts: new Int32Array(6).fill(-1), weights: new Int32Array(6).fill(-1) };
    source.choose(place(0, 0, 3), into);
    expect([...into.experts]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(into.weights)).toEqual(new Set([43_691]));
    source.choose(place(2, 5, 7, 1), into);
    expect([...into.experts]).toEqual([300, 7, 6, 3, 4, 5]);
    source.choose(place(1, 0, 7), into);
    expect([...into.experts]).toEqual([300, 7, 6, 3, 4, 5]);
  });

  it("refuses layers it does not have and tables that do not fit", () => {
    const into = { experts: new Int32Array(6), weights: new Int32Array(6) };
    expect(() => makeRoutingSource(recorded).choose(place(0, 0, 4), into)).toThrow(
      "recorded-routing-has-layer",
    );
    const wrong = [
      { ...table, topK: 2 },
      { ...table, tokensOfRank: [2, 1] },
      { ...table, experts: table.experts.subarray(2) },
    ];
    for (const bad of wrong) {
      const routing: RoutingSpec = { source: "file", path: "some.csv", table: bad };
      expect(() => makeRoutingSource({ ...recorded, routing })).toThrow("recorded-routing-fits");
    }
  });
});
