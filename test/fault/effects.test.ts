/** What each kind of fault hits, in a cluster with several planes and parallel links. */
import { describe, expect, it } from "vitest";
import { EffectFinder, Severity, strengthAt } from "../../src/fault/effects.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import {
  FAULT_KINDS,
  type FaultKind,
  type FaultParameters,
  INTERVENTION_KINDS,
} from "../../src/model/fault.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import { DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

/** 12 nodes of 2 GPUs, a plane for each: 3 leaves of 4 NICs, with 2 links to each of 2 spines. */
const CLUSTER: ClusterSpec = {
  ...{ nodes: 12, gpusPerNode: 2, planes: 2, switchPorts: 8 },
  ...DEFAULT_NETWORK,
};

/** What a fault does, with names in place of numbers: lanes as `from->to`. */
function effects(
  kind: FaultKind,
  target: string,
  parameters: FaultParameters = {},
  cluster = CLUSTER,
) {
  const topology = makeFatTree(cluster, HARDWARE_PRESETS["h800-infiniband"]);
  const finder = new EffectFinder(topology);
  const found = finder.effectsOf({ name: "f", kind, targets: [target], atPs: 1, parameters });
  const idOf = (actor: number): string => topology.actors[actor].id;
  const laneOf = (lane: number): string =>
    `${idOf(topology.lanes[lane].from)}->${idOf(topology.lanes[lane].to)}`;
  return {
    ...found,
    actors: found.actors.map(idOf),
    lanes: found.lanes.map(laneOf),
    shownLanes: found.shownLanes.map(laneOf),
    reporter: idOf(finder.reporterOf(target)),
  };
}

const NIC_LANES = ["node1.nic0->plane0.leaf0", "plane0.leaf0->node1.nic0"];
const BUS_LANES = ["node1.gpu0->node1.nic0", "node1.nic0->node1.gpu0"];

describe("effects of a fault on devices", () => {
  it("kill one actor, all of a node, or the switches of a plane", () => {
    expect(effects("gpu-dead", "node1.gpu0").actors).toEqual(["node1.gpu0"]);
    expect(effects("node-crash", "node1")).toMatchObject({
      actorEffect: "dead",
      actors: ["node1.gpu0", "node1.gpu1", "node1.nic0", "node1.nic1", "node1.nvswitch"],
      reporter: "node1.gpu0",
    });
    const plane = effects("plane-down", "plane1");
    const leaves = ["plane1.leaf0", "plane1.leaf1", "plane1.leaf2"];
    expect(plane.actors).toEqual([...leaves, "plane1.spine0", "plane1.spine1"]);
    expect(plane.reporter).toBe("plane1.leaf0");
  });

  it("show at both ends of every link of the dead, unless they died silently", () => {
    const loud = effects("gpu-dead", "node1.gpu0").shownLanes;
    expect(loud).toEqual([
      "node1.gpu0->node1.nvswitch",
      "node1.gpu0->node1.nic0",
      "node1.nic0->node1.gpu0",
      "node1.nvswitch->node1.gpu0",
    ]);
    expect(effects("gpu-dead", "node1.gpu0", { silent: true }).shownLanes).toEqual([]);
  });

  it("ail the GPU, and show nowhere", () => {
    const kinds = { "process-hang": "hung", "slow-gpu": "slow", "silent-corruption": "flips" };
    for (const [kind, actorEffect] of Object.entries(kinds)) {
      const found = effects(kind as FaultKind, "node1.gpu0");
      expect(found).toMatchObject({ actorEffect, actors: ["node1.gpu0"], shownLanes: [] });
    }
    expect(effects("drained", "node1").actors).toEqual(["node1.gpu0", "node1.gpu1"]);
    expect(effects("masked", "node1.gpu1").actorEffect).toBe("masked");
  });

  it("name the expert that is hot, in the name of the first GPU", () => {
    const found = effects("hot-expert", "expert17");
    expect(found).toMatchObject({ experts: [17], actors: [], lanes: [], reporter: "node0.gpu0" });
  });
});

describe("effects of a fault on lanes", () => {
  it.each([
    ["nic-down", "down", NIC_LANES],
    ["nic-flap", "down", NIC_LANES],
    ["slow-nic", "slow", NIC_LANES],
    ["grey-loss", "lossy", NIC_LANES],
    ["pcie-downgrade", "slow", BUS_LANES],
    ["kv-copy", "slow", BUS_LANES],
    ["incast", "slow", ["plane0.leaf0->node1.nic0"]],
  ] as const)("of a NIC: %s has lanes %s", (kind, laneEffect, lanes) => {
    expect(effects(kind, "node1.nic0")).toMatchObject({ laneEffect, lanes, actors: [] });
  });

  it("take every port of a multi-port NIC", () => {
    const ported: ClusterSpec = { ...CLUSTER, nicPorts: "multi-port" };
    expect(effects("nic-down", "node1.nic0", {}, ported).lanes).toHaveLength(4);
    expect(effects("incast", "node1.nic0", {}, ported).lanes).toHaveLength(2);
  });

  it.each([
    ["link-down", "down"],
    ["slow-link", "slow"],
    ["late-link", "late"],
    ["grey-loss", "lossy"],
    ["rerouted", "avoided"],
  ] as const)("of one of two parallel links, both ways: %s", (kind, laneEffect) => {
    const found = effects(kind, "plane0.leaf0--plane0.spine0.1");
    const lanes = ["plane0.leaf0->plane0.spine0", "plane0.spine0->plane0.leaf0"];
    expect(found).toMatchObject({ laneEffect, lanes, reporter: "plane0.leaf0" });
  });

  it("of a direction are one lane, and show nowhere", () => {
    const found = effects("one-way-loss", "plane0.spine0->plane0.leaf0.1");
    expect(found.lanes).toEqual(["plane0.spine0->plane0.leaf0"]);
    expect(found.shownLanes).toEqual([]);
    expect(found.reporter).toBe("plane0.spine0");
  });

  it("of a plane are all its links, with NICs and between switches", () => {
    const { lanes } = effects("late-link", "plane1");
    // 12 NICs, 3 leaves with 4 uplinks each, both ways.
    expect(lanes).toHaveLength(2 * (12 + 12));
    expect(lanes.every((lane) => lane.includes("plane1"))).toBe(true);
  });

  it("stall the NVLink of a GPU, or of all GPUs of a node, both ways", () => {
    expect(effects("nvlink-stall", "node1.gpu1").lanes).toEqual([
      "node1.gpu1->node1.nvswitch",
      "node1.nvswitch->node1.gpu1",
    ]);
    expect(effects("nvlink-stall", "node1").lanes).toHaveLength(4);
  });

  it("have a spine avoided with all its links", () => {
    const { lanes, shownLanes, laneEffect } = effects("rerouted", "plane0.spine0");
    expect(laneEffect).toBe("avoided");
    expect(lanes).toHaveLength(2 * 6);
    expect(shownLanes).toEqual(lanes);
  });
});

describe("every kind", () => {
  it("has a severity: what stops a message, what spoils it, what delays it", () => {
    const one: Partial<Record<FaultKind, string>> = {
      ...{ "node-crash": "node1", "plane-down": "plane0", "switch-down": "plane0.leaf0" },
      ...{ "link-down": "node1.nic0--plane0.leaf0", "slow-link": "node1.nic0--plane0.leaf0" },
      ...{ "one-way-loss": "node1.nic0->plane0.leaf0", "late-link": "plane0" },
      ...{ "hot-expert": "expert1", rerouted: "plane0.spine0", masked: "node1.gpu0" },
    };
    const nicKinds: FaultKind[] = [
      ...(["nic-down", "nic-flap", "slow-nic", "pcie-downgrade", "kv-copy"] as const),
      ...(["grey-loss", "incast"] as const),
    ];
    const by = new Map<number, FaultKind[]>();
    for (const kind of [...FAULT_KINDS, ...INTERVENTION_KINDS]) {
      const target = one[kind] ?? (nicKinds.includes(kind) ? "node1.nic0" : "node1.gpu0");
      const { severity } = effects(kind, target);
      by.set(severity, [...(by.get(severity) ?? []), kind]);
    }
    expect(by.get(Severity.loses)).toEqual(["grey-loss"]);
    expect(by.get(Severity.spoils)).toEqual(["silent-corruption"]);
    expect(by.get(Severity.delays)).toEqual([
      ...["slow-gpu", "slow-nic", "pcie-downgrade", "kv-copy", "slow-link", "late-link"],
      ...["hot-expert", "incast", "rerouted"],
    ]);
    expect([...by.keys()].sort()).toEqual([1, 2, 3, 4]);
  });

  it("says which target does not exist", () => {
    expect(() => effects("gpu-dead", "node99.gpu0")).toThrow("node99.gpu0");
    expect(() => effects("link-down", "a--b")).toThrow("a--b");
    expect(() => effects("one-way-loss", "a->b")).toThrow("a->b");
    expect(() => effects("hot-expert", "expert")).toThrow("expert");
  });

  it("hits in proportion to its level", () => {
    const parameters: FaultParameters = {
      ...{ slowdown: 3, lossPerMillion: 1_000, sparedBytes: 256, extraLatencyPs: 500 },
      ...{ flipsPerMillion: 10, sharePerMillion: 100, psPerByteAtLeast: 40 },
    };
    expect(strengthAt(parameters, 250)).toEqual({
      ...{ slowdown: 1.5, lossPerMillion: 250, sparedBytes: 256, extraLatencyPs: 125 },
      ...{ flipsPerMillion: 3, sharePerMillion: 25, psPerByteAtLeast: 40 },
    });
    expect(strengthAt(undefined, 1000)).toMatchObject({ slowdown: 1, lossPerMillion: 0 });
  });
});
