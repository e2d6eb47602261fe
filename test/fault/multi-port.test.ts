/**
 * What faults cost a fleet of multi-port NICs: a share of the bandwidth where a one-port fleet
 * loses a GPU of every node; a retry where the NIC cannot see what is broken; no rank.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

type NicPorts = Scenario["cluster"]["nicPorts"];

/** 4 nodes of 8 GPUs and 8 planes, one all-to-all of 128 tokens a GPU; it begins at 100 ms. */
function exchange(nicPorts: NicPorts, faults: readonly FaultSpec[] = []): Scenario {
  return tinyScenario({
    cluster: { nodes: 4, gpusPerNode: 8, planes: 8, switchPorts: 64, nicPorts },
    model: {
      ...TINY_MODEL,
      hidden_size: 7168,
      n_routed_experts: 128,
      num_experts_per_tok: 8,
      n_group: 8,
    },
    workload: { phase: "all-to-all", epSize: 32, layers: [1], tokensPerGpu: 128 },
    faults,
  });
}

/** 3 nodes of 2 GPUs, 4 planes with two leaves each; decode, 3 MoE layers. */
function small(faults: readonly FaultSpec[], changes: Parameters<typeof tinyScenario>[0] = {}) {
  return tinyScenario({
    cluster: { nodes: 3, gpusPerNode: 2, planes: 4, switchPorts: 4, nicPorts: "multi-port" },
    model: { ...TINY_MODEL, n_routed_experts: 24 },
    workload: { epSize: 6, tokensPerGpu: 24, layers: [1, 2, 3] },
    routing: { source: "uniform" },
    transport: { ackTimeoutExponent: 8, retryCount: 7 },
    faults,
    ...changes,
  });
}

const START_PS = 100 * PS_PER_MS;
const planeDown = (atPs: number, silent = false): FaultSpec => ({
  name: "plane",
  kind: "plane-down",
  targets: ["plane3"],
  atPs,
  ...(silent && { parameters: { silent: true } }),
});

const factsOf = <Type extends InMemoryResult["facts"][number]["fact"]["type"]>(
  result: InMemoryResult,
  type: Type,
) =>
  result.facts.flatMap(({ fact, atPs, actor }) =>
    fact.type === type
      ? [{ atPs, actor, fact: fact as Extract<typeof fact, { readonly type: Type }> }]
      : [],
  );

/** The longest dispatch and the longest combine of any rank, ps. */
function spansOf(result: InMemoryResult): [number, number] {
  const longest = (type: "dispatch.completed" | "combine.completed"): number =>
    Math.max(...factsOf(result, type).map(({ fact }) => fact.durationPs));
  return [longest("dispatch.completed"), longest("combine.completed")];
}

/** Every copy came back, and nobody was given up. */
function expectAllCombined(result: InMemoryResult): void {
  expect(result.end).toBe("finished");
  expect(result.violations).toEqual([]);
  expect(result.mismatches).toBe(0);
  expect(result.assignments.combined).toBe(result.assignments.dispatched);
  expect(factsOf(result, "rank.masked")).toEqual([]);
}

describe("a plane of eight that is down from the start", () => {
  it("takes GPU 3 of every node from a one-port fleet", () => {
    const result = runInMemory(exchange("one-port", [planeDown(1)]));
    const { masked, dispatched, combined, lost } = result.assignments;
    expect(masked + lost + combined).toBe(dispatched);
    expect(masked).toBeGreaterThan(dispatched / 16);
    const masks = factsOf(result, "rank.masked");
    const told = new Set(masks.filter(({ fact }) => fact.reason === "send-failed").map(nameOf));
    expect(told).toEqual(new Set([0, 1, 2, 3].map((node) => `node${node}.gpu3`)));
    expect(new Set(masks.map(({ fact }) => fact.fault))).toEqual(new Set(["plane"]));
  });

  it("takes an eighth of its bandwidth from a multi-port fleet, and no rank", () => {
    const healthy = runInMemory(exchange("multi-port"));
    expectHealthy(healthy);
    const result = runInMemory(exchange("multi-port", [planeDown(1)]));
    expectAllCombined(result);
    // Every NIC sees its own link to the plane: nothing is sent there, so nothing is lost.
    expect(factsOf(result, "qp.timed-out")).toEqual([]);
    expect(result.fabric.droppedPackets).toBe(0);
    const [whole, less] = [spansOf(healthy), spansOf(result)];
    for (const phase of [0, 1]) {
      expect(less[phase] / whole[phase]).toBeLessThanOrEqual(8 / 7);
      expect(less[phase] / whole[phase]).toBeGreaterThan(1.05);
    }
  });

  it("costs a healthy multi-port fleet nothing against one with one port a NIC", () => {
    const [one, several] = (["one-port", "multi-port"] as const).map((nicPorts) =>
      spansOf(runInMemory(exchange(nicPorts))),
    );
    for (const phase of [0, 1]) expect(several[phase]).toBeLessThan(one[phase] * 1.05);
  });
});

const nameOf = ({ fact }: { readonly fact: { readonly rank: string } }): string => fact.rank;

describe("a plane that goes down in the middle of a dispatch", () => {
  it("loses what was on it, which every NIC sends again at once over the others", () => {
    const atPs = START_PS + 50 * PS_PER_US;
    const result = runInMemory(exchange("multi-port", [planeDown(atPs)]));
    expectAllCombined(result);
    expect(result.fabric.droppedPackets).toBeGreaterThan(0);
    expect(factsOf(result, "qp.timed-out")).toEqual([]);
    const again = factsOf(result, "qp.retransmitted");
    expect(new Set(again.map(({ actor }) => actor)).size).toBe(32);
    for (const { fact, atPs: saidPs } of again) {
      expect([fact.cause, saidPs]).toEqual(["port-down", atPs]);
    }
    const healthy = spansOf(runInMemory(exchange("multi-port")));
    expect(spansOf(result)[0] / healthy[0]).toBeLessThanOrEqual(8 / 7);
  });

  it("costs one ACK timeout when no port shows it, and is avoided from then on", () => {
    const atPs = START_PS + 50 * PS_PER_US;
    const result = runInMemory(exchange("multi-port", [planeDown(atPs, true)]));
    expectAllCombined(result);
    const timeoutPs = 4_096_000 * 1024;
    const [dispatchPs] = spansOf(result);
    expect(dispatchPs).toBeGreaterThan(timeoutPs);
    expect(dispatchPs).toBeLessThan(
      timeoutPs + 2 * spansOf(runInMemory(exchange("multi-port")))[0],
    );
    const suspected = factsOf(result, "plane.suspected");
    expect(suspected.length).toBe(factsOf(result, "qp.timed-out").length);
    expect(new Set(suspected.map(({ fact }) => fact.plane))).toEqual(new Set([3]));
  });
});

describe("a link that fails at the far end", () => {
  const targets: Record<string, FaultSpec> = {
    "loud, seen by the receiver only": {
      name: "far",
      kind: "link-down",
      targets: ["node1.nic0--plane2.leaf1"],
      atPs: 1,
    },
    "to the NIC, silent": {
      name: "far",
      kind: "one-way-loss",
      targets: ["plane2.leaf1->node1.nic0"],
      atPs: 1,
    },
    "from the NIC, silent": {
      name: "far",
      kind: "one-way-loss",
      targets: ["node1.nic0->plane2.leaf1"],
      atPs: 1,
    },
  };

  it.each(Object.entries(targets))("costs retries and nobody: %s", (_, fault) => {
    const scenario = small([fault]);
    const result = runInMemory(scenario);
    expectAllCombined(result);
    const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
    const timeouts = factsOf(result, "qp.timed-out");
    expect(timeouts.length).toBeGreaterThan(0);
    // Only queue pairs of that NIC meet the link.
    for (const { fact, actor } of timeouts) {
      expect([fact.peer, actors[actor].id]).toContain("node1.nic0");
    }
    expect(Math.max(...timeouts.map(({ fact }) => fact.retry))).toBeLessThanOrEqual(2);
  });

  it("is suspected once by each queue pair, although layers follow", () => {
    const result = runInMemory(small([targets["to the NIC, silent"]]));
    const suspected = factsOf(result, "plane.suspected");
    const pairs = suspected.map(({ fact, actor }) => `${actor} ${fact.peer}`);
    expect(suspected.length).toBeGreaterThan(2);
    expect(new Set(pairs).size).toBe(pairs.length);
    for (const { fact } of suspected) {
      expect(fact).toMatchObject({ plane: 2, spanPs: 16 * 4_096_000 * 256 });
    }
  });
});

describe("a suspicion", () => {
  it("ends after 16 ACK timeouts, then twice as many each time the plane still fails", () => {
    // Steps begin every 100 ms; a timeout is 1.05 ms, so a suspicion lasts 16.8 ms at first.
    const scenario = small(
      [
        {
          name: "far",
          kind: "one-way-loss",
          targets: ["plane2.leaf1->node1.nic0"],
          atPs: 1,
        },
      ],
      { workload: { phase: "all-to-all", epSize: 6, tokensPerGpu: 24, layers: [1], steps: 4 } },
    );
    const result = runInMemory(scenario);
    expectAllCombined(result);
    const spans = new Map<number, number[]>();
    for (const { fact, actor } of factsOf(result, "plane.suspected")) {
      if (fact.plane !== 2 || fact.peer !== "node1.nic0") continue;
      spans.set(actor, [...(spans.get(actor) ?? []), fact.spanPs / (4_096_000 * 256)]);
    }
    expect(spans.size).toBeGreaterThan(0);
    for (const of of spans.values()) {
      expect(of.slice(0, 3)).toEqual([16, 32, 64]);
    }
  });

  it("is a first one again once a message got through", () => {
    const flaps = [0, 2].map(
      (step): FaultSpec => ({
        name: `flap${step}`,
        kind: "one-way-loss",
        targets: ["plane2.leaf1->node1.nic0"],
        atPs: START_PS + 2 * step * START_PS - 1,
        healAtPs: START_PS + 2 * step * START_PS + PS_PER_MS,
      }),
    );
    const steps = {
      phase: "all-to-all",
      epSize: 6,
      tokensPerGpu: 24,
      layers: [1],
      steps: 4,
    } as const;
    const result = runInMemory(small(flaps, { workload: steps }));
    expectAllCombined(result);
    const suspected = factsOf(result, "plane.suspected");
    expect(new Set(suspected.map(({ atPs }) => Math.floor(atPs / START_PS))).size).toBe(2);
    for (const { fact } of suspected) expect(fact.spanPs).toBe(16 * 4_096_000 * 256);
  });
});

describe("all planes but one", () => {
  it.each([
    ["loud", false],
    ["silent", true],
  ])("may fail at once, %s: the last carries everything", (_, silent) => {
    const faults = [0, 1, 3].map(
      (plane): FaultSpec => ({
        ...planeDown(1, silent),
        name: `p${plane}`,
        targets: [`plane${plane}`],
      }),
    );
    const result = runInMemory(small(faults));
    expectAllCombined(result);
    expect(factsOf(result, "qp.failed")).toEqual([]);
    expect(factsOf(result, "qp.timed-out").length > 0).toBe(silent);
  });
});

describe("all ports of a NIC", () => {
  const nicDown: FaultSpec = {
    name: "nic",
    kind: "nic-down",
    targets: ["node1.nic0"],
    atPs: 20 * PS_PER_US,
  };

  it("may go down together and come back before the last retry: nothing is masked", () => {
    const result = runInMemory(small([{ ...nicDown, healAtPs: 3 * PS_PER_MS }]));
    expectAllCombined(result);
    expect(factsOf(result, "qp.timed-out").length).toBeGreaterThan(0);
  });

  it("that stay down cost the NIC's rank, and the fault is named", () => {
    const result = runInMemory(small([nicDown]));
    const masks = factsOf(result, "rank.masked");
    expect(masks.length).toBeGreaterThan(0);
    expect(new Set(masks.map(({ fact }) => fact.fault))).toEqual(new Set(["nic"]));
    const { dispatched, combined, masked, lost } = result.assignments;
    expect(combined + masked + lost).toBe(dispatched);
    expect(result.violations).toEqual([]);
    expect(result.unexplained).toBe(0);
  });
});

it("multi-port runs have one digest under every placement, whatever fails", () => {
  const scenarios = [
    exchange("multi-port", [planeDown(START_PS + 50 * PS_PER_US)]),
    small([{ ...planeDown(30 * PS_PER_US, true), healAtPs: 2 * PS_PER_MS }]),
    small([{ name: "nic", kind: "nic-down", targets: ["node1.nic0"], atPs: 20 * PS_PER_US }]),
  ];
  for (const [number, scenario] of scenarios.entries()) {
    const one = runInMemory(scenario, { placement: "single" });
    for (const placement of ["node", "pack", "actor"] as const) {
      const shuffle = streamOf(String(number), placement);
      const other = runInMemory(scenario, { placement, shuffle, workers: 3 });
      expect(other.digest, `${number} ${placement}`).toBe(one.digest);
    }
  }
});
