/** ECMP's hash of a flow: even, the same for every packet, and another one at every leaf. */
import { expect, test } from "vitest";
import { ecmpUplinkOf, uplinkPortOf } from "../../src/model/uplink.ts";
import { build, PUBLISHED, W128 } from "./clusters.ts";

const topology = build(PUBLISHED);
const nic = (node: number): number => topology.indexOf(`node${node}.nic2`);
const leaf = (number: number) => topology.routesOf(topology.indexOf(`plane2.leaf${number}`));

test("ECMP spreads the flows of a leaf over its uplinks within 5 standard deviations", () => {
  const routes = leaf(0);
  const counts = new Map(routes.uplinks.map((port) => [port, 0]));
  for (let source = 0; source < 32; source += 1) {
    for (let target = 32; target < 256; target += 1) {
      const port = uplinkPortOf(routes, "ecmp", nic(source), nic(target));
      counts.set(port, (counts.get(port) ?? 0) + 1);
    }
  }
  // 7,168 flows over 32 uplinks: 224 each, with a standard deviation of 15.
  expect(counts.size).toBe(32);
  for (const count of counts.values()) expect(Math.abs(count - 224)).toBeLessThan(75);
});

test("ECMP gives a flow one uplink, and its way back one of its own", () => {
  const flows = Array.from({ length: 64 }, (_, n) => [nic(n % 32), nic(64 + n)] as const);
  const there = flows.map(([from, to]) => uplinkPortOf(leaf(0), "ecmp", from, to));
  expect(flows.map(([from, to]) => uplinkPortOf(leaf(0), "ecmp", from, to))).toEqual(there);
  const back = flows.map(([from, to]) => uplinkPortOf(leaf(0), "ecmp", to, from));
  expect(back.filter((port, flow) => port === there[flow]).length).toBeLessThan(10);
});

test("no two leaves hash alike: flows that one puts together another spreads", () => {
  const salts = topology.actors.flatMap(({ kind }, actor) =>
    kind === "leaf" || kind === "spine" ? [topology.routesOf(actor).salt] : [],
  );
  expect(new Set(salts).size).toBe(salts.length);
  const together: number[] = [];
  for (let flow = 0; together.length < 64; flow += 1) {
    if (ecmpUplinkOf(leaf(0).salt, flow, 9_999, 8) === 3) together.push(flow);
  }
  const elsewhere = new Set(together.map((flow) => ecmpUplinkOf(leaf(1).salt, flow, 9_999, 8)));
  expect(elsewhere.size).toBe(8);
});

test("static routing sends all that is for a target up one way, and its neighbours' other ways", () => {
  const hosts = build(W128);
  const routes = hosts.routesOf(hosts.indexOf("plane0.leaf0"));
  const port = (from: number, to: number): number =>
    uplinkPortOf(
      routes,
      "static",
      hosts.indexOf(`node${from}.nic0`),
      hosts.indexOf(`node${to}.nic0`),
    );
  const neighbours = Array.from({ length: 8 }, (_, place) => port(0, 96 + place));
  expect([...neighbours].sort((left, right) => left - right)).toEqual([...routes.uplinks]);
  for (let from = 1; from < 8; from += 1) expect(port(from, 100)).toBe(neighbours[4]);
});
