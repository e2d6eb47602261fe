/**
 * 200 seeds of small random clusters, routings and faults, each in one process and spread over
 * workers with grants and frames in shuffled order, and each of the two run twice. One digest, and
 * every assignment accounted for.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { RANDOM_KINDS } from "../support/random-faults.ts";
import { randomScenario } from "../support/random-scenario.ts";

const SEEDS = 200;
/** None, those of one packet or two, and most frames go by the coordinator. */
const CARRIED_BYTES_MAX = [0, 192, 4096];
const SPREAD: readonly PlacementName[] = ["pack", "node", "actor"];

/** Every value that a random scenario may have, by what it is of. */
const DRAWN = {
  protocol: ["low-latency", "normal"],
  grain: ["token", "message"],
  phase: ["decode", "prefill", "training", "all-to-all"],
  pass: ["overlapped", "forward", "backward"],
  microBatches: [1, 2],
  intraNode: ["nvlink", "rdma"],
  network: ["mpft", "mrft"],
  nicPorts: ["one-port", "multi-port"],
  switchRouting: ["static", "ecmp", "adaptive"],
  portBuffers: ["unlimited", "finite"],
  routing: ["gate", "uniform", "zipf"],
} as const;

/** Scenarios with a value, and those among them in which a fault cost something. */
interface Met {
  scenarios: number;
  faulty: number;
}

/** What a scenario is made of, in the words of DRAWN; `pass` says something in training only. */
function drawnOf({ workload, cluster, routing }: Scenario): [string, string][] {
  const { protocol, grain, phase, intraNode, microBatches } = workload;
  const portBuffers = cluster.portBufferBytes === 0 ? "unlimited" : "finite";
  const { network, nicPorts, switchRouting } = cluster;
  const fabric = { network, nicPorts, switchRouting };
  const words = { protocol, grain, phase, intraNode, microBatches, ...fabric };
  const entries = Object.entries({ ...words, portBuffers, routing: routing.source });
  const pass = phase === "training" ? [["pass", workload.pass] as [string, string]] : [];
  return [...entries.map(([what, value]): [string, string] => [what, String(value)]), ...pass];
}

describe("random runs", () => {
  const met = new Map<string, Met>();
  const kinds = new Set<string>();
  const reached = { masked: 0, lost: 0, retransmitted: 0, healthy: 0, healed: 0, waited: 0 };

  it.each(Array.from({ length: 20 }, (_, batch) => batch))(
    "keep digest and accounts, batch %i of 10 seeds",
    (batch) => {
      for (let seed = batch * 10; seed < (batch + 1) * (SEEDS / 20); seed += 1) {
        const scenario = randomScenario(seed);
        const where = `seed ${seed}`;
        const placement = SPREAD[seed % SPREAD.length];
        const spread = (salt: number): InMemoryResult => {
          const shuffle = streamOf(String(seed), "shuffle", salt);
          const carriedBytesMax = CARRIED_BYTES_MAX[(seed + salt) % CARRIED_BYTES_MAX.length];
          return runInMemory(scenario, { placement, shuffle, carriedBytesMax });
        };
        const one = runInMemory(scenario, { placement: "single" });
        const other = spread(1);
        expect(runInMemory(scenario, { placement: "single" }).digest, where).toBe(one.digest);
        expect(spread(2).digest, where).toBe(one.digest);
        for (const result of [one, other]) {
          const { dispatched, combined, masked, lost } = result.assignments;
          expect(result.end, where).toBe("finished");
          expect(result.violations, where).toEqual([]);
          expect(result.mismatches, where).toBe(0);
          expect(result.unexplained, where).toBe(0);
          expect(combined + masked + lost, where).toBe(dispatched);
          const named = result.byFault.reduce((sum, fault) => sum + fault.masked + fault.lost, 0);
          expect(named, where).toBe(masked + lost);
          if (scenario.faults.length === 0) expect(masked + lost, where).toBe(0);
          const { sentBytes, deliveredBytes, droppedBytes } = result.fabric;
          expect(deliveredBytes + droppedBytes, where).toBe(sentBytes);
        }
        expect(other.facts, where).toEqual(one.facts);
        expect(other.epochs, where).toEqual(one.epochs);
        expect(other.digest, where).toBe(one.digest);
        const types = new Set(one.facts.map((record) => record.fact.type));
        if (one.assignments.masked > 0) reached.masked += 1;
        if (one.assignments.lost > 0) reached.lost += 1;
        if (scenario.faults.length === 0) reached.healthy += 1;
        if (types.has("qp.retransmitted")) reached.retransmitted += 1;
        if (types.has("fault.healed")) reached.healed += 1;
        if (types.has("rank.wait-timed-out")) reached.waited += 1;
        for (const { kind } of scenario.faults) kinds.add(kind);
        for (const [what, value] of drawnOf(scenario)) {
          const entry = met.get(`${what} ${value}`) ?? { scenarios: 0, faulty: 0 };
          entry.scenarios += 1;
          if (one.assignments.masked + one.assignments.lost > 0) entry.faulty += 1;
          met.set(`${what} ${value}`, entry);
        }
      }
    },
  );

  it("reach what they are for: masks, losses, retries, heals and waits each happened", () => {
    for (const [what, seeds] of Object.entries(reached)) {
      expect(seeds, what).toBeGreaterThan(SEEDS / 40);
    }
  });

  it("reach every kind of fault and every order of an operator", () => {
    expect([...kinds].sort()).toEqual([...RANDOM_KINDS].sort());
  });

  it("reach every protocol, schedule, network and routing, with faults that cost something", () => {
    for (const [what, values] of Object.entries(DRAWN)) {
      for (const value of values) {
        const { scenarios, faulty } = met.get(`${what} ${value}`) ?? { scenarios: 0, faulty: 0 };
        expect(scenarios, `${what} ${value}`).toBeGreaterThan(SEEDS / 40);
        expect(faulty, `${what} ${value}, faulty`).toBeGreaterThan(0);
      }
    }
    const all = Object.entries(DRAWN).flatMap(([what, of]) =>
      of.map((value) => `${what} ${value}`),
    );
    expect([...met.keys()].sort()).toEqual(all.sort());
  });
});
