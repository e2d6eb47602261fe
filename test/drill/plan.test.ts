/** Plans: how far faults will reach and what ends them, against what runs show. */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { Activity, Drill } from "../../src/drill/drill.ts";
import { momentScenario, placeMoments, plannedFaults } from "../../src/drill/moments.ts";
import { longestOnEndPs } from "../../src/drill/patience.ts";
import { type PlannedAction, planDrill } from "../../src/drill/plan.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime, PS_PER_MS } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { drillWith, inject, runDrill } from "./drills.ts";

/** 4 nodes of 4 GPUs on 4 planes, 16 experts. */
const fleet = tinyScenario({
  cluster: { nodes: 4, gpusPerNode: 4, planes: 4, switchPorts: 8 },
  workload: { epSize: 16, steps: 4 },
});

const faultOf = (kind: FaultKind, ...targets: string[]): FaultSpec => ({
  name: "f",
  kind,
  targets,
  atPs: 0,
});

function planOf(drill: Drill): readonly PlannedAction[] {
  return planDrill(drill, makeFatTree(drill.scenario.cluster, drill.scenario.hardware)).actions;
}

function blastOf(scenario: Scenario, fault: FaultSpec) {
  const blast = planOf(drillWith(scenario, { method: [inject(fault)] }))[0].blast;
  if (blast === undefined) throw new Error("no blast");
  return blast;
}

describe("the blast radius", () => {
  it("of a dead GPU is its rank and its experts", () => {
    const blast = blastOf(fleet, faultOf("gpu-dead", "node1.gpu2"));
    expect(blast.ranks).toEqual(["node1.gpu2"]);
    expect(blast.cutOff).toEqual(["node1.gpu2"]);
    // Its own, and of those between whom it passed on, each other's.
    expect(blast.expertsMissing).toEqual([2, 4, 5, 6, 7, 10, 14]);
    // Pairs of the other 15 ranks, but those between its node and GPU 2 of the others, both ways:
    // they went over NVLink through the dead GPU.
    expect(blast.capacity).toBe((15 * 15 - 2 * 3 * 3) / (16 * 16));
    // One that hangs passes on what its node sends to its plane, and failover goes round it.
    const alone = { cutOff: ["node1.gpu2"], capacity: (15 * 15) / (16 * 16) };
    expect(blastOf(fleet, faultOf("process-hang", "node1.gpu2"))).toMatchObject(alone);
    const recovery = { ...fleet.recovery, failover: "nvlink" } as const;
    expect(blastOf({ ...fleet, recovery }, faultOf("gpu-dead", "node1.gpu2"))).toMatchObject(alone);
  });

  it("of a NIC without another way is its rank, as a run shows", () => {
    const fault = faultOf("nic-down", "node1.nic2");
    const blast = blastOf(fleet, fault);
    expect(blast.cutOff).toEqual(["node1.gpu2"]);
    const drill = drillWith(fleet, { method: [inject(fault, PS_PER_MS / 10)] });
    const { series, result } = runDrill(drill);
    const masked = series.givenUp.ranks.during(0, result.virtualTimePs);
    expect(masked.map((rank) => series.ranks[rank])).toEqual(blast.cutOff);
  });

  it("of a plane is one GPU of every node; with multi-port NICs a share of everybody's rate", () => {
    const fault = faultOf("plane-down", "plane2");
    const onePort = blastOf(fleet, fault);
    const gpus = [0, 1, 2, 3].map((node) => `node${node}.gpu2`);
    expect(onePort.ranks).toEqual(gpus);
    expect(onePort.cutOff).toEqual(gpus);
    expect(onePort.expertsMissing).toEqual([2, 6, 10, 14]);
    const cluster = { ...fleet.cluster, nicPorts: "multi-port", switchPorts: 64 } as const;
    const multiPort = blastOf({ ...fleet, cluster }, fault);
    expect(multiPort.cutOff).toEqual([]);
    expect(multiPort.capacity).toBe(0.75);
    const recovery = { ...fleet.recovery, failover: "nvlink" } as const;
    expect(blastOf({ ...fleet, recovery }, fault)).toMatchObject({ cutOff: [], capacity: 0.75 });
  });

  it("of a slow GPU is everybody's time, and of a trap the whole job", () => {
    const slow = { ...faultOf("slow-gpu", "node0.gpu0"), parameters: { slowdown: 2 } };
    expect(blastOf(fleet, slow)).toMatchObject({
      ranks: ["node0.gpu0"],
      cutOff: [],
      capacity: 0.5,
    });
    const recovery = { ...fleet.recovery, onSilence: "trap" } as const;
    const dead = faultOf("gpu-dead", "node0.gpu0");
    expect(blastOf({ ...fleet, recovery }, dead).capacity).toBe(0);
  });
});

describe("the clock that decides", () => {
  const TICK_PS = ackTimeoutPs(10);
  const { retryCount } = fleet.transport;
  const transport = { ...fleet.transport, waitTimeoutPs: 30 * PS_PER_MS };
  const ASKS_PS = transport.waitTimeoutPs + (retryCount + 1) * TICK_PS + 10 * PS_PER_MS;
  const cases: readonly [FaultKind, string, number][] = [
    ["nic-down", "node1.nic2", retryCount * TICK_PS],
    ["process-hang", "node1.gpu2", ASKS_PS],
    ["nvlink-stall", "node1.gpu2", ASKS_PS],
  ];

  it.each(cases)("of a %s is the one by which runs mask, or not", (kind, target, clockPs) => {
    for (const isLong of [false, true]) {
      const healAtPs = Math.round(clockPs * (isLong ? 1.3 : 0.9));
      const leased = { ...faultOf(kind, target), healAtPs };
      const drill = drillWith(
        { ...fleet, transport },
        { method: [inject(leased, PS_PER_MS / 10)] },
      );
      const [{ blast }] = planOf(drill);
      const { series, result } = runDrill(drill);
      const masked = series.givenUp.ranks.during(0, result.virtualTimePs);
      expect(masked.map((rank) => series.ranks[rank])).toEqual(blast?.cutOff);
      expect(masked.length > 0).toBe(isLong);
      expect(blast?.clock).toContain(formatTime(healAtPs));
      if (!isLong) expect(blast).toMatchObject({ capacity: 0, expertsMissing: [] });
    }
  });

  it("of a flap is set against its longest time down", () => {
    const levels = [3, 5, 8].map((atMs, place) => ({
      atPs: atMs * PS_PER_MS,
      permille: place % 2 === 0 ? 0 : 1000,
    }));
    const flap = { ...faultOf("nic-flap", "node1.nic2"), healAtPs: 400 * PS_PER_MS, levels };
    expect(longestOnEndPs(flap, 400 * PS_PER_MS)).toBe(3 * PS_PER_MS);
    expect(longestOnEndPs({ ...flap, levels: levels.slice(0, 2) }, 400 * PS_PER_MS)).toBe(
      395 * PS_PER_MS,
    );
    expect(longestOnEndPs(faultOf("nic-down", "node1.nic2"), Infinity)).toBe(Infinity);
    expect(blastOf(fleet, flap)).toMatchObject({ cutOff: [], expertsMissing: [] });
  });

  it("is none for the dead, who come back with nothing", () => {
    const fault = { ...faultOf("gpu-dead", "node1.gpu2"), healAtPs: PS_PER_MS };
    const blast = blastOf(fleet, fault);
    expect(blast.cutOff).toEqual(["node1.gpu2"]);
    expect(blast.clock).toBeUndefined();
  });
});

it.each([
  ["gpu-dead", "node1.gpu2"],
  ["nic-down", "node1.nic2"],
  ["node-crash", "node1"],
] as const)("a plan of a %s misses the experts that a run does", (kind, target) => {
  const transport = { ...fleet.transport, waitTimeoutPs: 30 * PS_PER_MS };
  const scenario = { ...fleet, transport, workload: { ...fleet.workload, steps: 8 } };
  const drill = drillWith(scenario, { method: [inject(faultOf(kind, target), PS_PER_MS / 10)] });
  const { series } = runDrill(drill);
  const missing = series.givenUp.expertsMissing(0, Infinity);
  expect(missing.length).toBeGreaterThan(0);
  expect(planOf(drill)[0].blast?.expertsMissing).toEqual(missing);
});

describe("a plan", () => {
  const heal: Activity = {
    type: "action",
    name: "mend it",
    act: { func: "heal", fault: "f" },
    pauseBeforePs: 3 * PS_PER_MS,
    pauseAfterPs: 0,
  };
  const leased = { ...faultOf("nic-down", "node0.nic0"), healAtPs: 5 * PS_PER_MS };

  it("says what ends each fault, and when", () => {
    const method = [inject(leased, PS_PER_MS, PS_PER_MS)];
    const fault = (changes: Partial<Drill>) =>
      planOf(drillWith(fleet, { method, ...changes }))[0].fault;
    expect(fault({})).toMatchObject({
      atPs: PS_PER_MS,
      endedBy: "lease",
      endsAtPs: 6 * PS_PER_MS,
    });
    expect(fault({ method: [...method, heal] })).toMatchObject({
      endedBy: "action 'mend it'",
      endsAtPs: 5 * PS_PER_MS,
    });
    expect(fault({ rollbacks: [{ ...heal, pauseBeforePs: 0 }] })).toMatchObject({
      endedBy: "rollback 'mend it'",
      endsAtPs: 2 * PS_PER_MS,
    });
    const forGood = [inject(faultOf("nic-down", "node0.nic0"))];
    expect(fault({ method: forGood })).toMatchObject({ endedBy: "end of the run" });
  });

  it("knows all faults of the method beforehand, for what comes at a moment of a layer", () => {
    const moment = { step: 1, layer: 2, phase: "dispatch", fractionPerMillion: 0 } as const;
    const later: FaultSpec = { ...faultOf("gpu-dead", "node1.gpu1"), name: "m", moment };
    const act = { func: "inject", fault: later, since: "run" } as const;
    const drill = drillWith(fleet, {
      method: [
        inject(leased, PS_PER_MS),
        heal,
        { type: "action", name: "at a moment", act, pauseBeforePs: 0, pauseAfterPs: 0 },
      ],
    });
    expect(plannedFaults(drill)).toEqual([
      { ...leased, atPs: PS_PER_MS, healAtPs: 4 * PS_PER_MS },
      later,
    ]);
    expect(momentScenario(drill)?.faults).toHaveLength(2);
    expect(momentScenario(drillWith(fleet))).toBeUndefined();
    const { moment: _, ...settled } = { ...later, atPs: 7 * PS_PER_MS };
    const placed = placeMoments(drill, [settled]);
    expect(placed.ok && placed.drill.method[2]).toMatchObject({ act: { fault: settled } });
    const early = placeMoments(drill, [{ ...settled, atPs: 2 * PS_PER_MS }]);
    expect(early).toEqual({
      ok: false,
      message: "fault m at 2.000 ms, its action is due at 4.000 ms",
    });
  });
});
