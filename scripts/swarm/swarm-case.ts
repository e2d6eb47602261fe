/**
 * The case of a seed: a fleet, its healthy run, the faults and orders measured by that, and how it
 * is spread over workers. Drawn whole; parts are left out by name, so that what is left stays as it
 * was drawn.
 */

import type { RandomStream } from "../../src/base/random.ts";
import { streamOf } from "../../src/base/random.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type PlacementName, type Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type RunByWire, runByWire } from "./by-wire.ts";
import { chance, pick } from "./draw.ts";
import { drawFaults, type FaultGround } from "./draw-faults.ts";
import { drawFleet } from "./draw-fleet.ts";
import { readClock } from "./fleet-clock.ts";
import { drawPlan, type SwarmPlan } from "./orders.ts";

/** Results that a run should have before its first fault. */
export const WARM_COMBINED = 200;

/** How the other run of a case is spread; the first one is in one worker. */
export interface Spread {
  readonly placement: PlacementName;
  readonly workers: number;
  readonly carriedBytesMax: number;
  /** Salt of the stream that shuffles. */
  readonly salt: number;
}

/** What is tried; all of it follows from the seed and what was left out. */
export interface SwarmCase {
  readonly seed: number;
  /** Without faults. */
  readonly fleet: Scenario;
  readonly plan: SwarmPlan;
  readonly spread: Spread;
  /** The healthy run. */
  readonly healthy: RunByWire;
}

/** What of a seed's case is tried. */
export interface CaseChoice {
  /** Kinds of fault that are drawn from. */
  readonly kinds: FaultGround["kinds"];
  /** Names of the faults and orders that are kept; undefined: all. */
  readonly only?: readonly string[];
  /** Parts of the fleet that are put back to something plain, by name; see {@link PLAIN}. */
  readonly plain?: readonly string[];
}

/** Ways to make a fleet simpler, for a smaller example of a failure. */
export const PLAIN: Readonly<Record<string, (fleet: Scenario) => Scenario>> = {
  recovery: (fleet) => {
    const { controller: _, ...cluster } = fleet.cluster;
    return { ...fleet, cluster, recovery: DEFAULT_RECOVERY };
  },
  buffers: (fleet) => ({ ...fleet, cluster: { ...fleet.cluster, portBufferBytes: 0 } }),
  routing: (fleet) => ({ ...fleet, cluster: { ...fleet.cluster, switchRouting: "static" } }),
  steps: (fleet) => ({ ...fleet, workload: { ...fleet.workload, steps: 1 } }),
  batches: (fleet) => ({ ...fleet, workload: { ...fleet.workload, microBatches: 1 } }),
  phase: (fleet) => ({
    ...fleet,
    workload: { ...fleet.workload, phase: "all-to-all", microBatches: 1 },
  }),
  grain: (fleet) => ({ ...fleet, workload: { ...fleet.workload, grain: "message" } }),
};

const SPREAD: readonly PlacementName[] = ["pack", "pack", "node", "actor"];
/** None, those of one packet or two, and most frames go by the coordinator. */
const CARRIED_BYTES_MAX = [0, 192, 4096];
/** Share of the cases whose packets are logged and compared one by one, percent. */
const PACKETS_LOGGED = 4;

/** Lengths of the bins in which traffic is counted, ps. */
const TRAFFIC_BINS_PS = [1e6, 1e7, 1e8, 1e9];

/** Draws the case of a seed. */
export function drawCase(seed: number, choice: CaseChoice, devices: DeviceFactory): SwarmCase {
  const streamFor = (part: string): RandomStream => streamOf(String(seed), `swarm-${part}`);
  const drawn = drawFleet(seed);
  const topology = makeFatTree(drawn.cluster, drawn.hardware);
  const healthyAsDrawn = runByWire(drawn, { devices, placement: "single" });
  const clock = readClock(healthyAsDrawn.facts, WARM_COMBINED);
  const experts = drawn.model.n_routed_experts;
  const ground = { topology, experts, clock, kinds: choice.kinds };
  const plan = drawPlan(drawFaults(ground, streamFor("faults")), clock, streamFor("orders"));
  const { plain = [] } = choice;
  const plainer = plain.reduce((fleet, name) => PLAIN[name](fleet), drawn);
  const kept = keep(plan, choice.only);
  const trafficEveryPs = pick(streamFor("traffic"), TRAFFIC_BINS_PS);
  const logPackets = chance(streamFor("packets"), PACKETS_LOGGED);
  return {
    seed,
    fleet: { ...plainer, run: { ...plainer.run, logPackets, trafficEveryPs } },
    plan: plainer.cluster.controller === true ? kept : withoutController(kept),
    spread: drawSpread(drawn, topology.actors.length, streamFor("spread")),
    healthy:
      plain.length === 0 ? healthyAsDrawn : runByWire(plainer, { devices, placement: "single" }),
  };
}

/** Of a plan what has one of these names. */
function keep({ known, orders }: SwarmPlan, names: readonly string[] | undefined): SwarmPlan {
  if (names === undefined) return { known, orders };
  return {
    known: known.filter(({ name }) => names.includes(name)),
    orders: orders.filter(({ name }) => names.includes(name)),
  };
}

/** A plan for a fleet that has no controller. */
function withoutController({ known, orders }: SwarmPlan): SwarmPlan {
  const isOther = ({ targets }: FaultSpec): boolean => !targets.includes("controller");
  return {
    known: known.filter(isOther),
    orders: orders.filter((order) => order.type !== "inject" || isOther(order.fault)),
  };
}

/** Always over several workers: a single node has no other to be placed with. */
function drawSpread({ cluster }: Scenario, actors: number, random: RandomStream): Spread {
  const placement = pick(random, SPREAD);
  return {
    placement: cluster.nodes === 1 && placement === "node" ? "actor" : placement,
    workers: 2 + random.below(Math.min(actors - 1, 6)),
    carriedBytesMax: pick(random, CARRIED_BYTES_MAX),
    salt: random.below(1_000_000),
  };
}
