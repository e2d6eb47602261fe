/**
 * Paths against the switches' own tables, walked hop by hop by a second program, and against the
 * shape that the fabric must give them.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { ecmpUplinkOf, staticUplinkOf } from "../../src/model/uplink.ts";
import { makePathFinder, type PathFinder, type PathOptions } from "../../src/topology/paths.ts";
import { build, buildableCluster, CROOKED, NAMED, PUBLISHED, SMALL, W128 } from "./clusters.ts";

/** Finds the way of a message alone, without its acknowledgement. */
const wayFinder = (topology: Topology, cluster: ClusterSpec): PathFinder =>
  makePathFinder(topology, cluster, { acknowledgements: false });

/** Actor ids on the way from one GPU to another. */
function idsBetween(cluster: ClusterSpec, from: string, to: string): string[] {
  const topology = build(cluster);
  const path = wayFinder(topology, cluster)(topology.indexOf(from), topology.indexOf(to));
  return path.actors.map((actor) => topology.actors[actor].id);
}

/** Walks a message as devices forward it: by ids and tables only. Returns actors and link ids. */
function walk(
  topology: Topology,
  { switchRouting }: ClusterSpec,
  fromGpu: number,
  toGpu: number,
): [number[], string[]] {
  const { actors, lanes } = topology;
  const laneAt = new Map(lanes.map((lane) => [`${lane.from}:${lane.fromPort}`, lane]));
  const walked: number[] = [fromGpu];
  const links: string[] = [];
  const step = (port: number): number => {
    const lane = laneAt.get(`${walked[walked.length - 1]}:${port}`);
    if (lane === undefined) throw new Error(`no lane at port ${port}`);
    walked.push(lane.to);
    links.push(lane.link);
    return lane.to;
  };
  const forward = (at: number, source: number, target: number): void => {
    let here = at;
    while (here !== target) {
      const { portOf, uplinks, numberOf, salt } = topology.routesOf(here);
      const up =
        switchRouting === "ecmp"
          ? ecmpUplinkOf(salt, source, target, uplinks.length)
          : staticUplinkOf(numberOf[target], uplinks.length);
      here = step(portOf[target] >= 0 ? portOf[target] : uplinks[up]);
    }
  };
  const from = actors[fromGpu];
  const to = actors[toGpu];
  if (fromGpu === toGpu) return [walked, links];
  if (from.node === to.node) {
    forward(step(0), fromGpu, toGpu);
    return [walked, links];
  }
  const targetNic = topology.indexOf(to.id.replace("gpu", "nic"));
  let sender = from.id;
  if (actors[topology.indexOf(from.id.replace("gpu", "nic"))].plane !== actors[targetNic].plane) {
    sender = `node${from.node}.gpu${to.ordinal}`;
    forward(step(0), fromGpu, topology.indexOf(sender));
  }
  const sourceNic = step(1);
  expect(actors[sourceNic].id).toBe(sender.replace("gpu", "nic"));
  forward(step(1), sourceNic, targetNic);
  step(0);
  return [walked, links];
}

function checkPath(topology: Topology, cluster: ClusterSpec, from: number, to: number): void {
  const path = wayFinder(topology, cluster)(from, to);
  const [walked, links] = walk(topology, cluster, from, to);
  expect(path.actors).toEqual(walked);
  expect(path.lanes.map((lane) => topology.lanes[lane].link)).toEqual(links);
  expect(path.lanes.map((lane) => topology.lanes[lane].to)).toEqual(path.actors.slice(1));
  expect(path.lanes.map((lane) => topology.lanes[lane].from)).toEqual(path.actors.slice(0, -1));
  expect(path.actors[path.actors.length - 1]).toBe(to);
  const kinds = path.actors.map((actor) => topology.actors[actor].kind).join(" ");
  expect(kinds).toMatch(/^gpu( nvswitch gpu)?( nic leaf( spine leaf)? nic gpu)?$/);
  expect(new Set(path.actors).size).toBe(path.actors.length);
}

describe("path", () => {
  test("inside a node crosses the NVSwitch", () => {
    expect(idsBetween(SMALL, "node1.gpu0", "node1.gpu7")).toEqual([
      "node1.gpu0",
      "node1.nvswitch",
      "node1.gpu7",
    ]);
  });

  test("to the same GPU has no lanes", () => {
    expect(idsBetween(SMALL, "node1.gpu0", "node1.gpu0")).toEqual(["node1.gpu0"]);
  });

  test("to another node on another plane first hops to the GPU that owns the plane", () => {
    expect(idsBetween(SMALL, "node1.gpu0", "node3.gpu5")).toEqual([
      "node1.gpu0",
      "node1.nvswitch",
      "node1.gpu5",
      "node1.nic5",
      "plane5.leaf0",
      "node3.nic5",
      "node3.gpu5",
    ]);
  });

  test("to another node on the same plane uses the GPU's own NIC", () => {
    expect(idsBetween(CROOKED, "node0.gpu1", "node1.gpu3")).toEqual([
      "node0.gpu1",
      "node0.nic1",
      "plane1.leaf0",
      "node1.nic3",
      "node1.gpu3",
    ]);
  });

  test("across leaves goes over the spine that the uplink rule names", () => {
    // W128: host 100 is reached by spine 100 mod 8.
    expect(idsBetween(W128, "node3.gpu0", "node100.gpu0")).toEqual([
      "node3.gpu0",
      "node3.nic0",
      "plane0.leaf0",
      "plane0.spine4",
      "plane0.leaf12",
      "node100.nic0",
      "node100.gpu0",
    ]);
  });

  test.each(NAMED)("follows the switches' routes between all pairs: %s", (_, cluster) => {
    const topology = build(cluster);
    const gpus = topology.actors.flatMap((actor, index) => (actor.kind === "gpu" ? [index] : []));
    // A prime stride keeps the largest shapes to some hundred pairs and reaches every GPU.
    const stride = gpus.length > 16 ? 41 : 1;
    for (let pair = 0; pair < gpus.length * gpus.length; pair += stride) {
      const from = gpus[Math.floor(pair / gpus.length)];
      checkPath(topology, cluster, from, gpus[pair % gpus.length]);
    }
  });

  test("follows the switches' routes on random clusters", () => {
    const shape = fc.tuple(buildableCluster, fc.nat(), fc.nat());
    fc.assert(
      fc.property(shape, ([cluster, first, second]) => {
        const topology = build(cluster);
        const gpus = topology.actors.flatMap((actor, at) => (actor.kind === "gpu" ? [at] : []));
        checkPath(topology, cluster, gpus[first % gpus.length], gpus[second % gpus.length]);
      }),
      { numRuns: 150 },
    );
  });

  test("under adaptive routing holds every uplink and spine that a message may take", () => {
    // 14 NICs a plane, 4 to a leaf; two spines with two links to each leaf. Node 0's NIC 0 is on
    // leaf 0, node 6's NIC 2 on leaf 3, number 13: each spine gives it its second link down.
    const cluster: ClusterSpec = { ...CROOKED, switchRouting: "adaptive" };
    const topology = build(cluster);
    const find = wayFinder(topology, cluster);
    const path = find(topology.indexOf("node0.gpu0"), topology.indexOf("node6.gpu2"));
    expect(path.actors.map((actor) => topology.actors[actor].id)).toEqual([
      "node0.gpu0",
      "node0.nic0",
      "plane0.leaf0",
      "plane0.spine0",
      "plane0.spine1",
      "plane0.leaf3",
      "node6.nic2",
      "node6.gpu2",
    ]);
    expect(path.lanes.map((lane) => topology.lanes[lane].link)).toEqual([
      "node0.gpu0--node0.nic0",
      "node0.nic0--plane0.leaf0",
      "plane0.leaf0--plane0.spine0.0",
      "plane0.leaf0--plane0.spine0.1",
      "plane0.leaf0--plane0.spine1.0",
      "plane0.leaf0--plane0.spine1.1",
      "plane0.leaf3--plane0.spine0.1",
      "plane0.leaf3--plane0.spine1.1",
      "node6.nic2--plane0.leaf3",
      "node6.gpu2--node6.nic2",
    ]);
  });

  test("under adaptive routing holds the static and the ECMP path, whole", () => {
    fc.assert(
      fc.property(buildableCluster, fc.nat(), fc.nat(), (cluster, first, second) => {
        const topology = build(cluster);
        const gpus = topology.actors.flatMap((actor, at) => (actor.kind === "gpu" ? [at] : []));
        const [from, to] = [gpus[first % gpus.length], gpus[second % gpus.length]];
        const all = wayFinder(topology, { ...cluster, switchRouting: "adaptive" })(from, to);
        const one = wayFinder(topology, cluster)(from, to);
        expect(all.actors).toEqual(expect.arrayContaining([...one.actors]));
        expect(all.lanes).toEqual(expect.arrayContaining([...one.lanes]));
        expect(new Set(all.lanes).size).toBe(all.lanes.length);
        expect(new Set(all.actors).size).toBe(all.actors.length);
        expect([all.actors[0], all.actors[all.actors.length - 1]]).toEqual([from, to]);
      }),
      { numRuns: 100 },
    );
  });

  test("holds the way of the acknowledgement, which ECMP may lead over another spine", () => {
    const cluster: ClusterSpec = { ...W128, switchRouting: "ecmp" };
    const topology = build(cluster);
    const [whole, way] = [makePathFinder(topology, cluster), wayFinder(topology, cluster)];
    let elsewhere = 0;
    for (let host = 8; host < 128; host += 8) {
      const [near, far] = [topology.indexOf("node0.gpu0"), topology.indexOf(`node${host}.gpu0`)];
      const [there, back] = [way(near, far), way(far, near)];
      // Acknowledgements begin and end at the NICs.
      const acknowledged = [...there.lanes, ...back.lanes.slice(1, -1)];
      expect(whole(near, far).lanes).toEqual(acknowledged);
      expect(new Set(whole(near, far).actors)).toEqual(new Set([...there.actors, ...back.actors]));
      if (there.actors[3] !== back.actors[3]) elsewhere += 1;
    }
    expect(elsewhere).toBeGreaterThan(5);
  });

  test("of the normal protocol and of RDMA inside a node go as these do", () => {
    const idsWith = (cluster: ClusterSpec, to: string, options: PathOptions): string[] => {
      const topology = build(cluster);
      const find = makePathFinder(topology, cluster, { ...options, acknowledgements: false });
      const path = find(topology.indexOf("node0.gpu0"), topology.indexOf(to));
      return path.actors.map((actor) => topology.actors[actor].id);
    };
    // Results go by the receiver's plane, copies by the sender's.
    expect(idsWith(SMALL, "node1.gpu5", { protocol: "normal" })).toEqual([
      "node0.gpu0",
      "node0.nvswitch",
      "node0.gpu5",
      "node0.nic5",
      "plane5.leaf0",
      "node1.nic5",
      "node1.gpu5",
      "node0.nic0",
      "plane0.leaf0",
      "node1.nic0",
      "node1.gpu0",
      "node1.nvswitch",
    ]);
    const rdma: PathOptions = { intraNode: "rdma" };
    const ends = (gpu: string, leaf: string): string[] => [
      "node0.gpu0",
      "node0.nic0",
      leaf,
      gpu.replace("gpu", "nic"),
      gpu,
    ];
    const flat = { ...SMALL, planes: 1 };
    expect(idsWith(flat, "node0.gpu3", rdma)).toEqual(ends("node0.gpu3", "plane0.leaf0"));
    expect(idsWith(flat, "node2.gpu1", rdma)).toEqual(ends("node2.gpu1", "plane0.leaf0"));
    expect(idsWith({ ...SMALL, network: "mrft" }, "node2.gpu1", rdma)).toEqual([
      "node0.gpu0",
      "node0.nic0",
      "plane0.leaf0",
      "spine0",
      "plane1.leaf0",
      "node2.nic1",
      "node2.gpu1",
    ]);
    expect(() => idsWith(SMALL, "node2.gpu1", rdma)).toThrow("route-exists");
  });

  test("refuses actors that are no GPUs", () => {
    const topology = build(SMALL);
    const find = makePathFinder(topology, SMALL);
    expect(() => find(topology.indexOf("node0.nic0"), topology.indexOf("node1.gpu0"))).toThrow(
      "path-joins-gpus",
    );
    expect(() => find(-1, 0)).toThrow("path-joins-gpus");
  });
});

describe("routes", () => {
  test("of a spine spread the NICs of a leaf over its parallel links", () => {
    const topology = build(PUBLISHED);
    const { portOf } = topology.routesOf(topology.indexOf("plane2.spine3"));
    const ports = Array.from(
      { length: 32 },
      (_, n) => portOf[topology.indexOf(`node${64 + n}.nic2`)],
    );
    // Leaf 2 has ports 16..23 of each spine; 32 NICs share 8 links, 4 each.
    expect(ports).toEqual(Array.from({ length: 32 }, (_, n) => 16 + (n % 8)));
  });

  test("of a leaf lead down to its own NICs and up to all others", () => {
    const topology = build(CROOKED);
    const { portOf, uplinks, numberOf } = topology.routesOf(topology.indexOf("plane0.leaf1"));
    const nic = (id: string) => topology.indexOf(id);
    expect([portOf[nic("node2.nic0")], portOf[nic("node3.nic2")]]).toEqual([0, 3]);
    expect([portOf[nic("node0.nic0")], portOf[nic("node2.nic1")]]).toEqual([-1, -1]);
    expect(uplinks).toEqual([4, 5, 6, 7]);
    expect([numberOf[nic("node3.nic2")], numberOf[nic("node3.gpu2")]]).toEqual([7, 0]);
  });

  test("of an NVSwitch lead to the GPUs of its node only", () => {
    const topology = build(SMALL);
    const { portOf, uplinks } = topology.routesOf(topology.indexOf("node1.nvswitch"));
    expect(portOf[topology.indexOf("node1.gpu6")]).toBe(6);
    expect(portOf[topology.indexOf("node0.gpu6")]).toBe(-1);
    expect(uplinks).toEqual([]);
  });

  test("are made once", () => {
    const topology = build(SMALL);
    expect(topology.routesOf(topology.indexOf("plane0.leaf0"))).toBe(
      topology.routesOf(topology.indexOf("plane0.leaf0")),
    );
  });
});
