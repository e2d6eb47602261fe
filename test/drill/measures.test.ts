/** Measures on facts made by hand, so that every value can be checked by eye. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Query } from "../../src/drill/measure.ts";
import { MEASURES, measureOf } from "../../src/drill/measures.ts";
import type { RunEnd } from "../../src/drill/run-end.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import type { Fact, FactRecord } from "../../src/model/fact.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** 2 nodes of 2 GPUs. */
const scenario = tinyScenario({
  cluster: { nodes: 2, gpusPerNode: 2, planes: 2, switchPorts: 8 },
  workload: { epSize: 4, layers: [1, 2] },
});
const topology = makeFatTree(scenario.cluster, scenario.hardware);
const GPUS = ["node0.gpu0", "node0.gpu1", "node1.gpu0", "node1.gpu1"];

/** A fact of an actor at an instant in ms. */
function record(atMs: number, actor: string, fact: Fact): FactRecord {
  return { atPs: atMs * PS_PER_MS, actor: topology.indexOf(actor), index: 0, fact };
}

const layer = (atMs: number, gpu: number, tookMs: number): FactRecord =>
  record(atMs, GPUS[gpu], {
    type: "layer.completed",
    layer: 1,
    step: 0,
    chain: "batch0",
    durationPs: tookMs * PS_PER_MS,
  });

const combine = (atMs: number, combined: number, masked: number): FactRecord =>
  record(atMs, GPUS[0], {
    type: "combine.completed",
    layer: 1,
    step: 0,
    chain: "batch0",
    combined,
    masked,
    durationPs: PS_PER_MS,
  });

const began = (atMs: number, kind: string, target: string, fault = "f"): FactRecord =>
  record(atMs, target.startsWith("node") ? target : GPUS[0], {
    type: "fault.began",
    fault,
    kind,
    target,
  });

const masks = (atMs: number, by: number, rank: number): FactRecord =>
  record(atMs, GPUS[by], {
    type: "rank.masked",
    rank: GPUS[rank],
    fault: "f",
    assignments: 3,
    reason: "no-answer",
  });

/** The value of a measure over [from, to) ms; undefined when it has none. */
function read(
  name: string,
  facts: readonly FactRecord[],
  changes: {
    readonly from?: number;
    readonly to?: number;
    readonly args?: Query["arguments"];
    readonly healthy?: readonly FactRecord[];
    readonly end?: Partial<RunEnd>;
  } = {},
): number | undefined {
  const series = (records: readonly FactRecord[]): RunSeries => {
    const made = new RunSeries(scenario, topology);
    made.take(records);
    return made;
  };
  const measure = measureOf(name);
  if (measure === undefined) throw new Error(`no measure ${name}`);
  return measure.read({
    run: series(facts),
    healthy: changes.healthy && series(changes.healthy),
    fromPs: (changes.from ?? 0) * PS_PER_MS,
    toPs: (changes.to ?? 1_000) * PS_PER_MS,
    arguments: changes.args ?? {},
    end: changes.end as RunEnd | undefined,
  }).value;
}

/** Ranks go on together. */
const resumed = (atMs: number, members: readonly string[]) =>
  record(atMs, GPUS[0], { type: "ranks.resumed", epoch: 1, step: 0, members });

describe("measures", () => {
  it("all have a name of their own, a meaning and a source", () => {
    expect(new Set(MEASURES.map(({ name }) => name)).size).toBe(MEASURES.length);
    for (const { about, source } of MEASURES) {
      expect(about.length).toBeGreaterThan(10);
      expect(["virtual time", "count"]).toContain(source);
    }
  });

  it("of latency take percentiles by nearest rank, within the part of the run", () => {
    const facts = [layer(1, 0, 1), layer(2, 1, 2), layer(3, 2, 3), layer(4, 3, 10)];
    expect(read("layer_ms", facts)).toBe(4);
    expect(read("layer_ms", facts, { args: { percentile: 50 } })).toBe(2);
    expect(read("layer_ms", facts, { args: { percentile: 99 } })).toBe(10);
    expect(read("layer_ms", facts, { args: { percentile: 99 }, to: 4 })).toBe(3);
    expect(read("layer_ms", facts, { from: 5 })).toBeUndefined();
  });

  it("of TPOT divide a step by the tokens that it accepts", () => {
    const step = record(5, GPUS[0], { type: "step.completed", step: 0, durationPs: 6e9 });
    expect(read("tpot_ms", [step])).toBe(6);
  });

  it("of throughput compare what was combined in the same time", () => {
    const healthy = [combine(1, 100, 0), combine(2, 100, 0), combine(3, 100, 0)];
    const facts = [combine(1, 100, 0), combine(2, 50, 50), combine(3, 0, 100)];
    expect(read("throughput_vs_healthy", facts, { healthy, to: 4 })).toBe(0.5);
    expect(read("throughput_vs_healthy", facts, { healthy, from: 2, to: 4 })).toBe(0.25);
    expect(read("throughput_vs_healthy", facts, { to: 4 })).toBeUndefined();
    expect(read("masked_share", facts)).toBe(0.5);
    expect(read("assignments_masked", facts, { to: 3 })).toBe(50);
    // 150 assignments, 2 layers of top-2: 37.5 tokens in 4 ms.
    expect(read("tokens_per_second", facts, { to: 4 })).toBe(9_375);
  });

  it("of ranks count those that most of their group gave up", () => {
    const facts = [masks(2, 0, 3), masks(3, 1, 3), masks(4, 1, 3), masks(5, 0, 2)];
    expect(read("ranks_masked", facts)).toBe(1);
    expect(read("ranks_masked", facts, { to: 3 })).toBe(0);
    expect(read("ranks_masked", facts, { from: 6 })).toBe(1);
    expect(read("masks", facts)).toBe(3);
  });

  it("of missing experts follow from masks, whether or not replicas may take over", () => {
    // Each of the four ranks holds 4 of the 16 experts, and there are no replicas.
    const given = [masks(2, 0, 3), masks(3, 1, 3)];
    expect(read("experts_missing", [])).toBe(0);
    expect(read("experts_missing", given, { to: 2 })).toBe(0);
    expect(read("experts_missing", given)).toBe(4);
    // One who is cut off gives all others up, which leaves those as they are.
    const cutOff = [masks(4, 3, 0), masks(4, 3, 1), masks(4, 3, 2)];
    expect(read("experts_missing", [...given, ...cutOff])).toBe(4);
    // A controller has all work together again, or the others hold the experts of one that is out.
    for (const out of [[], [3]]) {
      const left = out.map((gpu) =>
        record(6, GPUS[0], { type: "rank.excluded", rank: GPUS[gpu], fault: "f" }),
      );
      const members = GPUS.filter((_, gpu) => !out.includes(gpu));
      const facts = [...given, ...cutOff, ...left, resumed(6, members)];
      expect(read("experts_missing", facts, { to: 6 })).toBe(4);
      expect(read("experts_missing", facts, { from: 7 })).toBe(0);
      expect(read("ranks_masked", facts, { from: 7 })).toBe(out.length);
    }
    // Two halves that cannot reach each other: nobody is in service, and nobody serves all.
    const halves = [0, 1].flatMap((one) => [
      ...[2, 3].flatMap((other) => [masks(5, one, other), masks(5, other, one)]),
    ]);
    expect(read("ranks_masked", halves)).toBe(4);
    expect(read("experts_missing", halves)).toBe(16);
  });

  it("of ranks that trapped or finished end when a controller has them begin again", () => {
    const trapped = { type: "rank.trapped", missing: [GPUS[3]], fault: "f" } as const;
    const finished = { type: "rank.finished", dispatched: 0, combined: 0, masked: 0 } as const;
    const facts = [
      record(2, GPUS[0], trapped),
      record(2, GPUS[1], finished),
      record(3, GPUS[0], { type: "rank.excluded", rank: GPUS[3], fault: "f" }),
      resumed(4, GPUS.slice(0, 3)),
    ];
    expect(read("ranks_trapped", facts, { from: 2, to: 4 })).toBe(1);
    expect(read("ranks_trapped", facts, { from: 5, to: 6 })).toBe(0);
    expect(read("ranks_finished", facts, { to: 3 })).toBe(1);
    expect(read("ranks_finished", facts, { from: 5, to: 6 })).toBe(0);
    expect(read("ranks_masked", facts, { from: 5, to: 6 })).toBe(1);
  });

  it("of stalls count ranks without a layer, unless they are masked or done", () => {
    const finish = (atMs: number, gpu: number) =>
      record(atMs, GPUS[gpu], { type: "rank.finished", dispatched: 0, combined: 0, masked: 0 });
    const facts = [
      ...[0, 1, 2, 3].map((gpu) => layer(1, gpu, 1)),
      layer(4, 0, 1),
      finish(4, 0),
      layer(20, 1, 1),
      masks(5, 0, 3),
      masks(5, 1, 3),
    ];
    const args = { for: 10 * PS_PER_MS };
    // Rank 1 was away for 19 ms, rank 2 still is; 0 is done, and 3 was masked in time.
    expect(read("ranks_stalled", facts, { args, to: 30 })).toBe(2);
    expect(read("ranks_stalled", facts, { args, to: 10 })).toBe(0);
    expect(read("ranks_stalled", facts, { args, from: 21, to: 30 })).toBe(1);
  });

  it("of planes are known at the end", () => {
    const fabric = { "networkBytes.plane0": 300, "networkBytes.plane1": 100, networkBytes: 400 };
    expect(read("plane_share", [], { args: { plane: 1 } })).toBeUndefined();
    expect(read("plane_share", [], { args: { plane: 1 }, end: { fabric } })).toBe(0.25);
  });

  it("of faults leave out what operators do", () => {
    const facts = [began(1, "nic-down", "node0.nic0"), began(2, "masked", "node1.gpu0", "m")];
    expect(read("faults_in_force", facts)).toBe(1);
    expect(read("time_to_detect_ms", [facts[1], masks(3, 0, 2)])).toBeUndefined();
  });
});

describe("the times of an outage", () => {
  const timedOut = record(4, "node0.nic0", {
    type: "qp.timed-out",
    peer: "node1.nic0",
    retry: 1,
    outstanding: 2,
  });
  const dead = began(2, "gpu-dead", GPUS[3]);
  const before = [0, 1, 2, 3].map((gpu) => layer(1, gpu, 1));

  it("count from the onset to the first sign, and to the first finger that points", () => {
    const facts = [...before, dead, timedOut, masks(7, 0, 3)];
    expect(read("time_to_detect_ms", facts)).toBe(2);
    expect(read("time_to_detect_ms", facts, { to: 4 })).toBeUndefined();
    expect(read("time_to_locate_ms", facts)).toBe(5);
    expect(read("time_to_locate_ms", facts, { args: { fault: "f" } })).toBe(5);
    expect(read("time_to_locate_ms", facts, { args: { fault: "other" } })).toBeUndefined();
  });

  it("wait for all ranks in service to complete a layer begun since", () => {
    // Layers of 8 ms began before the onset; those of 1 ms after it. Rank 3 is dead.
    const stalled = [0, 1, 2].map((gpu) => layer(9, gpu, 8));
    const served = [0, 1, 2].map((gpu) => layer(10 + gpu, gpu, 1));
    const facts = [...before, dead, timedOut, masks(7, 0, 3), ...stalled];
    expect(read("time_to_serve_again_ms", facts)).toBeUndefined();
    expect(read("time_to_serve_again_ms", [...facts, ...served.slice(0, 2)])).toBeUndefined();
    expect(read("time_to_serve_again_ms", [...facts, ...served])).toBe(10);
  });

  it("have no full capacity while somebody is out, and none of it was lost without trouble", () => {
    const end = {};
    const fine = [0, 1, 2, 3].map((gpu) => layer(5, gpu, 1));
    expect(read("time_to_full_capacity_ms", [...before, dead, ...fine], { end })).toBeUndefined();
    const slow = began(2, "slow-nic", "node1.nic1");
    const to = 5.5;
    expect(read("time_to_full_capacity_ms", [...before, slow, ...fine], { end, to })).toBe(0);
    const late = [0, 1, 2, 3].map((gpu) => layer(6 + gpu, gpu, 1.2));
    const facts = [...before, slow, ...late];
    expect(read("time_to_full_capacity_ms", facts, { end })).toBeUndefined();
    // The last slow layer ends at 9 ms; the last rank to be healthy since then does at 13 ms.
    const healthy = [0, 1, 2, 3].map((gpu) => layer(10 + gpu, gpu, 1));
    const whole = [...facts, ...healthy, ...[0, 1, 2, 3].map((gpu) => layer(14, gpu, 1))];
    expect(read("time_to_full_capacity_ms", whole, { end, to: 15 })).toBe(11);
    expect(read("time_to_full_capacity_ms", whole, { to: 15 })).toBeUndefined();
  });

  it("have full capacity when a dead rank is back and serves", () => {
    const healed = record(20, GPUS[3], {
      type: "fault.healed",
      fault: "f",
      kind: "gpu-dead",
      target: GPUS[3],
    });
    const served = [0, 1, 2, 3].map((gpu) => layer(22, gpu, 1));
    const facts = [...before, dead, healed, ...served];
    expect(read("time_to_full_capacity_ms", facts, { end: {}, to: 23 })).toBe(20);
  });

  it("have no full capacity while the fleet stands still, though nobody is out", () => {
    const end = {};
    const down = began(2, "nic-down", "node1.nic1");
    const facts = [...before, down];
    // Nobody has completed a layer since: not right after the onset, and not 30 layers later.
    expect(read("time_to_full_capacity_ms", facts, { end, to: 2.05 })).toBeUndefined();
    expect(read("time_to_full_capacity_ms", facts, { end, to: 50 })).toBeUndefined();
    // They complete one, and stand still after it; healthy ones take 1 ms, the fleet is at 50 ms.
    const once = [0, 1, 2, 3].map((gpu) => layer(3.5, gpu, 1));
    expect(read("time_to_full_capacity_ms", [...facts, ...once], { end, to: 50 })).toBeUndefined();
    const steady = [2, 3, 4, 5].flatMap((atMs) => [0, 1, 2, 3].map((gpu) => layer(atMs, gpu, 1)));
    const healthy = [...before, ...steady];
    const args = { end, healthy };
    expect(read("time_to_full_capacity_ms", [...facts, ...once], { ...args, to: 4 })).toBe(0);
    expect(read("time_to_full_capacity_ms", [...facts, ...once], { ...args, to: 50 })).toBe(
      undefined,
    );
  });
});

it("docs/drills.md lists every measure with its unit and meaning", () => {
  const text = readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8");
  for (const { name, unit, about } of MEASURES) {
    expect(text).toContain(`| \`${name}\` | ${unit || "-"} | ${about}`);
  }
});
