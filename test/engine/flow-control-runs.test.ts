/**
 * Whole runs with finite buffers: the same digest under every placement, and with more room than a
 * run can fill, the same instants as without any limit.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultKind } from "../../src/model/fault.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { randomScenario } from "../support/random-scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";

const SPREAD: readonly PlacementName[] = ["pack", "node", "actor"];
/** No message fits; one token copy does and two do not; a few do. */
const BUFFERS = [1, 600, 3_000];
const GIB = 1_073_741_824;
/**
 * Faults that neither change a lane's rate nor drop what waits in a queue. When one does, it
 * matters where a message waits: in a buffer it has not been given its times. Nor grey loss, which
 * picks packets by their senders' counters: credits take numbers, too.
 */
const KEEPS_QUEUES: readonly FaultKind[] = [
  ...(["nic-down", "nic-flap", "link-down", "one-way-loss", "late-link"] as const),
  ...(["process-hang", "slow-gpu", "hot-expert", "masked", "drained", "rerouted"] as const),
];

function withBuffers(scenario: Scenario, portBufferBytes: number): Scenario {
  return { ...scenario, cluster: { ...scenario.cluster, portBufferBytes } };
}

/** One leaf a plane has all traffic of two: 4 nodes of 2 GPUs on 1 plane. */
function busyScenario(portBufferBytes: number, faults: Scenario["faults"] = []): Scenario {
  const cluster = { nodes: 4, gpusPerNode: 2, planes: 1, switchPorts: 4, portBufferBytes };
  return tinyScenario({ cluster, faults, workload: { tokensPerGpu: 16 } });
}

function expectAccounts(result: InMemoryResult, where: string): void {
  const { dispatched, combined, masked, lost } = result.assignments;
  expect(result.end, where).toBe("finished");
  expect(result.violations, where).toEqual([]);
  expect(result.mismatches, where).toBe(0);
  expect(combined + masked + lost, where).toBe(dispatched);
  const { sentBytes, deliveredBytes, droppedBytes } = result.fabric;
  expect(deliveredBytes + droppedBytes, where).toBe(sentBytes);
}

function expectSame(one: InMemoryResult, other: InMemoryResult, where: string): void {
  expect(other.facts, where).toEqual(one.facts);
  expect(other.epochs, where).toEqual(one.epochs);
  expect(other.digest, where).toBe(one.digest);
  expect(other.events, where).toBe(one.events);
  expect(other.virtualTimePs, where).toBe(one.virtualTimePs);
  expect(other.fabric.stalledPs, where).toBe(one.fabric.stalledPs);
}

describe("finite buffers", () => {
  it.each(BUFFERS)("of %i B give one digest under every placement, and messages wait", (buffer) => {
    const scenario = busyScenario(buffer);
    const one = runInMemory(scenario, { placement: "single" });
    expectAccounts(one, "single");
    expect(one.fabric.stalledPs).toBeGreaterThan(0);
    expect(one.fabric.droppedPackets).toBe(0);
    for (const placement of SPREAD) {
      const other = runInMemory(scenario, { placement, shuffle: streamOf("7", placement) });
      expectAccounts(other, placement);
      expectSame(one, other, placement);
    }
  });

  it("slow a run down that has little room", () => {
    const virtualTimes = [1, 3_000, 0].map((buffer) => runInMemory(busyScenario(buffer)));
    const [tight, roomy, unlimited] = virtualTimes.map((result) => result.virtualTimePs);
    expect(tight).toBeGreaterThan(roomy);
    expect(roomy).toBeGreaterThanOrEqual(unlimited);
  });

  it("give one digest when a link fails and heals under load", () => {
    const fault = {
      name: "cut",
      kind: "link-down" as const,
      targets: ["plane0.leaf0--plane0.spine0"],
    };
    const when = { atPs: 12 * PS_PER_US, healAtPs: 60 * PS_PER_US };
    const scenario = busyScenario(600, [{ ...fault, ...when }]);
    const one = runInMemory(scenario, { placement: "single" });
    expectAccounts(one, "single");
    expect(one.fabric.droppedPackets).toBeGreaterThan(0);
    expect(one.assignments.masked).toBe(0);
    expectSame(one, runInMemory(scenario, { placement: "actor" }), "actor");
  });

  it.each([0, 1, 2, 3])("keep digest and accounts of random runs, batch %i of 8 seeds", (batch) => {
    for (let seed = batch * 8; seed < (batch + 1) * 8; seed += 1) {
      const scenario = withBuffers(randomScenario(seed), BUFFERS[seed % BUFFERS.length]);
      const placement = SPREAD[seed % SPREAD.length];
      const one = runInMemory(scenario, { placement: "single" });
      const shuffle = streamOf(String(seed), "shuffle");
      const other = runInMemory(scenario, { placement, shuffle, carriedBytesMax: 192 });
      expectAccounts(one, `seed ${seed}`);
      expectAccounts(other, `seed ${seed}`);
      expectSame(one, other, `seed ${seed}`);
    }
  });
});

describe("buffers of 1 GiB", () => {
  it.each([0, 1, 2, 3])("change no instant of random runs, batch %i of 8 seeds", (batch) => {
    for (let seed = batch * 8; seed < (batch + 1) * 8; seed += 1) {
      const random = randomScenario(seed);
      const faults = random.faults.filter(({ kind }) => KEEPS_QUEUES.includes(kind));
      const scenario = { ...random, faults, run: { ...random.run, logPackets: true } };
      const unlimited = runInMemory(withBuffers(scenario, 0));
      const huge = runInMemory(withBuffers(scenario, GIB));
      expect(huge.fabric, `seed ${seed}`).toMatchObject({ ...unlimited.fabric, stalledPs: 0 });
      expect(linesOf(huge.facts), `seed ${seed}`).toEqual(linesOf(unlimited.facts));
    }
  });
});

/** Facts and packets with their instants, in the order of the log. */
function linesOf(facts: readonly FactRecord[]): string[] {
  return facts.map(({ atPs, actor, fact }) => `${atPs} ${actor} ${JSON.stringify(fact)}`);
}
