/**
 * Faults that begin some way into a phase of a layer: the instant is that of the run itself, found
 * before it, and the same under every placement.
 */
import { describe, expect, it } from "vitest";
import { settledText, withMoments } from "../../scripts/resolve-moments.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { FaultMoment, FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const RANK = "node1.gpu2";
const SCENARIO = tinyScenario({
  transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: 200 * PS_PER_MS },
});
const { actors, indexOf } = makeFatTree(SCENARIO.cluster, SCENARIO.hardware);
const HEALTHY = runInMemory(SCENARIO);

function faultAt(moment: Partial<FaultMoment>, more: Partial<FaultSpec> = {}): FaultSpec {
  const whole = { step: 0, layer: 2, phase: "dispatch", fractionPerMillion: 500_000, ...moment };
  const fault = { name: "mid", kind: "nic-down", targets: ["node1.nic2"], atPs: 0 } as const;
  return { ...fault, ...more, moment: whole as FaultMoment };
}

/** Begin and end of a rank's phase of layer 2, ps. */
function phaseOf(
  { facts }: InMemoryResult,
  type: "dispatch.completed" | "combine.completed",
  rank = RANK,
): { readonly fromPs: number; readonly untilPs: number } {
  const isIt = (fact: Fact): boolean => fact.type === type && fact.layer === 2;
  const found = facts.find(({ actor, fact }) => actor === indexOf(rank) && isIt(fact));
  if (found === undefined || !("durationPs" in found.fact)) throw new Error(`no ${type}`);
  return { fromPs: found.atPs - found.fact.durationPs, untilPs: found.atPs };
}

describe("a moment", () => {
  it("half-way into a rank's dispatch is half-way between its begin and its end", () => {
    const { scenario, moments } = withMoments({ ...SCENARIO, faults: [faultAt({ rank: RANK })] });
    const { fromPs, untilPs } = phaseOf(HEALTHY, "dispatch.completed");
    expect(moments[0].atPs).toBe(fromPs + Math.floor((untilPs - fromPs) / 2));
    expect(scenario.faults).toEqual([
      { name: "mid", kind: "nic-down", targets: ["node1.nic2"], atPs: moments[0].atPs },
    ]);
    expect(settledText(moments[0])).toMatch(
      /^mid begins at .* us: 50 % into dispatch of layer 2, step 0, of node1.gpu2$/,
    );
  });

  it("of compute lies between the dispatch and the combine", () => {
    const at = (fractionPerMillion: number): number =>
      withMoments({
        ...SCENARIO,
        faults: [faultAt({ rank: RANK, phase: "compute", fractionPerMillion })],
      }).moments[0].atPs;
    expect(at(0)).toBe(phaseOf(HEALTHY, "dispatch.completed").untilPs);
    expect(at(1e6)).toBe(phaseOf(HEALTHY, "combine.completed").fromPs);
  });

  it("without a rank is of the first one to get there", () => {
    const { moments } = withMoments({
      ...SCENARIO,
      faults: [faultAt({ fractionPerMillion: 1e6 }, { kind: "plane-down", targets: ["plane2"] })],
    });
    const ranks = actors.filter(({ kind }) => kind === "gpu").map(({ id }) => id);
    const ends = ranks.map((rank) => phaseOf(HEALTHY, "dispatch.completed", rank).untilPs);
    expect(moments[0].atPs).toBe(Math.min(...ends));
  });

  it("finds the dispatch under way: it began before, and ends after what the outage costs", () => {
    const lease = { healAtPs: 3 * PS_PER_MS, levels: [{ atPs: 0, permille: 1_000 }] };
    const { scenario, moments } = withMoments({
      ...SCENARIO,
      faults: [faultAt({ rank: RANK }, lease)],
    });
    const [{ atPs }] = moments;
    expect(scenario.faults[0]).toMatchObject({
      healAtPs: atPs + 3 * PS_PER_MS,
      levels: [{ atPs, permille: 1_000 }],
    });
    const broken = runInMemory(scenario);
    const healthy = phaseOf(HEALTHY, "dispatch.completed");
    const { fromPs, untilPs } = phaseOf(broken, "dispatch.completed");
    expect(fromPs).toBe(healthy.fromPs);
    expect(fromPs).toBeLessThan(atPs);
    // What was lost goes out again at the next ACK timeout, 4.19 ms on.
    expect(untilPs).toBeGreaterThan(fromPs + 4 * PS_PER_MS);
    expect(untilPs).toBeLessThan(healthy.untilPs + 5 * PS_PER_MS);
    const earlier = (result: InMemoryResult) => result.facts.filter((fact) => fact.atPs < atPs);
    expect(earlier(broken)).toEqual(earlier(HEALTHY));
    expect(earlier(broken).length).toBeGreaterThan(8);
  });

  it("that is late is found in a run with the faults that are earlier", () => {
    const slow: FaultSpec = {
      name: "slow",
      kind: "nic-down",
      targets: ["node0.nic0"],
      atPs: PS_PER_US,
      healAtPs: 3 * PS_PER_MS,
    };
    const faults = [
      faultAt(
        { layer: 3, phase: "combine", rank: RANK },
        { name: "last", healAtPs: 3 * PS_PER_MS },
      ),
      slow,
      faultAt({ rank: RANK }, { name: "first", healAtPs: 3 * PS_PER_MS }),
    ];
    const { scenario, moments } = withMoments({ ...SCENARIO, faults });
    expect(moments.map(({ fault }) => fault)).toEqual(["first", "last"]);
    expect(scenario.faults.map(({ name }) => name)).toEqual(["last", "slow", "first"]);
    const without = runInMemory({ ...SCENARIO, faults: scenario.faults.slice(1, 2) });
    const { fromPs, untilPs } = phaseOf(without, "dispatch.completed");
    expect(moments[0].atPs).toBe(fromPs + Math.floor((untilPs - fromPs) / 2));
    // The rank waits for node0.gpu0, whose copies come an ACK timeout late.
    expect(untilPs).toBeGreaterThan(phaseOf(HEALTHY, "dispatch.completed").untilPs + PS_PER_MS);
    expect(moments[1].atPs).toBeGreaterThan(moments[0].atPs + PS_PER_MS);
  });

  it("gives one digest under every placement", () => {
    const { scenario } = withMoments({
      ...SCENARIO,
      faults: [faultAt({ rank: RANK }, { healAtPs: 3 * PS_PER_MS })],
    });
    const digests = (["single", "node", "actor"] as const).map(
      (placement) => runInMemory(scenario, { placement }).digest,
    );
    expect(new Set(digests).size).toBe(1);
    expect(digests[0]).not.toBe(HEALTHY.digest);
  });

  it("does not depend on the placement, nor on logged packets", () => {
    const faults = [faultAt({ rank: RANK })];
    const at = (run: Partial<typeof SCENARIO.run>): number =>
      withMoments({ ...SCENARIO, run: { ...SCENARIO.run, ...run }, faults }).moments[0].atPs;
    expect(at({ placement: "actor" })).toBe(at({}));
    expect(at({ logPackets: true })).toBe(at({}));
  });

  it("that never comes is an error: the rank is dead by then", () => {
    const dead: FaultSpec = { name: "dead", kind: "gpu-dead", targets: [RANK], atPs: PS_PER_US };
    const scenario = {
      ...SCENARIO,
      faults: [dead, faultAt({ rank: RANK })],
      run: { ...SCENARIO.run, timeLimitPs: PS_PER_S },
    };
    expect(() => withMoments(scenario)).toThrow(
      "fault mid at 50 % into dispatch of layer 2, step 0, of node1.gpu2, which the run never reaches",
    );
  });
});
