/** Traffic as counters of a trace: planes by their share, ports by their rate. */
import { describe, expect, it } from "vitest";
import { TrafficCounters } from "../../src/chrome-trace/traffic-counters.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

describe("traffic in a trace", () => {
  const { cluster, hardware } = tinyScenario();
  const topology = makeFatTree(cluster, hardware);
  const kindOf = (actor: number): string => topology.actors[actor].kind;
  const down = topology.lanes.findIndex(
    ({ from, to }) => kindOf(from) === "leaf" && kindOf(to) === "nic",
  );
  const { from, to, lane } = topology.lanes[down];
  const { plane, id } = topology.actors[from];
  const between = topology.lanes.filter((one) => {
    const kinds = [kindOf(one.from), kindOf(one.to)].sort().join();
    const leaf = kindOf(one.from) === "leaf" ? one.from : one.to;
    return kinds === "leaf,nic" && topology.actors[leaf].plane === plane;
  }).length;

  it("is written when it changes, and ends when nothing comes any more", () => {
    const told: [string, string, number, number][] = [];
    const counters = new TrafficCounters(
      topology,
      1e6,
      (actor) => topology.actors[actor].id.split(".")[0],
      (...one) => told.push(one),
    );
    const full = 1e6 / lane.psPerByte;
    counters.take({ bin: 2, lanes: [down], bytes: [full] });
    counters.take({ bin: 3, lanes: [down], bytes: [full] });
    counters.take({ bin: 7, lanes: [down], bytes: [full / 2] });
    counters.finish();
    const group = `plane${plane}`;
    const port = `${id.split(".")[1]} to ${topology.actors[to].id}, Gb/s`;
    const rate = Math.round(8e4 / lane.psPerByte) / 10;
    expect(told.filter(([, name]) => name === port)).toEqual([
      [group, port, 2e6, rate],
      [group, port, 4e6, 0],
      [group, port, 7e6, Math.round(4e4 / lane.psPerByte) / 10],
      [group, port, 8e6, 0],
    ]);
    const percent = (share: number): number => Math.round((1000 * share) / between) / 10;
    expect(told.filter(([, name]) => name === "use, %")).toEqual([
      [group, "use, %", 2e6, percent(1)],
      [group, "use, %", 4e6, 0],
      [group, "use, %", 7e6, percent(0.5)],
      [group, "use, %", 8e6, 0],
    ]);
  });
});
