/** What the page marks, remembers and draws, without a browser. */
import { describe, expect, it } from "vitest";
import { FaultSpans } from "../../scripts/page/fault-spans.ts";
import { marksOf, useOfActors } from "../../scripts/page/marks.ts";
import { SeriesStore } from "../../scripts/page/series-store.ts";
import type { EventView, FaultView, SeriesView } from "../../src/observe/view-api.ts";
import { CALM, runOf } from "./run-views.ts";

const run = runOf(2);
const actor = (id: string): number => run.actors.id.indexOf(id);
const fault = (kind: string, targets: readonly string[], permille = 1000): FaultView => {
  return { fault: kind, kind, targets, atPs: 0, untilPs: null, permille };
};

describe("marks", () => {
  it("are put on what a fault hits: a device, a node, a plane, both ends of a link", () => {
    const { actors, links, faults } = marksOf(run, {
      ...CALM,
      faults: [
        fault("gpu-dead", ["node0.gpu1"]),
        fault("node-crash", ["node1"]),
        fault("plane-down", ["plane3"]),
        fault("slow-link", ["node0.nic5--plane5.leaf0"]),
        fault("one-way-loss", ["node0.nic6->plane6.leaf0"]),
      ],
    });
    expect(actors.get(actor("node0.gpu1"))).toBe("down");
    for (const id of ["node1.gpu7", "node1.nic0", "node1.nvswitch", "plane3.leaf0"]) {
      expect([id, actors.get(actor(id))]).toEqual([id, "down"]);
    }
    expect(actors.get(actor("node0.gpu0"))).toBe(undefined);
    expect(links.get("node0.nic5--plane5.leaf0")).toBe("impaired");
    expect(links.get("node0.nic6--plane6.leaf0")).toBe("impaired");
    expect(actors.get(actor("node0.nic5"))).toBe("impaired");
    expect(faults.get(actor("plane5.leaf0"))).toEqual(["slow-link"]);
  });

  it("show the worse of two, and a flap that pauses as impaired", () => {
    const { actors } = marksOf(run, {
      ...CALM,
      masked: [
        { rank: "node0.gpu1", by: 3, faults: ["x"] },
        { rank: "node0.gpu2", by: 1, faults: ["x"] },
      ],
      trapped: ["node0.gpu2"],
      out: ["node0.gpu3"],
      faults: [fault("gpu-dead", ["node0.gpu1"]), fault("nic-down", ["node0.nic2"], 0)],
    });
    expect(actors.get(actor("node0.gpu1"))).toBe("down");
    expect(actors.get(actor("node0.gpu2"))).toBe("masked");
    expect(actors.get(actor("node0.gpu3"))).toBe("out");
    expect(actors.get(actor("node0.nic2"))).toBe("impaired");
  });
});

describe("the use of devices", () => {
  it("is the busier direction of a NIC's link, not of its PCIe, and a switch's mean", () => {
    const permille = new Uint16Array(run.lanes.link.length);
    const lane = (from: string, to: string): number =>
      run.lanes.link.findIndex(
        (_, one) => run.lanes.from[one] === actor(from) && run.lanes.to[one] === actor(to),
      );
    permille[lane("node0.nic2", "plane2.leaf0")] = 300;
    permille[lane("plane2.leaf0", "node0.nic2")] = 500;
    permille[lane("node0.nic2", "node0.gpu2")] = 900;
    const use = useOfActors(run, permille);
    expect(use[actor("node0.nic2")]).toBe(500);
    expect(use[actor("node0.gpu2")]).toBe(0);
    const ports = run.lanes.from.filter((from) => from === actor("plane2.leaf0")).length;
    expect(use[actor("plane2.leaf0")]).toBe(Math.round(800 / (2 * ports)));
  });
});

describe("bands of faults", () => {
  const line = (fact: string, name: string, target: string, virtualTimePs: number): EventView => {
    return {
      line: 0,
      level: "warn",
      virtualTimePs,
      actor: "a",
      fact,
      text: "",
      fault: name,
      target,
    };
  };
  it("last until the last target has healed, and overlap once", () => {
    const spans = new FaultSpans();
    for (const one of [
      line("fault.began", "cut", "x", 10),
      line("fault.began", "cut", "y", 10),
      line("fault.healed", "cut", "x", 20),
      line("fault.began", "slow", "z", 25),
      line("fault.healed", "cut", "y", 30),
      line("fault.healed", "slow", "z", 40),
      line("fault.began", "cut", "x", 50),
    ]) {
      spans.take(one);
    }
    expect(spans.all.map(({ fault: name, fromPs, untilPs }) => [name, fromPs, untilPs])).toEqual([
      ["cut", 10, 30],
      ["slow", 25, 40],
      ["cut", 50, undefined],
    ]);
    expect(spans.union).toEqual([
      { fromPs: 10, untilPs: 40 },
      { fromPs: 50, untilPs: undefined },
    ]);
  });
});

describe("series on the page", () => {
  const view = (reset: boolean, atPs: number[], values: number[]): SeriesView => {
    const none = atPs.map(() => null);
    return {
      ...{ everyPs: 10, reset, atPs, tokensPerSecond: values, planeUsePercent: [values] },
      ...{ dispatchP50Us: none, dispatchMaxUs: none, combineP50Us: none, combineMaxUs: none },
      ...{ ranksMasked: values, lagSeconds: none },
    };
  };
  it("take news in place of what they change, and fall to nothing in between", () => {
    const store = new SeriesStore();
    store.take(view(true, [0, 10], [1, 2]));
    store.take(view(false, [10, 50], [3, 4]));
    expect(store.throughput()).toEqual([
      [0, 10, 20, 40, 50, 60],
      [1, 3, 0, 0, 4, 0],
    ]);
    expect(store.endPs).toBe(60);
    store.take(view(true, [0], [7]));
    expect(store.throughput()).toEqual([
      [0, 10],
      [7, 0],
    ]);
  });
});
