/** What a page draws: series over virtual time, durations, and the use of lanes. */
import { describe, expect, it } from "vitest";
import type { FactRecord } from "../../src/model/fact.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { DurationHistogram } from "../../src/observe/duration-histogram.ts";
import { FleetState } from "../../src/observe/fleet-state.ts";
import { decodeUse, encodeUse, usePermille } from "../../src/observe/lane-use.ts";
import { ViewSeries } from "../../src/observe/view-series.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { assignmentsPerToken } from "../../src/workload/token-count.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

describe("the series of a run", () => {
  const scenario = tinyScenario();
  const { cluster, hardware } = scenario;
  const topology = makeFatTree(cluster, hardware);
  const run = runInMemory(scenario, { placement: "single" });
  const perToken = assignmentsPerToken(scenario);
  const seriesWith = (everyPs: number): ViewSeries => {
    const series = new ViewSeries({
      topology,
      everyPs,
      trafficEveryPs: 1e8,
      assignmentsPerToken: perToken,
    });
    for (const fact of run.facts) series.takeFact(fact);
    series.reached(run.virtualTimePs, true);
    return series;
  };

  it("holds every assignment and layer of it, whatever the interval", () => {
    const layers = run.facts.filter(({ fact }) => fact.type === "layer.completed").length;
    for (const everyPs of [1e6, 1e8]) {
      const series = seriesWith(everyPs);
      const { tokensPerSecond, everyPs: now } = series.all();
      const tokens = tokensPerSecond.reduce<number>(
        (sum, rate) => sum + ((rate ?? 0) * now) / 1e12,
        0,
      );
      expect(tokens * perToken).toBeCloseTo(run.assignments.combined, 6);
      const { layersDone, combined } = series.progressAt(run.virtualTimePs);
      expect([layersDone, combined]).toEqual([layers, run.assignments.combined]);
    }
  });

  it("stays small: intervals double when there are too many, and the news say so", () => {
    const series = new ViewSeries({
      topology,
      everyPs: 1e6,
      trafficEveryPs: 1e6,
      assignmentsPerToken: perToken,
    });
    const layer = (atPs: number): FactRecord => ({
      ...{ atPs, actor: 0, index: 0 },
      fact: { type: "layer.completed", layer: 3, step: 0, chain: "batch0", durationPs: 5 },
    });
    for (let at = 0; at < 600; at += 1) series.takeFact(layer(at * 1e6));
    expect(series.news()).toMatchObject({ reset: true, everyPs: 1e6 });
    expect(series.news()).toBe(undefined);
    series.takeFact(layer(600e6));
    const news = series.news();
    expect(news).toMatchObject({ reset: true, everyPs: 2e6 });
    expect(news?.atPs.length).toBe(301);
    series.takeFact(layer(603e6));
    expect(series.news()).toMatchObject({ reset: false, atPs: [602e6] });
    expect(series.progressAt(603e6).layersDone).toBe(602);
  });

  it("does not come in jumps when layers and intervals have other lengths", () => {
    const [layerPs, everyPs] = [330e6, 500e6];
    const options = { topology, everyPs, trafficEveryPs: 1e8, assignmentsPerToken: perToken };
    const series = new ViewSeries(options);
    const done = (atPs: number): FactRecord => ({
      ...{ atPs, actor: 0, index: 0 },
      fact: {
        ...{ type: "combine.completed", layer: 3, step: 0, chain: "batch0" },
        ...{ combined: 100, masked: 0, durationPs: 5 },
      },
    });
    for (let layer = 1; layer <= 60; layer += 1) series.takeFact(done(layer * layerPs));
    series.reached(60 * layerPs, false);
    const open = series.all().tokensPerSecond;
    // The last layer that will count there may still be on its way.
    expect(open.at(-1)).toBe(null);
    const rates = open.filter((rate) => rate !== null);
    const mean = ((100 / perToken) * 1e12) / layerPs;
    for (const rate of rates) expect(Math.abs(rate / mean - 1)).toBeLessThan(0.03);
    series.news();
    series.reached(70 * layerPs, false);
    expect(series.news()?.tokensPerSecond.every((rate) => rate !== null)).toBe(true);
  });

  it("says how much of each plane's rate was used", () => {
    const series = new ViewSeries({
      topology,
      everyPs: 1e8,
      trafficEveryPs: 1e8,
      assignmentsPerToken: perToken,
    });
    const lane = topology.lanes.findIndex(
      ({ from, to }) => topology.actors[from].kind === "nic" && topology.actors[to].kind === "leaf",
    );
    const { plane } = topology.actors[topology.lanes[lane].to];
    const lanes = topology.lanes.filter(({ from, to }) => {
      const ends = [topology.actors[from], topology.actors[to]];
      const kinds = ends.map(({ kind }) => kind).sort();
      return (
        kinds.join() === "leaf,nic" &&
        ends.some((end) => end.kind === "leaf" && end.plane === plane)
      );
    }).length;
    const full = 1e8 / topology.lanes[lane].lane.psPerByte;
    series.takeTraffic({ bin: 2, lanes: [lane], bytes: [full] });
    const { atPs, planeUsePercent } = series.all();
    expect(atPs).toEqual([2e8]);
    expect(planeUsePercent[plane][0]).toBeCloseTo(100 / lanes, 9);
    expect(planeUsePercent.flat().filter((use) => use > 0).length).toBe(1);
  });
});

describe("durations", () => {
  it("have a median within 2 percent, and their maximum", () => {
    const one = new DurationHistogram();
    const other = new DurationHistogram();
    expect(one.medianPs).toBe(undefined);
    const all = Array.from({ length: 1001 }, (_, place) => 1e6 + place * place * 37);
    for (const [place, duration] of all.entries()) (place % 2 === 0 ? one : other).add(duration);
    one.merge(other);
    const median = all[500];
    expect([one.total, one.maxPs]).toEqual([1001, all[1000]]);
    expect(Math.abs((one.medianPs ?? 0) / median - 1)).toBeLessThan(0.022);
  });
});

describe("the use of lanes as text", () => {
  it("comes back as it was, and what is missing is 0", () => {
    const uses = [0, 1, 63, 64, 999, 1000];
    expect([...decodeUse(encodeUse(uses), 6)]).toEqual(uses);
    expect([...decodeUse(encodeUse([7]), 3)]).toEqual([7, 0, 0]);
    expect(usePermille(50, 20, 2000)).toBe(500);
    expect(usePermille(500, 20, 2000)).toBe(1000);
  });
});

describe("the state of the fleet", () => {
  const state = new FleetState(["node0.gpu0", "node0.gpu1", "node1.gpu0"]);
  const told = (actor: number, fact: FactRecord["fact"]): void =>
    state.take({ atPs: 7 * PS_PER_US, actor, index: 0, fact });
  const onset = { fault: "cut", kind: "nic-down" } as const;

  it("has a fault in force until it has healed on its last target", () => {
    told(0, { type: "fault.began", ...onset, target: "node0.nic0" });
    told(1, { type: "fault.began", ...onset, target: "node0.nic1" });
    told(1, { type: "fault.changed", ...onset, target: "node0.nic1", permille: 250 });
    told(0, { type: "fault.healed", ...onset, target: "node0.nic0" });
    expect(state.faults).toEqual([
      { ...onset, targets: ["node0.nic1"], atPs: 7 * PS_PER_US, permille: 250 },
    ]);
    told(1, { type: "fault.healed", ...onset, target: "node0.nic1" });
    expect(state.faults).toEqual([]);
  });

  it("keeps masks, an operator's too, until those who go on forget them", () => {
    const masks = (rank: string, fault: string): FactRecord["fact"] => {
      return { type: "rank.masked", rank, fault, assignments: 1, reason: "notice" };
    };
    const mask = { fault: "mask", kind: "masked", target: "node1.gpu0" } as const;
    told(2, { type: "fault.began", ...mask });
    told(0, masks("node1.gpu0", "mask"));
    told(1, masks("node1.gpu0", "mask"));
    told(0, masks("node0.gpu1", "cut"));
    expect(state.masked).toEqual([
      { rank: "node1.gpu0", by: 2, faults: ["mask"] },
      { rank: "node0.gpu1", by: 1, faults: ["cut"] },
    ]);
    told(2, { type: "fault.healed", ...mask });
    expect(state.masked).toHaveLength(2);
    expect([state.givenUp(3), state.givenUp(5)]).toEqual([1, 0]);
    told(1, { type: "rank.trapped", fault: "cut", missing: ["node1.gpu0"] });
    expect(state.trapped).toEqual(["node0.gpu1"]);
    const members = ["node0.gpu0", "node0.gpu1", "node1.gpu0"];
    told(0, { type: "ranks.resumed", epoch: 1, step: 0, members });
    expect([state.masked, state.trapped, state.givenUp(3)]).toEqual([[], [], 0]);
  });
});
