/**
 * A trace is the run's own account of each layer: it agrees with the ledger, says the same under
 * every placement, and keeps what a restarted step did before.
 */
import { describe, expect, it } from "vitest";
import { rankOfPlace, TraceRecorder } from "../../src/drill/trace.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { traced } from "./runs.ts";

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

const LOST: FaultSpec = {
  name: "lost-nic",
  kind: "nic-down",
  targets: ["node1.nic0"],
  atPs: 3 * PS_PER_US,
};

describe("a trace", () => {
  it("of a healthy run has every rank in every MoE layer, dispatch before combine", () => {
    const { trace, result } = traced(tinyScenario({ workload: { steps: 2, microBatches: 2 } }));
    const { shape } = trace;
    expect(shape.ranks).toHaveLength(8);
    expect(shape.chains).toEqual(["batch0", "batch1"]);
    const places = trace.combinedAtPs.length;
    expect(places).toBe(8 * 2 * 2 * 4);
    let done = 0;
    for (let place = 0; place < places; place += 1) {
      const layer = shape.layers[place % shape.layers.length];
      if (layer === 0) {
        expect(trace.combinedAtPs[place]).toBeNaN();
        continue;
      }
      done += 1;
      expect(trace.combinedAtPs[place]).toBeGreaterThan(trace.dispatchedAtPs[place]);
      expect(trace.combined[place]).toBe(4 * 2);
    }
    expect(done).toBe(8 * 2 * 2 * 3);
    expect(sum(trace.combined)).toBe(result.assignments.combined);
    expect(trace.endPs).toBe(Math.max(...trace.finishedAtPs));
    expect(rankOfPlace(shape, places - 1)).toBe(7);
  });

  it("says the same under every placement", () => {
    const scenario = tinyScenario({ faults: [LOST] });
    const single = traced(scenario).trace;
    const actors = traced(scenario, { placement: "actor" }).trace;
    expect(actors).toEqual(single);
    expect(single.masks.length).toBeGreaterThan(0);
  });

  it("names who was given up, by whom and for which fault, and agrees with the ledger", () => {
    const { trace, result } = traced(tinyScenario({ faults: [LOST] }));
    expect(trace.masks.every(({ fault }) => fault === "lost-nic")).toBe(true);
    const maskers = trace.masks.filter(({ rank }) => rank === "node1.gpu0").map(({ by }) => by);
    expect(maskers).toContain("node0.gpu0");
    expect(sum(trace.masked)).toBe(result.assignments.masked);
  });

  it("keeps a layer that is done again apart from its last completion", () => {
    const scenario = tinyScenario();
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const recorder = new TraceRecorder(scenario, topology);
    const actor = topology.indexOf("node0.gpu1");
    const at = (atPs: number, combined: number): FactRecord => ({
      atPs,
      actor,
      index: 0,
      fact: {
        type: "combine.completed",
        layer: 2,
        step: 0,
        chain: "batch0",
        combined,
        masked: 8 - combined,
        durationPs: 1,
      },
    });
    recorder.take([at(100, 8), at(900, 5)]);
    const { combinedAtPs, combined, masked, redone } = recorder.trace();
    const place = combinedAtPs.indexOf(900);
    expect(place).toBe(1 * 4 + 2);
    expect([combined[place], masked[place]]).toEqual([5, 3]);
    expect(redone).toEqual([{ place, atPs: 100, combined: 8, masked: 0 }]);
  });
});
