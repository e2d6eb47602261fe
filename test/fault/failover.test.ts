/**
 * Failover over NVLink: when a plane is lost for good, queue pairs on it fail after all retries,
 * and what they give back goes again through a neighbour's NIC on another plane. Nobody is masked;
 * the first layer pays the whole RC clock, later ones the load that the neighbours carry.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { streamOf } from "../../src/base/random.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type RecoverySpec, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

const EXPONENT = 8;
const RETRIES = 3;
/** From the first packet that is lost until its queue pair fails. */
const RC_CLOCK_PS = (RETRIES + 1) * ackTimeoutPs(EXPONENT);

/** 4 nodes of 8 GPUs on 8 planes, all-to-all over all of them in eight layers. */
function oneportFleet(changes: {
  recovery?: Partial<RecoverySpec>;
  faults?: readonly FaultSpec[];
  grain?: "token" | "message";
  logPackets?: boolean;
}): Scenario {
  return tinyScenario({
    cluster: { nodes: 4, gpusPerNode: 8, planes: 8, switchPorts: 8 },
    model: {
      ...TINY_MODEL,
      hidden_size: 7_168,
      n_routed_experts: 64,
      n_group: 1,
      topk_group: 1,
      num_experts_per_tok: 8,
    },
    workload: {
      epSize: 32,
      layers: [1, 2, 3],
      tokensPerGpu: 8,
      steps: 2,
      grain: changes.grain ?? "token",
    },
    routing: { source: "uniform" },
    transport: {
      ackTimeoutExponent: EXPONENT,
      retryCount: RETRIES,
      waitTimeoutPs: 100 * PS_PER_S,
    },
    recovery: { ...DEFAULT_RECOVERY, ...changes.recovery },
    faults: changes.faults ?? [],
    run: { logPackets: changes.logPackets ?? false },
  });
}

/** The middle of the first dispatch of the second layer, on some rank of the healthy fleet. */
const ONSET_PS = ((): number => {
  const { facts } = runInMemory(oneportFleet({}));
  for (const { fact, atPs } of facts) {
    if (fact.type === "dispatch.completed" && fact.layer === 2)
      return atPs - Math.round(fact.durationPs / 2);
  }
  throw new Error("no layer 2");
})();

const PLANE_3: FaultSpec = {
  name: "plane",
  kind: "plane-down",
  targets: ["plane3.leaf0"],
  atPs: ONSET_PS,
};

function runBoth(scenario: Scenario): InMemoryResult {
  const one = runInMemory(scenario, { placement: "single" });
  const other = runInMemory(scenario, { placement: "node", shuffle: streamOf("3", "failover") });
  expect(other.digest).toBe(one.digest);
  expect(other.facts).toEqual(one.facts);
  return one;
}

type Typed<Type> = Extract<Fact, { type: Type }>;

function said<Type extends Fact["type"]>(result: InMemoryResult, type: Type): Typed<Type>[] {
  return result.facts.map(({ fact }) => fact).filter((fact) => fact.type === type) as Typed<Type>[];
}

/** Longest combine or dispatch of each exchange of the run, ps. */
function spansOf(result: InMemoryResult): number[] {
  const spans = new Map<number, number>();
  for (const { fact } of result.facts) {
    if (fact.type !== "dispatch.completed" && fact.type !== "combine.completed") continue;
    const exchange = fact.step * 3 + fact.layer - 1;
    spans.set(exchange, Math.max(spans.get(exchange) ?? 0, fact.durationPs));
  }
  return [...spans].sort(([left], [right]) => left - right).map(([, span]) => span);
}

/** By plane: bytes that its leaf got since an instant, in a run that logs packets. */
function leafBytes(scenario: Scenario, { facts }: InMemoryResult, sincePs = 0): number[] {
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  const bytes = new Array<number>(scenario.cluster.planes).fill(0);
  for (const { actor, fact, atPs } of facts) {
    if (fact.type !== "packet.delivered" || actors[actor].kind !== "leaf") continue;
    if (atPs >= sincePs) bytes[actors[actor].plane] += fact.sizeBytes;
  }
  return bytes;
}

describe("a plane that is lost for good", () => {
  it("gets GPU 3 of every node masked by the ranks of other nodes, without failover", () => {
    const result = runBoth(oneportFleet({ faults: [PLANE_3] }));
    const masked = new Set(said(result, "rank.masked").map(({ rank }) => rank));
    for (let node = 0; node < 4; node += 1) expect(masked).toContain(`node${node}.gpu3`);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
    expect(said(result, "detour.taken")).toEqual([]);
  });

  it.each(["token", "message"] as const)(
    "costs nobody with failover: every assignment is combined, after one RC clock (%s)",
    (grain) => {
      const healthy = runInMemory(oneportFleet({ grain }));
      const scenario = oneportFleet({ faults: [PLANE_3], recovery: { failover: "nvlink" }, grain });
      const result = runBoth(scenario);
      expect(said(result, "rank.masked")).toEqual([]);
      expect(result.assignments.combined).toBe(result.assignments.dispatched);
      expect(result.mismatches).toBe(0);
      expect(result.violations).toEqual([]);
      const before = spansOf(healthy);
      const after = spansOf(result);
      const hit = after.findIndex((span) => span > RC_CLOCK_PS / 2);
      // The whole clock once: what goes the other way, too, has waited for it by then.
      expect(after[hit]).toBeGreaterThan(RC_CLOCK_PS);
      expect(after[hit]).toBeLessThan(RC_CLOCK_PS + 100 * PS_PER_US);
      const later = after.slice(hit + 2);
      expect(later.length).toBeGreaterThan(1);
      for (const [place, span] of later.entries()) {
        expect(span).toBeGreaterThan(before[hit + 2 + place]);
        expect(span).toBeLessThan(1.3 * before[hit + 2 + place]);
      }
    },
  );

  it("loads the seven other planes evenly", () => {
    const scenario = oneportFleet({
      faults: [{ ...PLANE_3, atPs: 1 }],
      recovery: { failover: "nvlink" },
      grain: "message",
      logPackets: true,
    });
    const result = runInMemory(scenario);
    const bytes = leafBytes(scenario, result);
    const live = bytes.filter((_, plane) => plane !== 3);
    expect(bytes[3]).toBe(0);
    expect(Math.max(...live) / Math.min(...live)).toBeLessThan(1.15);
    const through = new Set(said(result, "detour.taken").map((fact) => fact.through.slice(-1)));
    expect([...through].sort()).toEqual(["0", "1", "2", "4", "5", "6", "7"]);
    expect(said(result, "detour.taken").every(({ tried }) => tried === 1)).toBe(true);
  });

  it("stays unused when it has healed: messages keep to their detours", () => {
    const healAtPs = ONSET_PS + RC_CLOCK_PS + 100 * PS_PER_US;
    const scenario = oneportFleet({
      faults: [{ ...PLANE_3, healAtPs }],
      recovery: { failover: "nvlink" },
      grain: "message",
      logPackets: true,
    });
    const result = runInMemory(scenario);
    expect(said(result, "fault.healed").length).toBe(1);
    expect(result.virtualTimePs).toBeGreaterThan(healAtPs + 50 * PS_PER_US);
    // Eight senders on each of four nodes, to GPU 3 of the three others.
    expect(said(result, "detour.taken").length).toBe(96);
    const bytes = leafBytes(scenario, result, healAtPs);
    expect(bytes[3]).toBe(0);
    expect(bytes[2]).toBeGreaterThan(0);
  });

  it("ends in masks when every way has been tried", () => {
    const planes = Array.from({ length: 8 }, (_, plane) => `plane${plane}.leaf0`);
    const faults = [{ ...PLANE_3, targets: planes }];
    const result = runBoth(oneportFleet({ faults, recovery: { failover: "nvlink" } }));
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.unexplained).toBe(0);
    const tried = said(result, "detour.taken").map((fact) => fact.tried);
    expect(Math.max(...tried)).toBe(7);
  });
});

it("a NIC that is down for good costs its GPU nothing but the clock, with failover", () => {
  const faults: FaultSpec[] = [
    { name: "nic", kind: "nic-down", targets: ["node1.nic5"], atPs: ONSET_PS },
  ];
  const result = runBoth(oneportFleet({ faults, recovery: { failover: "nvlink" } }));
  expect(said(result, "rank.masked")).toEqual([]);
  expect(result.assignments.combined).toBe(result.assignments.dispatched);
});

it("one-way loss makes duplicates of what did arrive, and each counts once", () => {
  const faults: FaultSpec[] = [
    {
      name: "one-way",
      kind: "one-way-loss",
      targets: ["node1.nic5->plane5.leaf0"],
      atPs: ONSET_PS,
    },
  ];
  // Copies reach node 1 on plane 5, but their acknowledgements do not come back.
  const result = runBoth(oneportFleet({ faults, recovery: { failover: "nvlink" } }));
  expect(said(result, "qp.failed").length).toBeGreaterThan(0);
  expect(said(result, "rank.masked")).toEqual([]);
  expect(result.assignments.combined).toBe(result.assignments.dispatched);
  expect(result.mismatches).toBe(0);
});
