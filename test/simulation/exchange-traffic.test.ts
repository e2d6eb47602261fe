/**
 * What the two protocols put on the network: messages and bytes as the packet log shows them,
 * against what the routing asks for; and node-limited routing, which is what the difference is for.
 */
import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { RoutingChoices } from "../../src/model/routing.ts";
import type { Scenario, WorkloadSpec } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { copyBytes } from "../../src/workload/bytes.ts";
import { makeRoutingSource } from "../../src/workload/routing-sources.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

const NODES = 8;
const GPUS_PER_NODE = 2;
const RANKS = NODES * GPUS_PER_NODE;
const TOP_K = 8;
const TOKENS = 12;
const LAYER = 1;
/** 8 groups, one a node; any of them can hold all of a token's choices. */
const MODEL = {
  ...TINY_MODEL,
  hidden_size: 7_168,
  n_routed_experts: 64,
  num_experts_per_tok: TOP_K,
  n_group: NODES,
  topk_group: 4,
};
const EXPERTS_PER_RANK = MODEL.n_routed_experts / RANKS;

type Workload = Partial<WorkloadSpec>;

function scenarioOf(workload: Workload, topkGroup = MODEL.topk_group): Scenario {
  return tinyScenario({
    model: { ...MODEL, topk_group: topkGroup },
    cluster: { nodes: NODES, gpusPerNode: GPUS_PER_NODE, planes: GPUS_PER_NODE, switchPorts: 16 },
    workload: {
      phase: "all-to-all",
      tokensPerGpu: TOKENS,
      epSize: RANKS,
      layers: [LAYER],
      ...workload,
    },
    run: { logPackets: true },
  });
}

/** What the routing asks for, by rank and token: ranks that hold its choices. */
function holdersOf({ model, workload, routing, run }: Scenario): number[][][] {
  const source = makeRoutingSource({ seed: run.seed, model, workload, routing });
  return Array.from({ length: RANKS }, (_, rank) => {
    const into: RoutingChoices = {
      experts: new Int32Array(TOKENS * TOP_K),
      weights: new Int32Array(TOKENS * TOP_K),
    };
    source.choose({ group: 0, rank, step: 0, layer: LAYER }, into);
    const holders = Array.from(into.experts, (expert) => Math.floor(expert / EXPERTS_PER_RANK));
    return Array.from({ length: TOKENS }, (_, token) =>
      holders.slice(token * TOP_K, (token + 1) * TOP_K),
    );
  });
}

/** `node3.gpu1` is rank 7. */
function rankOf(id: string): number {
  const [, node, gpu] = /^node(\d+)\.gpu(\d+)$/.exec(id) ?? [];
  return Number(node) * GPUS_PER_NODE + Number(gpu);
}

/** By rank and node. */
const zeros = (): number[][] =>
  Array.from({ length: RANKS }, () => new Array<number>(NODES).fill(0));

const nodeOf = (rank: number): number => Math.floor(rank / GPUS_PER_NODE);

/** Of each token: what `count` says of the ranks that hold its choices. */
function perToken(
  scenario: Scenario,
  count: (home: number, holders: number[]) => number,
): number[] {
  return holdersOf(scenario).flatMap((tokens, home) =>
    tokens.map((holders) => count(home, holders)),
  );
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
const otherNodes = (home: number, holders: number[]): number =>
  new Set(holders.map(nodeOf).filter((node) => node !== nodeOf(home))).size;
const choicesElsewhere = (home: number, holders: number[]): number =>
  holders.filter((holder) => nodeOf(holder) !== nodeOf(home)).length;
const otherRanks = (home: number, holders: number[]): number =>
  new Set(holders.filter((holder) => holder !== home)).size;

type Delivered = Extract<Fact, { type: "packet.delivered" }>;

interface Traffic {
  /** Messages that NICs sent to the network. */
  readonly network: readonly Delivered[];
  /** Messages that came to the GPU that they are for. */
  readonly arrived: readonly Delivered[];
}

function trafficOf(scenario: Scenario): Traffic {
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  const network: Delivered[] = [];
  const arrived: Delivered[] = [];
  const { facts, violations } = runInMemory(scenario);
  expect(violations).toEqual([]);
  for (const { actor, fact } of facts) {
    if (fact.type !== "packet.delivered") continue;
    const { kind, id } = actors[actor];
    if (kind === "leaf" && fact.link.includes(".nic")) network.push(fact);
    if (kind === "gpu" && fact.destination === id) arrived.push(fact);
  }
  return { network, arrived };
}

const bytesOf = (packets: readonly Delivered[]): number =>
  sum(packets.map(({ sizeBytes }) => sizeBytes));

describe.each(["token", "message"] as const)("bytes on the network, grain %s", (grain) => {
  it("of the normal protocol: a copy for each other node there, its sum back", () => {
    const scenario = scenarioOf({ protocol: "normal", grain });
    const { network } = trafficOf(scenario);
    const copies = sum(perToken(scenario, otherNodes));
    const sent = (kind: string): Delivered[] => network.filter((packet) => packet.kind === kind);
    expect(copyBytes("fp8", "normal", MODEL.hidden_size)).toBe(7_392);
    expect(bytesOf(sent("nodeDispatch"))).toBe(copies * 7_392);
    expect(bytesOf(sent("combine"))).toBe(copies * 14_336);
    const others = ["nodeDispatch", "combine", "dispatchCount", "ack"];
    expect(network.filter(({ kind }) => !others.includes(kind))).toEqual([]);
  });

  it("of the normal protocol stay what they are when NVLink passes copies on", () => {
    const scenario = scenarioOf({ protocol: "normal", grain });
    const { arrived } = trafficOf(scenario);
    // A copy for each other rank, less one where the rank that passes it on keeps one.
    const kept = perToken(scenario, (home, holders) => {
      const relays = new Set(holders.filter((holder) => nodeOf(holder) !== nodeOf(home)));
      return [...relays].filter((rank) => rank % GPUS_PER_NODE === home % GPUS_PER_NODE).length;
    });
    const copies = sum(perToken(scenario, otherRanks)) - sum(kept);
    const passed = arrived.filter(({ kind }) => kind === "dispatch");
    expect(bytesOf(passed)).toBe(copies * 7_392);
  });

  it("of the low-latency protocol: a copy for each choice there and back", () => {
    const scenario = scenarioOf({ protocol: "low-latency", grain });
    const { network } = trafficOf(scenario);
    const copies = sum(perToken(scenario, choicesElsewhere));
    const sent = (kind: string): Delivered[] => network.filter((packet) => packet.kind === kind);
    expect(copyBytes("fp8", "low-latency", MODEL.hidden_size)).toBe(7_408);
    expect(bytesOf(sent("dispatch"))).toBe(copies * 7_408);
    expect(bytesOf(sent("combine"))).toBe(copies * 14_336);
  });
});

describe("messages of one copy", () => {
  it("are one a token and other node in the normal protocol, never across planes", () => {
    const scenario = scenarioOf({ protocol: "normal" });
    const { network } = trafficOf(scenario);
    const copies = network.filter(({ kind }) => kind === "nodeDispatch");
    expect(copies.length).toBe(sum(perToken(scenario, otherNodes)));
    for (const { origin, destination, link } of copies) {
      const plane = /gpu(\d+)$/.exec(origin)?.[1];
      expect(/gpu(\d+)$/.exec(destination)?.[1]).toBe(plane);
      expect(link).toContain(`plane${plane}.`);
    }
  });

  it("are one a token and expert in the low-latency protocol", () => {
    const scenario = scenarioOf({ protocol: "low-latency" });
    const { network, arrived } = trafficOf(scenario);
    const copies = network.filter(({ kind }) => kind === "dispatch");
    expect(copies.length).toBe(sum(perToken(scenario, choicesElsewhere)));
    const everywhere = sum(
      perToken(scenario, (home, holders) => holders.filter((holder) => holder !== home).length),
    );
    expect(arrived.filter(({ kind }) => kind === "dispatch").length).toBe(everywhere);
  });
});

describe("node-limited routing", () => {
  const GROUPS = Array.from({ length: NODES }, (_, place) => place + 1);

  /** By rank and other node: copies that the log shows on their way there. */
  function sentOf(scenario: Scenario): number[][] {
    const sent = zeros();
    for (const { kind, origin, destination } of trafficOf(scenario).network) {
      if (kind !== "dispatch" && kind !== "nodeDispatch") continue;
      sent[rankOf(origin)][nodeOf(rankOf(destination))] += 1;
    }
    return sent;
  }

  /** The same by the routing: a copy for each token or, with `each`, for each choice. */
  function askedOf(scenario: Scenario, each: boolean): number[][] {
    const asked = zeros();
    holdersOf(scenario).forEach((tokens, home) => {
      for (const holders of tokens) {
        const nodes = holders.map(nodeOf).filter((node) => node !== nodeOf(home));
        for (const node of each ? nodes : new Set(nodes)) asked[home][node] += 1;
      }
    });
    return asked;
  }

  it.each(GROUPS)(
    "to %i of 8 nodes limits the copies of the normal protocol to as many",
    (most) => {
      const scenario = scenarioOf({ protocol: "normal" }, most);
      expect(Math.max(...perToken(scenario, otherNodes))).toBeLessThanOrEqual(most);
      const sent = sentOf(scenario);
      expect(sent).toEqual(askedOf(scenario, false));
      for (const copies of sent) expect(sum(copies)).toBeLessThanOrEqual(most * TOKENS);
    },
  );

  it.each(GROUPS)("to %i of 8 nodes leaves low-latency one copy a choice", (most) => {
    const scenario = scenarioOf({ protocol: "low-latency" }, most);
    const sent = sentOf(scenario);
    expect(sent).toEqual(askedOf(scenario, true));
    // 7 of 8 choices are on other nodes, however many nodes there are to choose from.
    expect(sum(sent.flat()) / (RANKS * TOKENS)).toBeGreaterThan(6.5);
    expect(sum(sent.flat()) / (RANKS * TOKENS)).toBeLessThan(7.5);
  });

  it("saves more of the network the fewer nodes a token may go to", () => {
    const means = GROUPS.map((most) => {
      const scenario = scenarioOf({ protocol: "normal" }, most);
      return sum(sentOf(scenario).flat()) / (RANKS * TOKENS);
    });
    for (let place = 1; place < means.length; place += 1) {
      expect(means[place]).toBeGreaterThan(means[place - 1]);
    }
    expect(means[0]).toBeLessThan(1);
    expect(means[NODES - 1]).toBeGreaterThan(4);
  });
});
