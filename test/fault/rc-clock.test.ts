/**
 * The clock of InfiniBand RC: a lost packet is sent again only when the ACK timeout, 4.096 us x
 * 2^n, has passed; after the last retry the queue pair fails. These decide how an outage feels.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const DOWN_PS = 3 * PS_PER_US;

function runWithOutage(options: {
  exponent: number;
  retryCount: number;
  healAtPs?: number;
}): InMemoryResult {
  const { exponent, retryCount, healAtPs } = options;
  const fault: FaultSpec = {
    name: "outage",
    kind: "nic-down",
    targets: ["node1.nic0"],
    atPs: DOWN_PS,
    ...(healAtPs === undefined ? {} : { healAtPs }),
  };
  const transport = { ackTimeoutExponent: exponent, retryCount, waitTimeoutPs: 100 * PS_PER_S };
  return runInMemory(tinyScenario({ transport, faults: [fault] }));
}

describe("RC clock", () => {
  it("has the published timeouts: 67 ms, 1.07 s, 4.29 s for n = 14, 18, 20", () => {
    expect(ackTimeoutPs(14) / PS_PER_MS).toBeCloseTo(67.1, 1);
    expect(ackTimeoutPs(18) / PS_PER_S).toBeCloseTo(1.07, 2);
    expect(ackTimeoutPs(20) / PS_PER_S).toBeCloseTo(4.29, 2);
  });

  it("stalls a step for a whole tick though the port was down for a quarter of it", () => {
    const healthy = runInMemory(tinyScenario());
    const flap = runWithOutage({ exponent: 20, retryCount: 7, healAtPs: DOWN_PS + PS_PER_S });
    const stallPs = flap.virtualTimePs - healthy.virtualTimePs;
    expect(flap.assignments.combined).toBe(flap.assignments.dispatched);
    expect(stallPs / PS_PER_S).toBeCloseTo(4.29, 2);
  });

  it("times out once a tick, numbers the retries, then fails the queue pair after retry 3", () => {
    const { facts } = runWithOutage({ exponent: 10, retryCount: 3 });
    const ofOne = facts.filter(
      ({ fact, actor }) =>
        fact.type.startsWith("qp.") &&
        actor === facts.find(({ fact: first }) => first.type === "qp.failed")?.actor,
    );
    const timeouts = ofOne.filter(({ fact }) => fact.type === "qp.timed-out");
    const failed = ofOne.filter(({ fact }) => fact.type === "qp.failed");
    expect(timeouts.map(({ fact }) => fact.type === "qp.timed-out" && fact.retry)).toEqual([
      1, 2, 3,
    ]);
    const ticks = timeouts.map(({ atPs }) => atPs);
    expect(ticks[1] - ticks[0]).toBe(ackTimeoutPs(10));
    expect(failed[0].atPs - ticks[0]).toBe(3 * ackTimeoutPs(10));
  });

  it("masks nothing when the port heals just before the last retry, and masks when just after", () => {
    const lastRetryPs = 3 * ackTimeoutPs(10);
    const before = runWithOutage({ exponent: 10, retryCount: 3, healAtPs: lastRetryPs });
    const after = runWithOutage({
      exponent: 10,
      retryCount: 3,
      healAtPs: lastRetryPs + ackTimeoutPs(10),
    });
    expect(before.assignments.masked).toBe(0);
    expect(after.assignments.masked).toBeGreaterThan(0);
  });
});
