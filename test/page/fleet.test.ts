/** What the page knows of the fleet: names, states, use, and what lies under the pointer. */
import { describe, expect, it } from "vitest";
import {
  completions,
  describe as describeElement,
  kindsFor,
  kindsOfTarget,
} from "../../scripts/page/fleet/describe.ts";
import { elementOf, elementsOf, isSame, nameOf } from "../../scripts/page/fleet/element.ts";
import { boxesOf, elementAt, neighbourOf, type Step } from "../../scripts/page/fleet/find.ts";
import { cellRates } from "../../scripts/page/fleet/labels.ts";
import { layoutFleet } from "../../scripts/page/fleet/layout.ts";
import { faultsOn, markOf, marksOf } from "../../scripts/page/fleet/marks.ts";
import { FleetUse, formatRate } from "../../scripts/page/fleet/use.ts";
import type { FaultView } from "../../src/observe/view-api.ts";
import { fleetOf, stateOf } from "../support/run-view.ts";

const index = fleetOf();
const wide = fleetOf({ nodes: 128 });

const fault = (kind: string, targets: readonly string[], more: Partial<FaultView> = {}) => ({
  ...{ fault: kind, kind, targets, atPs: 0, untilPs: null, permille: 1000 },
  ...more,
});

describe("names of elements", () => {
  it("lead to the element and back", () => {
    for (const name of ["node2.nic3", "plane3.leaf0", "node2.nvswitch", "node1", "plane7"]) {
      const element = elementOf(name, index);
      expect(element && nameOf(element, index)).toBe(name);
    }
    expect(elementOf("node4.nic0", index)).toBeUndefined();
    expect(elementOf("node4", index)).toBeUndefined();
    expect(elementOf("plane8", index)).toBeUndefined();
    expect(elementOf("expert17", index)).toBeUndefined();
    expect(elementsOf("node4", index)).toEqual([]);
  });

  it("find a link by either end first, and by one direction or one of several", () => {
    const one = elementOf("node2.nic3--plane3.leaf0", index);
    expect(one?.type).toBe("links");
    expect(isSame(one, elementOf("plane3.leaf0--node2.nic3", index))).toBe(true);
    expect(isSame(one, elementOf("plane3.leaf0->node2.nic3", index))).toBe(true);
    const parallel = wide.bundles.find(({ links }) => links.length > 1);
    const names = parallel?.links ?? [];
    expect(names.length).toBe(16);
    expect(isSame(elementOf(names[0], wide), elementOf(names[15], wide))).toBe(true);
    expect(elementOf("node2.nic3--plane4.leaf0", index)).toBeUndefined();
  });

  it("are completed, what begins with the text first", () => {
    expect(completions("node3.n", index, 3)).toEqual([
      ...["node3.nic0", "node3.nic1", "node3.nic2"],
    ]);
    expect(completions("plane3.leaf0", index)[0]).toBe("plane3.leaf0");
    expect(completions("nic3--", index).every((name) => name.includes("nic3--"))).toBe(true);
    expect(completions("", wide, 40)).toHaveLength(40);
  });

  it("say which kinds of fault can hit them", () => {
    const kinds = (name: string): readonly string[] => {
      const element = elementOf(name, index);
      return element === undefined ? [] : kindsFor(element, index).map(({ kind }) => kind);
    };
    expect(kinds("node0.gpu0")).toContain("gpu-dead");
    expect(kinds("node0.gpu0")).not.toContain("nic-down");
    expect(kinds("plane1")).toContain("plane-down");
    expect(kinds("node1.nic0--plane0.leaf0")).toContain("link-down");
    expect(kinds("node1")).toContain("node-crash");
  });
});

describe("marks", () => {
  it("tell what stops, what comes and goes, and what is only worse", () => {
    expect(markOf(fault("nic-down", []))).toBe("dead");
    expect(markOf(fault("nic-flap", []))).toBe("flapping");
    expect(markOf(fault("link-down", [], { permille: 0 }))).toBe("flapping");
    expect(markOf(fault("slow-gpu", []))).toBe("impaired");
    expect(markOf(fault("rerouted", []))).toBe("steered");
    expect(markOf(fault("a kind of tomorrow", []))).toBe("impaired");
  });

  it("are on what faults hit, the worst of several, and on no other", () => {
    const faults = [
      fault("slow-nic", ["node2.nic3"]),
      fault("nic-down", ["node2.nic3"]),
      fault("grey-loss", ["node0.nic1--plane1.leaf0"]),
      fault("plane-down", ["plane5"]),
      fault("node-crash", ["node1"]),
      fault("hot-expert", ["expert17"]),
    ];
    const state = stateOf(index, {
      faults,
      masked: [{ rank: "node2.gpu3", by: 24, faults: ["nic-down"] }],
      trapped: ["node0.gpu7"],
    });
    const { actors, bundles, masked } = marksOf(index, state);
    const of = (name: string): string | undefined => actors.get(index.actorOf(name));
    expect(of("node2.nic3")).toBe("dead");
    expect(of("plane5.leaf0")).toBe("dead");
    expect(of("node1.gpu4")).toBe("dead");
    expect(of("node0.gpu7")).toBe("out");
    expect(of("node3.gpu0")).toBeUndefined();
    expect([...bundles.values()]).toEqual(["impaired"]);
    expect(masked.get(index.actorOf("node2.gpu3"))?.by).toBe(24);
    expect(actors.size).toBe(1 + 1 + 17 + 1);
  });

  it("of a node, a plane or a link are found from the parts that are hit", () => {
    const state = stateOf(index, {
      faults: [fault("nic-down", ["node2.nic3"]), fault("link-down", ["node0.nic1--plane1.leaf0"])],
    });
    const on = (name: string): readonly string[] => {
      const element = elementOf(name, index);
      return element === undefined ? [] : faultsOn(element, state, index).map(({ kind }) => kind);
    };
    expect(on("node2")).toEqual(["nic-down"]);
    expect(on("node0")).toEqual(["link-down"]);
    expect(on("plane1")).toEqual(["link-down"]);
    expect(on("plane2")).toEqual([]);
    expect(on("node0.nic1--plane1.leaf0")).toEqual(["link-down"]);
    expect(on("node3.nic1--plane1.leaf0")).toEqual([]);
  });
});

describe("use", () => {
  const { run } = index;
  const lanes = run.lanes.from.flatMap((from, lane) => {
    const isPort = run.actors.id[from] === "node2.nic3" && run.lanes.link[lane].includes("leaf");
    return isPort ? [lane] : [];
  });

  it("is read lane by lane, and is that of the busiest lane of a device", () => {
    const use = new FleetUse(index);
    expect(lanes).toHaveLength(1);
    use.take(stateOf(index, {}, new Map([[lanes[0], 250]])).use);
    expect(use.ofLane(lanes[0])).toBe(250);
    expect(use.ofActor(index.actorOf("node2.nic3"))).toBe(250);
    expect(use.ofActor(index.actorOf("node2.nic4"))).toBe(0);
    const { bitsPerSecond, bitsPerSecondMax } = use.ofLanes(lanes);
    expect(bitsPerSecond).toBeCloseTo(bitsPerSecondMax / 4, 3);
    // A leaf with 4 NICs has 8 lanes.
    expect(use.ofActor(index.actorOf("plane3.leaf0"))).toBe(Math.round(250 / 8));
  });

  it("stays what it was when a state tells of no time", () => {
    const use = new FleetUse(index);
    use.take(stateOf(index, {}, new Map([[lanes[0], 250]])).use);
    use.take({ ...stateOf(index).use, spanPs: 0 });
    expect(use.ofLane(lanes[0])).toBe(250);
    use.take({ ...stateOf(index).use, fromPs: 5 });
    expect(use.ofLane(lanes[0])).toBe(0);
  });

  it("is written with its unit", () => {
    const texts = [0, 1.234e9, 46.12e9, 1.6e12].map(formatRate);
    expect(texts).toEqual(["0 Gb/s", "1.23 Gb/s", "46.1 Gb/s", "1.60 Tb/s"]);
  });

  it("stands in cells that are wide enough", () => {
    const use = new FleetUse(index);
    use.take(stateOf(index, {}, new Map([[lanes[0], 500]])).use);
    const actor = index.actorOf("node2.nic3");
    const cell = { actor, x: 0, y: 0, height: 20 };
    expect(cellRates(index, use, { ...cell, width: 300 })).toMatch(
      /^out \d+\.\d Gb\/s, in 0 Gb\/s$/,
    );
    expect(cellRates(index, use, { ...cell, width: 100 })).toBe("");
  });
});

describe("what is said of an element", () => {
  it("is its name, what is wrong with it, and what it carries", () => {
    const state = stateOf(index, {
      faults: [fault("nic-down", ["node2.nic3"], { fault: "cut", untilPs: 5e9 })],
      masked: [{ rank: "node2.gpu3", by: 1, faults: ["cut"] }],
    });
    const use = new FleetUse(index);
    const say = (name: string) => {
      const element = elementOf(name, index);
      if (element === undefined) throw new Error(name);
      return describeElement(element, { index, state, use });
    };
    expect(say("node2.nic3")).toMatchObject({
      about: "NIC of node 2, plane 3",
      troubles: [{ mark: "dead", text: "cut (nic-down), until 5.000 ms" }],
    });
    expect(say("node2.nic3").flows.map(({ label }) => label)).toEqual([
      ...["to node2.gpu3", "from node2.gpu3", "to plane3.leaf0", "from plane3.leaf0"],
    ]);
    expect(say("node2.gpu3").troubles).toEqual([
      { mark: "masked", text: "masked by 1 rank (cut)" },
    ]);
    expect(say("node2").troubles.map(({ text }) => text)).toEqual([
      ...["cut (nic-down), until 5.000 ms", "node2.gpu3 masked by 1 rank (cut)"],
    ]);
    expect(say("node0.gpu0").troubles).toEqual([]);
    expect(say("node0.nvswitch").flows.length).toBeLessThanOrEqual(6);
    expect(say("plane3").about).toBe("network plane, 1 leaf");
  });
});

describe("the pointer", () => {
  const places = [index, wide].map((fleet) => {
    return { fleet, layout: layoutFleet(fleet, { width: 880, height: 420 }) };
  });

  it("finds each device in the middle of its cell, links, nodes and planes by their labels", () => {
    for (const { layout } of places) {
      const lost = layout.cells.filter(({ actor, x, y, width, height }) => {
        const found = elementAt(layout, x + width / 2, y + height / 2);
        return !isSame(found, { type: "actor", actor });
      });
      expect(lost).toEqual([]);
      const [wire] = layout.wires;
      const middle = elementAt(layout, wire.x + wire.width / 2, wire.y + wire.height / 2);
      expect(middle).toEqual({ type: "links", bundle: wire.bundle });
      const [column] = layout.columns;
      expect(elementAt(layout, column.x + 2, column.y + 4)).toEqual({ type: "node", node: 0 });
      const row = layout.rows[3];
      expect(elementAt(layout, 4, row.y + 4)).toEqual({ type: "plane", plane: row.number });
    }
    expect(elementAt(places[0].layout, -5, -5)).toBeUndefined();
  });

  it("and the arrow keys reach every device from any other", () => {
    const { layout } = places[0];
    const steps: readonly Step[] = ["left", "right", "up", "down"];
    const reached = new Set<number>();
    const queue = [neighbourOf(layout, undefined, "right")];
    for (let element = queue.pop(); element !== undefined; element = queue.pop()) {
      if (element.type !== "actor" || reached.has(element.actor)) continue;
      reached.add(element.actor);
      for (const step of steps) queue.push(neighbourOf(layout, element, step));
    }
    expect(reached.size).toBe(index.run.actors.id.length);
  });

  it("walks straight: right of a GPU is its NIC, below it the next GPU", () => {
    const { layout } = places[0];
    const from = elementOf("node1.gpu2", index);
    const name = (step: Step): string => {
      const next = neighbourOf(layout, from, step);
      return next === undefined ? "" : nameOf(next, index);
    };
    expect(name("right")).toBe("node1.nic2");
    expect(["plane2.leaf0", "node1.gpu3"]).toContain(name("down"));
    expect(boxesOf(layout, { type: "node", node: 1 })).toHaveLength(1);
  });
});

describe("experts", () => {
  const experts = index.run.experts;
  const [first] = experts[3];

  it("are hit where they live: on one GPU of each EP group", () => {
    const element = elementsOf(`expert${first}`, index);
    const groups = index.nodes.flatMap(({ gpus }) => gpus).length / experts.length;
    expect(element.map((one) => nameOf(one, index))).toContain("node0.gpu3");
    expect(element).toHaveLength(groups);
    const state = stateOf(index, { faults: [fault("hot-expert", [`expert${first}`])] });
    const marks = marksOf(index, state);
    expect(marks.actors.get(index.actorOf("node0.gpu3"))).toBe("impaired");
    expect(marks.actors.size).toBe(groups);
    const gpu = elementOf("node0.gpu3", index);
    expect(gpu && faultsOn(gpu, state, index)).toHaveLength(1);
  });

  it("are told of a GPU, completed as targets, and have kinds of fault of their own", () => {
    const gpu = elementOf("node0.gpu3", index);
    const use = new FleetUse(index);
    const about = gpu && describeElement(gpu, { index, state: stateOf(index), use }).about;
    expect(about).toMatch(/^GPU of node 0, plane 3, experts? \d+/);
    expect(completions(`expert${first}`, index)[0]).toBe(`expert${first}`);
    expect(kindsOfTarget(`expert${first}`, index).map(({ kind }) => kind)).toEqual(["hot-expert"]);
    expect(kindsOfTarget("expert999999", index)).toEqual([]);
    expect(elementsOf("expert999999", index)).toEqual([]);
  });
});
