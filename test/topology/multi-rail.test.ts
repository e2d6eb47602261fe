/**
 * The multi-rail fat tree: the same leaves as the planes of an MPFT, under spines that all rails
 * share. And for both networks: whoever sends to whom, the tables lead there.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { censusLines } from "../../scripts/commands/topology.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { uplinkPortOf } from "../../src/model/uplink.ts";
import { takeCensus } from "../../src/topology/census.ts";
import { makePathFinder } from "../../src/topology/paths.ts";
import { lookaheadOf, placeActors } from "../../src/topology/placement.ts";
import { parse, printed } from "../scenario/reading.ts";
import { build, buildableCluster, CROOKED, HARDWARE, NVL72, PUBLISHED, SMALL } from "./clusters.ts";

const rails = (cluster: ClusterSpec): ClusterSpec => ({ ...cluster, network: "mrft" });

const linksOf = (topology: Topology): Set<string> =>
  new Set(topology.lanes.map((lane) => lane.link));

/** Kinds of the devices on the way from a NIC to another, by the switches' tables. */
function wayBetween(topology: Topology, cluster: ClusterSpec, source: number, target: number) {
  const { actors, lanes } = topology;
  const { switchRouting } = cluster;
  const laneAt = new Map(lanes.map((lane) => [`${lane.from}:${lane.fromPort}`, lane.to]));
  const kinds: string[] = [];
  let here = laneAt.get(`${source}:1`);
  while (here !== undefined && here !== target && kinds.length < 8) {
    kinds.push(actors[here].kind);
    const routes = topology.routesOf(here);
    const port =
      routes.portOf[target] >= 0
        ? routes.portOf[target]
        : uplinkPortOf(routes, switchRouting === "ecmp" ? "ecmp" : "static", source, target);
    here = laneAt.get(`${here}:${port}`);
  }
  return here === target ? kinds.join(" ") : "lost";
}

describe("multi-rail fat tree", () => {
  test("of the published cluster has 64 leaves under 32 shared spines, one link between each", () => {
    const census = takeCensus(build(rails(PUBLISHED)));
    expect([census.leaves, census.spines, census.sharedSpines]).toEqual([64, 32, 32]);
    expect(census.links).toEqual(takeCensus(build(PUBLISHED)).links);
    expect(census.planes[7]).toEqual({ plane: 7, nics: 256, leaves: 8, spines: 0 });
    const links = linksOf(build(rails(PUBLISHED)));
    expect(links).toContain("plane3.leaf0--spine1");
    expect(links).toContain("plane7.leaf7--spine31");
    expect(takeCensus(build(PUBLISHED)).sharedSpines).toBe(0);
  });

  test("joins rails of one leaf by spines, with as many links up as down", () => {
    // 4 NICs a rail: each of 8 leaves has 4 links to the one spine that their 32 links need.
    const topology = build(rails(SMALL));
    const census = takeCensus(topology);
    expect([census.leaves, census.spines, census.links.leafSpine]).toEqual([8, 1, 32]);
    expect(topology.actors[topology.indexOf("spine0")]).toEqual({
      id: "spine0",
      kind: "spine",
      node: -1,
      ordinal: 0,
      plane: -1,
      ports: 32,
    });
    expect(linksOf(topology)).toContain("plane7.leaf0--spine0.3");
  });

  test("gives a leaf the links up that its ports allow, and divides one without any", () => {
    const leafOf = (nodes: number): [number, number, number] => {
      const topology = build(rails({ ...SMALL, nodes, switchPorts: 16 }));
      const { links, leaves } = takeCensus(topology);
      return [leaves, topology.actors[topology.indexOf("plane0.leaf0")].ports, links.leafSpine];
    };
    expect(leafOf(8)).toEqual([8, 16, 64]);
    expect(leafOf(11)).toEqual([8, 16, 40]);
    expect(leafOf(15)).toEqual([8, 16, 8]);
    expect(leafOf(16)).toEqual([16, 16, 128]);
  });

  test("keeps names, planes and NICs of the leaves of the MPFT", () => {
    const [planes, joined] = [build(CROOKED), build(rails(CROOKED))];
    for (const link of linksOf(planes)) {
      if (link.includes("nic")) expect(linksOf(joined)).toContain(link);
    }
    const leavesOf = ({ actors }: Topology): unknown[] =>
      actors.filter(({ kind }) => kind === "leaf");
    expect(leavesOf(joined)).toEqual(leavesOf(planes));
  });

  test("of one rail is the tree of one plane", () => {
    const one = { ...CROOKED, planes: 1, switchPorts: 14 };
    const [plane, rail] = [takeCensus(build(one)), takeCensus(build(rails(one)))];
    expect(rail.links).toEqual(plane.links);
    expect([rail.leaves, rail.spines]).toEqual([plane.leaves, plane.spines]);
    const single = { ...SMALL, planes: 1, switchPorts: 32 };
    expect(takeCensus(build(rails(single))).spines).toBe(0);
  });

  test("keeps expert-parallel messages on the receiver's rail", () => {
    const cluster = rails(CROOKED);
    const topology = build(cluster);
    const find = makePathFinder(topology, cluster, { acknowledgements: false });
    const path = find(topology.indexOf("node0.gpu0"), topology.indexOf("node6.gpu3"));
    const ids = path.actors.map((actor) => topology.actors[actor].id);
    // Node 6's NIC 3 has number 13: uplink 13 mod 4, spine 1.
    expect(ids.slice(2)).toEqual([
      "node0.gpu3",
      "node0.nic3",
      "plane1.leaf0",
      "spine1",
      "plane1.leaf3",
      "node6.nic3",
      "node6.gpu3",
    ]);
  });

  test("has a worker for its spines under placement node", () => {
    const topology = build(rails(CROOKED));
    const placement = placeActors(topology, "node", 1);
    expect(placement.workers.map(({ label }) => label)).toEqual([
      ...Array.from({ length: 7 }, (_, node) => `node${node}`),
      "plane0",
      "plane1",
      "spines",
    ]);
    const spines = placement.workers[9].actors.map((actor) => topology.actors[actor].id);
    expect(spines).toEqual(["spine0", "spine1", "spine2", "spine3"]);
    expect(lookaheadOf(topology, placement)).toBe(HARDWARE.leafToSpine.latencyPs);
  });
});

describe("links to shared spines", () => {
  const fileOf = (target: string): string =>
    `model: models/deepseek-v3.json
cluster: {nodes: 2, gpusPerNode: 4, planes: 4, switchPorts: 4, network: mrft}
faults: [{kind: link-down, target: ${target}, at: 1 ms}]
`;

  test("are fault targets, by either order of their ends", () => {
    for (const target of ["plane3.leaf0--spine1", "spine1--plane3.leaf0"]) {
      const result = parse(fileOf(target));
      expect(result.ok && result.scenario.faults[0].targets).toEqual(["plane3.leaf0--spine1"]);
    }
  });

  test("that do not exist are refused, with one that does", () => {
    const [problem] = printed(fileOf("plane3.leaf0--spine7"));
    expect(problem).toContain("matches no link");
    expect(problem).toContain("plane3.leaf0--spine");
    expect(printed(fileOf("plane3.leaf0--plane3.spine1"))).toHaveLength(1);
  });
});

test("the command's lines count one as one", () => {
  const census = takeCensus(build({ ...PUBLISHED, nodes: 1 }));
  expect(censusLines(census)).toContain(
    "planes 0-7, each   1 NIC, 1 leaf switch, 0 spine switches",
  );
});

test("the command's lines tell rails and what joins them from planes", () => {
  expect(censusLines(takeCensus(build(rails(PUBLISHED)))).join("\n")).toContain(
    "rails 0-7, each    256 NICs, 8 leaf switches\nbetween all rails  32 spine switches",
  );
  expect(censusLines(takeCensus(build(PUBLISHED))).join("\n")).toContain(
    "planes 0-7, each   256 NICs, 8 leaf switches, 4 spine switches",
  );
});

describe("the tables of both networks", () => {
  test("lead from every NIC to every NIC of its rail, and across rails where these are joined", () => {
    fc.assert(
      fc.property(buildableCluster, (cluster) => {
        const topology = build(cluster);
        const { actors } = topology;
        const nics = actors.flatMap(({ kind }, at) => (kind === "nic" ? [at] : []));
        const stride = nics.length > 16 ? 37 : 1;
        for (let pair = 0; pair < nics.length * nics.length; pair += stride) {
          const source = nics[Math.floor(pair / nics.length)];
          const target = nics[pair % nics.length];
          if (source === target) continue;
          const sameRail = actors[source].plane === actors[target].plane;
          if (!sameRail && cluster.network === "mpft") continue;
          const way = wayBetween(topology, cluster, source, target);
          const where = `${actors[source].id} to ${actors[target].id}`;
          expect(way, where).toMatch(sameRail ? /^leaf( spine leaf)?$/ : /^leaf spine leaf$/);
        }
      }),
      { numRuns: 80 },
    );
  });

  test("give NVL72 its ports: 72 on the NVSwitch, and a plane for each NIC or for nine", () => {
    const one = build(NVL72);
    const nvswitch = one.indexOf("node0.nvswitch");
    expect(one.actors[nvswitch].ports).toBe(72);
    expect(one.routesOf(nvswitch).portOf[one.indexOf("node0.gpu71")]).toBe(71);
    expect(takeCensus(one).leaves).toBe(72);
    const two = takeCensus(build({ ...NVL72, nodes: 2, planes: 8 }));
    expect(two.planes[7]).toEqual({ plane: 7, nics: 18, leaves: 1, spines: 0 });
  });
});
