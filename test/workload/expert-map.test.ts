/** Which rank serves a choice: blocks, or replicas that share the tokens evenly. */
import { describe, expect, it } from "vitest";
import type { ExpertsSpec } from "../../src/model/scenario.ts";
import { makeExpertMap } from "../../src/workload/expert-map.ts";
import { NO_REPLICAS, tinyScenario } from "../support/scenarios.ts";

/** Rows of physical experts, each a logical expert, as a scenario carries them. */
function placed(rows: readonly (readonly number[])[], experts: number): ExpertsSpec {
  const bytes = rows.flat().flatMap((expert) => [expert & 0xff, expert >> 8]);
  const redundant = rows[0].length - experts;
  return { redundant, placement: "eplb", physicalToLogical: new Uint8Array(bytes) };
}

/** 4 experts and 4 replicas on 4 ranks, two layers. */
const ROWS = [
  [0, 1, 2, 3, 0, 0, 0, 3],
  [3, 2, 1, 0, 1, 1, 2, 2],
];

function parts(experts: ExpertsSpec, epSize = 4) {
  const { model, workload } = tinyScenario({
    model: { n_routed_experts: 4 },
    workload: { epSize, layers: [1, 2] },
  });
  return { model, workload, experts };
}

describe("the expert map", () => {
  it("gives each rank one block of experts without replicas", () => {
    const map = makeExpertMap(tinyScenario());
    expect(map.perRank).toBe(2);
    const holders = Array.from({ length: 16 }, (_, expert) => map.holderOf(2, expert, 5, 7));
    expect(holders).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
  });

  it("sends every choice to a rank with a replica, and to each of them equally often", () => {
    const map = makeExpertMap(parts(placed(ROWS, 4)));
    expect(map.perRank).toBe(2);
    for (const [place, row] of ROWS.entries()) {
      for (let expert = 0; expert < 4; expert += 1) {
        const taken = [0, 0, 0, 0];
        for (let rank = 0; rank < 3; rank += 1) {
          for (let token = 0; token < 12; token += 1) {
            taken[map.holderOf(place, expert, rank, token)] += 1;
          }
        }
        const replicas = row.filter((other) => other === expert).length;
        const expected = [0, 1, 2, 3].map(
          (rank) =>
            row.slice(2 * rank, 2 * rank + 2).filter((other) => other === expert).length *
            (36 / replicas),
        );
        expect(taken, `layer ${place}, expert ${expert}`).toEqual(expected);
      }
    }
  });

  it("says who holds each replica, in the order of physical experts", () => {
    const map = makeExpertMap(parts(placed(ROWS, 4)));
    for (const [place, row] of ROWS.entries()) {
      for (let expert = 0; expert < 4; expert += 1) {
        const holders = row.flatMap((other, at) => (other === expert ? [Math.floor(at / 2)] : []));
        const replicas = Array.from({ length: map.replicasOf(place, expert) }, (_, replica) =>
          map.replicaAt(place, expert, replica),
        );
        expect(replicas, `layer ${place}, expert ${expert}`).toEqual(holders);
      }
    }
    const plain = makeExpertMap(tinyScenario());
    expect([plain.replicasOf(2, 5), plain.replicaAt(2, 5, 0)]).toEqual([1, 2]);
  });

  it("spreads one token of each rank over the replicas, and one rank's tokens", () => {
    const map = makeExpertMap(parts(placed(ROWS, 4)));
    // Replicas of expert 0 in the first layer: ranks 0, 2, 2 and 3.
    const byRank = [0, 1, 2, 3].map((rank) => map.holderOf(0, 0, rank, 0));
    const byToken = [0, 1, 2, 3].map((token) => map.holderOf(0, 0, 0, token));
    expect(byRank).toEqual([0, 2, 2, 3]);
    expect(byToken).toEqual([0, 2, 2, 3]);
  });

  it("reads experts above 255", () => {
    const row = Array.from({ length: 600 }, (_, place) => 599 - place);
    const { model, workload } = tinyScenario({
      model: { n_routed_experts: 600 },
      workload: { epSize: 8, layers: [1] },
    });
    const map = makeExpertMap({ model, workload, experts: placed([row], 600) });
    expect([0, 74, 75, 599].map((expert) => map.holderOf(0, expert, 0, 0))).toEqual([7, 7, 6, 0]);
  });

  it("refuses lists that do not fit, and ranks that do not divide", () => {
    expect(() => makeExpertMap(parts(NO_REPLICAS, 3))).toThrow("experts-divide");
    const wrong = [
      placed([ROWS[0]], 4),
      placed([ROWS[0], [0, 1, 2, 2, 0, 1, 2, 2]], 4),
      placed([ROWS[0], [0, 1, 2, 3, 4, 1, 2, 2]], 4),
      { ...NO_REPLICAS, redundant: 4 },
    ];
    for (const experts of wrong) {
      expect(() => makeExpertMap(parts(experts))).toThrow("expert-map-fits");
    }
  });
});
