/**
 * Routing round a dead spine or a leaf-spine link: the leaf that sees its own port go down reacts
 * after the local clock; senders on other leaves, whose ports are all up, only after the subnet
 * manager's. What was lost meanwhile goes again at the next tick of the ACK timeout. Without either
 * clock the queue pairs that need the spine fail, and their ranks are masked.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { streamOf } from "../../src/base/random.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import {
  type ClusterSpec,
  DEFAULT_NETWORK,
  DEFAULT_RECOVERY,
  type RecoverySpec,
  type Scenario,
} from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

/** Onset: a few microseconds into the first dispatch. */
const ONSET_PS = 10 * PS_PER_US;
/** ACK timeout of n = 8: 1.05 ms; with retry 7 a queue pair fails after 8.4 ms. */
const EXPONENT = 8;
const TICK_PS = ackTimeoutPs(EXPONENT);

/** One plane of 3 leaves with 4 NICs each and spines above: 12 nodes of one GPU. */
function allToAll(changes: {
  cluster?: Partial<ClusterSpec>;
  recovery?: Partial<RecoverySpec>;
  faults?: readonly FaultSpec[];
  retryCount?: number;
}): Scenario {
  const cluster = {
    ...DEFAULT_NETWORK,
    nodes: 12,
    gpusPerNode: 1,
    planes: 1,
    switchPorts: 8,
    ...changes.cluster,
  };
  const epSize = cluster.nodes * cluster.gpusPerNode;
  return tinyScenario({
    cluster,
    model: { ...TINY_MODEL, n_routed_experts: epSize * 2, n_group: 1, topk_group: 1 },
    workload: { epSize, layers: [1, 2], tokensPerGpu: 16, steps: 2 },
    routing: { source: "uniform" },
    transport: {
      ackTimeoutExponent: EXPONENT,
      retryCount: changes.retryCount ?? 7,
      waitTimeoutPs: 100 * PS_PER_S,
    },
    recovery: { ...DEFAULT_RECOVERY, ...changes.recovery },
    faults: changes.faults ?? [],
  });
}

const SPINE_DOWN: FaultSpec = {
  name: "spine",
  kind: "switch-down",
  targets: ["plane0.spine1"],
  atPs: ONSET_PS,
};

/** Both parallel links between a leaf and a spine. */
const CABLES_DOWN: FaultSpec = {
  name: "cables",
  kind: "link-down",
  targets: ["plane0.leaf2--plane0.spine1.0", "plane0.leaf2--plane0.spine1.1"],
  atPs: ONSET_PS,
};

/** Runs a scenario in one process and spread over workers; both must agree. */
function runBoth(scenario: Scenario): InMemoryResult {
  const one = runInMemory(scenario, { placement: "single" });
  for (const placement of ["node", "actor"] as const) {
    const other = runInMemory(scenario, { placement, shuffle: streamOf("7", placement) });
    expect(other.digest).toBe(one.digest);
    expect(other.facts).toEqual(one.facts);
  }
  return one;
}

/** Facts of a type, with the names of who says them. */
function said(scenario: Scenario, facts: readonly FactRecord[], type: string) {
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  return facts
    .filter(({ fact }) => fact.type === type)
    .map(({ fact, atPs, actor }) => ({ who: actors[actor].id, atPs, fact }));
}

function lastOf(facts: readonly FactRecord[], type: string): number {
  return Math.max(...facts.filter(({ fact }) => fact.type === type).map(({ atPs }) => atPs));
}

describe("a spine that dies in the middle of an all-to-all", () => {
  it("gets ranks masked that need it, when nobody routes round it", () => {
    const scenario = allToAll({ faults: [SPINE_DOWN] });
    const { assignments, byFault, facts } = runBoth(scenario);
    expect(assignments.masked).toBeGreaterThan(0);
    expect(byFault[0].masked).toBe(assignments.masked);
    const masked = said(scenario, facts, "rank.masked");
    const first = masked.filter(({ fact }) => "reason" in fact && fact.reason === "send-failed")[0];
    // After the first packet that was lost: eight ticks, seven of which are retries.
    expect(first.atPs - ONSET_PS).toBeGreaterThan(8 * TICK_PS - ONSET_PS);
    expect(first.atPs - ONSET_PS).toBeLessThan(8 * TICK_PS + 50 * PS_PER_US);
    expect(said(scenario, facts, "route.changed")).toEqual([]);
  });

  it.each(["static", "ecmp", "adaptive"] as const)(
    "costs one tick of the ACK timeout with a local re-route of 1 ms, and nobody: %s",
    (switchRouting) => {
      const recovery = { rerouteLocalPs: PS_PER_MS };
      const cluster = { switchRouting };
      const healthy = runInMemory(allToAll({ cluster }));
      const scenario = allToAll({ cluster, recovery, faults: [SPINE_DOWN] });
      const result = runBoth(scenario);
      expect(result.assignments.combined).toBe(result.assignments.dispatched);
      expect(said(scenario, result.facts, "rank.masked")).toEqual([]);
      const changes = said(scenario, result.facts, "route.changed");
      expect(changes.map(({ who }) => who)).toEqual([
        "plane0.leaf0",
        "plane0.leaf1",
        "plane0.leaf2",
      ]);
      for (const { atPs, fact, who } of changes) {
        expect(atPs).toBe(ONSET_PS + PS_PER_MS);
        expect(fact).toEqual({
          type: "route.changed",
          change: "avoided",
          cause: "local",
          target: "all",
          links: [`${who}--plane0.spine1.0`, `${who}--plane0.spine1.1`],
        });
      }
      // A tick is 1.05 ms: the first one after the loss finds the leaves re-routed.
      const stallPs = result.virtualTimePs - healthy.virtualTimePs;
      expect(stallPs).toBeGreaterThan(0.9 * TICK_PS);
      expect(stallPs).toBeLessThan(1.2 * TICK_PS);
      expect(lastOf(result.facts, "qp.timed-out")).toBeLessThan(ONSET_PS + 1.2 * TICK_PS);
    },
  );

  it("waits for another tick when the local clock is longer than one", () => {
    const healthy = runInMemory(allToAll({}));
    const scenario = allToAll({
      recovery: { rerouteLocalPs: 3 * PS_PER_MS },
      faults: [SPINE_DOWN],
    });
    const result = runBoth(scenario);
    expect(result.assignments.masked).toBe(0);
    const stallPs = result.virtualTimePs - healthy.virtualTimePs;
    expect(stallPs / TICK_PS).toBeGreaterThan(2.9);
    expect(stallPs / TICK_PS).toBeLessThan(3.2);
  });
});

it("a mask after a re-route is blamed on what nobody gets round, not on the spine", () => {
  const nic: FaultSpec = {
    name: "nic",
    kind: "nic-down",
    targets: ["node5.nic0"],
    atPs: ONSET_PS + PS_PER_MS + 10 * PS_PER_US,
  };
  const result = runBoth(
    allToAll({ recovery: { rerouteLocalPs: PS_PER_MS }, faults: [SPINE_DOWN, nic] }),
  );
  expect(result.assignments.masked).toBeGreaterThan(0);
  expect(result.byFault).toEqual([
    { fault: "spine", masked: 0, lost: 0 },
    { fault: "nic", masked: result.assignments.masked, lost: 0 },
  ]);
});

describe("flows round an uplink that is avoided", () => {
  /** By flow between NICs on different leaves: the uplink that its messages take. */
  function uplinks(scenario: Scenario): Map<string, string> {
    const { facts } = runInMemory({ ...scenario, run: { ...scenario.run, logPackets: true } });
    const taken = new Map<string, string>();
    const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
    for (const { fact, actor } of facts) {
      if (fact.type !== "packet.delivered" || actors[actor].kind !== "spine") continue;
      if (fact.kind === "ack") continue;
      taken.set(`${fact.origin} ${fact.destination}`, fact.link);
    }
    return taken;
  }

  it.each(["static", "ecmp"] as const)("move, and no others do: %s", (switchRouting) => {
    const cluster = { switchRouting, nodes: 24, switchPorts: 12 };
    const avoided = "plane0.leaf0--plane0.spine1.0";
    const before = uplinks(allToAll({ cluster }));
    const after = uplinks(
      allToAll({ cluster, faults: [{ name: "r", kind: "rerouted", targets: [avoided], atPs: 1 }] }),
    );
    const moved = new Map<string, number>();
    expect(after.size).toBe(before.size);
    for (const [flow, link] of before) {
      const now = after.get(flow) as string;
      if (link !== avoided) expect(now).toBe(link);
      else moved.set(now, (moved.get(now) ?? 0) + 1);
    }
    // Not all to the next one: the other five uplinks share them.
    expect(moved.has(avoided)).toBe(false);
    expect(moved.size).toBeGreaterThanOrEqual(3);
  });
});

describe("links between a leaf and a spine that go down", () => {
  const LEAVES = ["plane0.leaf0", "plane0.leaf1"];

  it("stop senders on other leaves until the subnet manager's clock, and no longer", () => {
    const healthy = runInMemory(allToAll({}));
    const managerPs = 5 * PS_PER_MS;
    const scenario = allToAll({
      recovery: { rerouteLocalPs: PS_PER_MS, rerouteManagerPs: managerPs },
      faults: [CABLES_DOWN],
    });
    const result = runBoth(scenario);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    const changes = said(scenario, result.facts, "route.changed");
    expect(changes.map(({ who, atPs, fact }) => [who, atPs - ONSET_PS, fact])).toEqual([
      // Its own ports: the local clock. The spine sees its ports, too, and has no other.
      ...["plane0.leaf2", "plane0.spine1"].map((who) => [
        who,
        PS_PER_MS,
        {
          type: "route.changed",
          change: "avoided",
          cause: "local",
          target: "all",
          links: CABLES_DOWN.targets,
        },
      ]),
      ...LEAVES.map((who) => [
        who,
        managerPs,
        {
          type: "route.changed",
          change: "avoided",
          cause: "manager",
          target: "plane0.leaf2",
          links: [`${who}--plane0.spine1.0`, `${who}--plane0.spine1.1`],
        },
      ]),
    ]);
    // Five ticks of 1.05 ms: the fifth is the first one after the manager's 5 ms.
    const stallPs = result.virtualTimePs - healthy.virtualTimePs;
    expect(stallPs / TICK_PS).toBeGreaterThan(4.9);
    expect(stallPs / TICK_PS).toBeLessThan(5.2);
  });

  it("get ranks masked when only the leaf itself re-routes: the others cannot see it", () => {
    const scenario = allToAll({
      recovery: { rerouteLocalPs: PS_PER_MS },
      faults: [CABLES_DOWN],
    });
    const result = runBoth(scenario);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
    const masked = said(scenario, result.facts, "rank.masked");
    expect(masked.length).toBeGreaterThan(0);
    for (const { atPs } of masked) expect(atPs - ONSET_PS).toBeGreaterThan(7.9 * TICK_PS);
  });

  it("are passed by the spine when only one of two parallel links is down", () => {
    const healthy = runInMemory(allToAll({}));
    const scenario = allToAll({
      recovery: { rerouteLocalPs: PS_PER_MS },
      faults: [{ ...CABLES_DOWN, targets: CABLES_DOWN.targets.slice(0, 1) }],
    });
    const result = runBoth(scenario);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    const who = said(scenario, result.facts, "route.changed").map((change) => change.who);
    expect(who).toEqual(["plane0.leaf2", "plane0.spine1"]);
    const stallPs = result.virtualTimePs - healthy.virtualTimePs;
    expect(stallPs).toBeLessThan(1.2 * TICK_PS);
  });

  it("are heeded by the manager's clock alone when switches have none of their own", () => {
    const scenario = allToAll({
      recovery: { rerouteManagerPs: 3 * PS_PER_MS },
      faults: [CABLES_DOWN],
    });
    const result = runBoth(scenario);
    expect(result.assignments.masked).toBe(0);
    for (const { atPs, fact } of said(scenario, result.facts, "route.changed")) {
      expect(atPs - ONSET_PS).toBe(3 * PS_PER_MS);
      expect(fact).toMatchObject({ cause: "manager", change: "avoided" });
    }
  });

  it("are taken back by each clock after the heal, and a flap within a clock is not heeded", () => {
    const recovery = { rerouteLocalPs: PS_PER_MS, rerouteManagerPs: 2 * PS_PER_MS };
    // After the manager's clock, and before the tick that ends the stall and so the run.
    const healAtPs = ONSET_PS + 2 * PS_PER_MS + 20 * PS_PER_US;
    const scenario = allToAll({ recovery, faults: [{ ...CABLES_DOWN, healAtPs }] });
    const result = runBoth(scenario);
    const back = said(scenario, result.facts, "route.changed").filter(
      ({ fact }) => "change" in fact && fact.change === "taken-back",
    );
    expect(back.map(({ who, atPs }) => [who, atPs - healAtPs])).toEqual([
      ["plane0.leaf2", PS_PER_MS],
      ["plane0.spine1", PS_PER_MS],
      ["plane0.leaf0", 2 * PS_PER_MS],
      ["plane0.leaf1", 2 * PS_PER_MS],
    ]);
    const flap = { ...CABLES_DOWN, healAtPs: ONSET_PS + PS_PER_MS / 2 };
    const brief = runBoth(allToAll({ recovery, faults: [flap] }));
    expect(said(scenario, brief.facts, "route.changed")).toEqual([]);
    expect(brief.assignments.masked).toBe(0);
  });

  it("keep the old way when every uplink is down: the fault is named, not the routing", () => {
    const targets = [0, 1].flatMap((spine) =>
      [0, 1].map((link) => `plane0.leaf2--plane0.spine${spine}.${link}`),
    );
    const scenario = allToAll({
      recovery: { rerouteLocalPs: PS_PER_MS, rerouteManagerPs: 2 * PS_PER_MS },
      faults: [{ ...CABLES_DOWN, targets }],
    });
    const result = runBoth(scenario);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.unexplained).toBe(0);
    expect(result.violations).toEqual([]);
  });

  it("work on rails that share their spines", () => {
    const cluster = { nodes: 12, gpusPerNode: 2, planes: 2, network: "mrft", switchPorts: 8 };
    const { actors, lanes } = makeFatTree(
      { ...DEFAULT_NETWORK, ...cluster, network: "mrft" },
      tinyScenario().hardware,
    );
    const isOf = (link: string): boolean => link.startsWith("plane1.leaf2--spine1");
    const targets = [...new Set(lanes.map(({ link }) => link).filter(isOf))];
    expect(actors.some(({ id }) => id === "spine1")).toBe(true);
    const scenario = allToAll({
      cluster: { ...cluster, network: "mrft" },
      recovery: { rerouteLocalPs: PS_PER_MS, rerouteManagerPs: 2 * PS_PER_MS },
      faults: [{ ...CABLES_DOWN, targets }],
    });
    const result = runBoth(scenario);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    const who = said(scenario, result.facts, "route.changed").map((change) => change.who);
    // The leaves of the other rail, too, have ways to this one.
    expect(new Set(who).size).toBe(actors.filter(({ kind }) => kind === "leaf").length + 1);
  });
});

describe("an operator's reroute", () => {
  const REROUTED: FaultSpec = { ...CABLES_DOWN, name: "maintenance", kind: "rerouted" };

  it("acts at once at every switch, loses nothing, and ends at once", () => {
    const healthy = runInMemory(allToAll({}));
    const healAtPs = ONSET_PS + 20 * PS_PER_US;
    const scenario = allToAll({ faults: [{ ...REROUTED, healAtPs }] });
    const result = runBoth(scenario);
    const changes = said(scenario, result.facts, "route.changed");
    const avoided = changes.filter(({ atPs }) => atPs === ONSET_PS);
    const back = changes.filter(({ atPs }) => atPs === healAtPs);
    expect(avoided.length + back.length).toBe(changes.length);
    expect(new Set(avoided.map(({ who }) => who)).size).toBe(4);
    expect(back.length).toBe(avoided.length);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(result.fabric.droppedBytes).toBe(0);
    expect(lastOf(result.facts, "qp.timed-out")).toBe(Number.NEGATIVE_INFINITY);
    expect(result.virtualTimePs).toBeLessThan(1.2 * healthy.virtualTimePs);
  });

  it("rescues a fleet whose switches never re-route by themselves", () => {
    const order = { ...REROUTED, atPs: ONSET_PS + 2 * PS_PER_MS };
    const scenario = allToAll({ faults: [CABLES_DOWN, order] });
    const result = runBoth(scenario);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(lastOf(result.facts, "qp.timed-out")).toBeLessThan(ONSET_PS + 2.2 * TICK_PS);
  });
});
