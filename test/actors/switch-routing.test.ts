/**
 * Static, ECMP and adaptive routing, and both networks, under an all-to-all whose group spans
 * leaves: the same work with the same accounts, one digest whatever the placement, and what the
 * choice of uplinks costs.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { type ClusterSpec, DEFAULT_NETWORK, type Scenario } from "../../src/model/scenario.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

const ROUTINGS = ["static", "ecmp", "adaptive"] as const;

/** All-to-all over all GPUs of a cluster: one MoE layer, heavy enough to fill the uplinks. */
function allToAll(cluster: Partial<ClusterSpec>, seed = "1"): Scenario {
  const whole = {
    ...DEFAULT_NETWORK,
    nodes: 6,
    gpusPerNode: 2,
    planes: 2,
    switchPorts: 4,
    ...cluster,
  };
  const epSize = whole.nodes * whole.gpusPerNode;
  return tinyScenario({
    cluster: whole,
    model: {
      ...TINY_MODEL,
      hidden_size: 7_168,
      n_routed_experts: epSize * 2,
      n_group: 1,
      topk_group: 1,
      num_experts_per_tok: 8,
    },
    workload: { epSize, layers: [1], tokensPerGpu: 32 },
    routing: { source: "uniform" },
    run: { seed },
  });
}

/** Length of a healthy run, ps. */
function spanOf(scenario: Scenario): number {
  const result = runInMemory(scenario);
  expectHealthy(result);
  return result.virtualTimePs;
}

describe("switch routing", () => {
  it.each(ROUTINGS)("has one digest, in one process and spread: %s", (switchRouting) => {
    for (const network of ["mpft", "mrft"] as const) {
      const scenario = allToAll({ network, switchRouting, switchPorts: 6 });
      const one = runInMemory(scenario, { placement: "single" });
      expectHealthy(one);
      for (const placement of ["pack", "node", "actor"] as const) {
        const shuffle = streamOf("3", placement);
        const other = runInMemory(scenario, { placement, shuffle });
        expect(other.digest, `${network}, ${placement}`).toBe(one.digest);
        expect(other.facts).toEqual(one.facts);
      }
    }
  });

  it("sends by other links under each rule, so the digests differ", () => {
    const digests = ROUTINGS.map(
      (switchRouting) => runInMemory(allToAll({ switchRouting })).digest,
    );
    expect(new Set(digests).size).toBe(3);
  });

  it.each(["1", "2", "3"])("is no slower adaptive than by ECMP, seed %s", (seed) => {
    for (const cluster of [{}, { nodes: 16, gpusPerNode: 1, planes: 1, switchPorts: 8 }]) {
      const adaptive = spanOf(allToAll({ ...cluster, switchRouting: "adaptive" }, seed));
      const ecmp = spanOf(allToAll({ ...cluster, switchRouting: "ecmp" }, seed));
      expect(adaptive).toBeLessThanOrEqual(ecmp);
    }
  });

  it("costs the same on planes and on rails where one leaf serves a rail", () => {
    for (const switchRouting of ROUTINGS) {
      const planes = allToAll({ switchPorts: 16, switchRouting });
      expect(spanOf({ ...planes, cluster: { ...planes.cluster, network: "mrft" } })).toBe(
        spanOf(planes),
      );
    }
  });

  // ECMP is left out: on other spines, other flows collide.
  it.each(["static", "adaptive"] as const)(
    "costs the same on planes and on rails of several leaves, to 1.5 percent: %s",
    (switchRouting) => {
      for (const seed of ["1", "2", "3"]) {
        const cluster = { nodes: 12, switchPorts: 8, switchRouting };
        const planes = spanOf(allToAll(cluster, seed));
        const rails = spanOf(allToAll({ ...cluster, network: "mrft" }, seed));
        expect(Math.abs(rails / planes - 1)).toBeLessThanOrEqual(0.015);
      }
    },
  );
});
