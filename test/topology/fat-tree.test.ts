/** The fat tree against the published figures, and its wiring: every port used once, both ways. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { takeCensus } from "../../src/topology/census.ts";
import { compareNatural } from "../../src/topology/natural-order.ts";
import {
  build,
  buildableCluster,
  CROOKED,
  HARDWARE,
  NAMED,
  PUBLISHED,
  SMALL,
  W128,
} from "./clusters.ts";

/** What is at the far end of a port, as `id:port`. */
function farEnd(topology: Topology, id: string, port: number): string {
  const from = topology.indexOf(id);
  const lane = topology.lanes.find((each) => each.from === from && each.fromPort === port);
  return lane === undefined ? "nothing" : `${topology.actors[lane.to].id}:${lane.toPort}`;
}

function checkWiring(cluster: ClusterSpec): void {
  const topology = build(cluster);
  const { actors, lanes } = topology;
  expect(actors.map((actor) => actor.id)).toEqual(
    actors.map((actor) => actor.id).sort(compareNatural),
  );
  for (const [index, actor] of actors.entries()) expect(topology.indexOf(actor.id)).toBe(index);

  // Exactly one lane for each port, in the order of ports: so no port is used twice or left over.
  const ports = actors.flatMap((actor, index) =>
    Array.from({ length: actor.ports }, (_, port) => `${index}:${port}`),
  );
  expect(lanes.map((lane) => `${lane.from}:${lane.fromPort}`)).toEqual(ports);

  const backwards = new Map(lanes.map((lane) => [`${lane.from}:${lane.fromPort}`, lane]));
  const links = new Map<string, number>();
  for (const lane of lanes) {
    const back = backwards.get(`${lane.to}:${lane.toPort}`);
    expect([back?.to, back?.toPort, back?.link]).toEqual([lane.from, lane.fromPort, lane.link]);
    links.set(lane.link, (links.get(lane.link) ?? 0) + 1);
    const [from, to] = [actors[lane.from], actors[lane.to]];
    if (from.plane >= 0 && to.plane >= 0) expect(from.plane).toBe(to.plane);
  }
  expect([...links.values()].every((count) => count === 2)).toBe(true);
  for (const actor of actors) {
    if (actor.kind === "leaf" || actor.kind === "spine") {
      expect(actor.ports).toBeLessThanOrEqual(cluster.switchPorts);
    }
  }
}

describe("census", () => {
  test("the published 2,048-GPU cluster has 8 x (8 leaves + 4 spines)", () => {
    const census = takeCensus(build(PUBLISHED));
    const { gpus, nics, nvswitches, leaves, spines } = census;
    expect({ gpus, nics, nvswitches, leaves, spines }).toEqual({
      gpus: 2048,
      nics: 2048,
      nvswitches: 256,
      leaves: 64,
      spines: 32,
    });
    expect(leaves + spines).toBe(96);
    expect(census.planes).toHaveLength(8);
    expect(census.planes[7]).toEqual({ plane: 7, nics: 256, leaves: 8, spines: 4 });
    expect(census.links).toEqual({
      gpuNvswitch: 2048,
      gpuNic: 2048,
      nicLeaf: 2048,
      leafSpine: 2048,
      total: 8192,
    });
  });

  test("4 nodes of 8 GPUs on 8 planes are 76 actors, with a lookahead for each placement", () => {
    const census = takeCensus(build(SMALL));
    expect(census.actors).toBe(76);
    expect([census.gpus, census.nics, census.nvswitches]).toEqual([32, 32, 4]);
    expect([census.leaves, census.spines, census.links.leafSpine]).toEqual([8, 0, 0]);
    const { gpuToNic, nicToGpu, nicToLeaf, leafToNic } = HARDWARE;
    const portPs = Math.min(nicToLeaf.latencyPs, leafToNic.latencyPs);
    const leastPs = Math.min(portPs, gpuToNic.latencyPs, nicToGpu.latencyPs);
    expect(census.placements).toEqual([
      { placement: "actor", workers: 76, lookaheadPs: leastPs },
      { placement: "node", workers: 12, lookaheadPs: portPs },
      { placement: "pack", workers: 2, lookaheadPs: portPs },
      { placement: "single", workers: 1, lookaheadPs: Number.POSITIVE_INFINITY },
    ]);
  });

  test("128 hosts on 16-port switches are 16 leaves and 8 spines, one link between each pair", () => {
    const census = takeCensus(build(W128));
    expect([census.leaves, census.spines, census.links.leafSpine]).toEqual([16, 8, 128]);
  });
});

describe("fat tree", () => {
  test.each(NAMED)("uses every port once and every link both ways: %s", (_, cluster) => {
    checkWiring(cluster);
  });

  test("uses every port once and every link both ways on random clusters", () => {
    fc.assert(fc.property(buildableCluster, checkWiring), { numRuns: 60 });
  });

  test("puts ports and link ids where the contract says", () => {
    const topology = build(SMALL);
    expect(farEnd(topology, "node2.gpu3", 0)).toBe("node2.nvswitch:3");
    expect(farEnd(topology, "node2.gpu3", 1)).toBe("node2.nic3:0");
    expect(farEnd(topology, "node2.nic3", 1)).toBe("plane3.leaf0:2");
    const links = new Set(topology.lanes.map((lane) => lane.link));
    expect(links).toContain("node2.gpu3--node2.nvswitch");
    expect(links).toContain("node2.gpu3--node2.nic3");
    expect(links).toContain("node2.nic3--plane3.leaf0");
    expect(links.size).toBe(96);
  });

  test("numbers uplinks by spine, then by parallel link", () => {
    // 14 NICs a plane, 8 ports: leaves of 4, 4, 4, 2; two spines, two links to each.
    const topology = build(CROOKED);
    expect(farEnd(topology, "plane1.leaf2", 4)).toBe("plane1.spine0:4");
    expect(farEnd(topology, "plane1.leaf2", 5)).toBe("plane1.spine0:5");
    expect(farEnd(topology, "plane1.leaf2", 6)).toBe("plane1.spine1:4");
    expect(farEnd(topology, "plane1.leaf3", 2)).toBe("plane1.spine0:6");
    // Node 4's NIC 3 is the second of its node on plane 1: number 9, leaf 2, port 1.
    expect(farEnd(topology, "node4.nic3", 1)).toBe("plane1.leaf2:1");
    const links = new Set(topology.lanes.map((lane) => lane.link));
    expect(links).toContain("plane1.leaf2--plane1.spine1.0");
    expect(links).toContain("plane1.leaf2--plane1.spine1.1");
    expect(links).not.toContain("plane1.leaf2--plane1.spine1");
    expect(new Set(build(W128).lanes.map((lane) => lane.link))).toContain(
      "plane0.leaf15--plane0.spine7",
    );
  });

  test("one leaf of the published cluster serves one GPU index of 32 consecutive nodes", () => {
    const topology = build(PUBLISHED);
    const leaf = topology.indexOf("plane5.leaf1");
    const nics = topology.lanes
      .filter((lane) => lane.from === leaf && topology.actors[lane.to].kind === "nic")
      .map((lane) => topology.actors[lane.to].id);
    expect(nics).toEqual(Array.from({ length: 32 }, (_, n) => `node${32 + n}.nic5`));
  });

  test("gives each lane the class of its kind and direction", () => {
    const topology = build(W128);
    const classOf = (from: string, port: number) => {
      const index = topology.indexOf(from);
      return topology.lanes.find((lane) => lane.from === index && lane.fromPort === port)?.lane;
    };
    expect(classOf("node0.gpu0", 0)).toBe(HARDWARE.gpuToNvswitch);
    expect(classOf("node0.nvswitch", 0)).toBe(HARDWARE.nvswitchToGpu);
    expect(classOf("node0.gpu0", 1)).toBe(HARDWARE.gpuToNic);
    expect(classOf("node0.nic0", 0)).toBe(HARDWARE.nicToGpu);
    expect(classOf("node0.nic0", 1)).toBe(HARDWARE.nicToLeaf);
    expect(classOf("plane0.leaf0", 0)).toBe(HARDWARE.leafToNic);
    expect(classOf("plane0.leaf0", 8)).toBe(HARDWARE.leafToSpine);
    expect(classOf("plane0.spine0", 0)).toBe(HARDWARE.spineToLeaf);
  });

  test("an impossible cluster, an unknown actor and routes of a GPU are bugs of the caller", () => {
    expect(() => build({ ...SMALL, planes: 3 })).toThrow(InvariantError);
    const topology = build(SMALL);
    expect(() => topology.indexOf("node4.gpu0")).toThrow("there is no actor node4.gpu0");
    expect(() => topology.routesOf(topology.indexOf("node0.gpu0"))).toThrow("is no switch");
  });
});

test("natural order puts node9 before node10 and is consistent", () => {
  const names = ["node10", "plane0.leaf2", "node9.gpu10", "node9", "node9.gpu2", "plane0.leaf10"];
  expect(names.sort(compareNatural)).toEqual([
    "node9",
    "node9.gpu2",
    "node9.gpu10",
    "node10",
    "plane0.leaf2",
    "plane0.leaf10",
  ]);
});
