/**
 * DeepEP's default: a rank that has waited too long masks nobody, it ends its job. It tells nobody,
 * so every rank of the group finds out by its own clock; all that was open is lost to the fault.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { streamOf } from "../../src/base/random.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const WAIT_PS = 200 * PS_PER_MS;
const PROBES_PS = 4 * ackTimeoutPs(10) + 10 * PS_PER_MS;
const RECOVERY = { ...DEFAULT_RECOVERY, onSilence: "trap" } as const;

function scenarioWith(fault: Omit<FaultSpec, "name">, waitTimeoutPs = WAIT_PS): Scenario {
  return tinyScenario({
    faults: [{ name: "cause", ...fault }],
    transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs },
    recovery: RECOVERY,
  });
}

function runBoth(scenario: Scenario): InMemoryResult {
  const one = runInMemory(scenario, { placement: "single" });
  for (const placement of ["node", "actor"] as const) {
    const other = runInMemory(scenario, { placement, shuffle: streamOf("5", placement) });
    expect(other.digest).toBe(one.digest);
    expect(other.facts).toEqual(one.facts);
  }
  return one;
}

/** Who trapped when, and because of what. */
function trapsOf({ facts }: InMemoryResult) {
  return facts.flatMap(({ fact, atPs, actor }) =>
    fact.type === "rank.trapped" ? [{ atPs, actor, ...fact }] : [],
  );
}

function expectAllLost(result: InMemoryResult): void {
  const { dispatched, combined, masked, lost } = result.assignments;
  expect(result.end).toBe("finished");
  expect(result.violations).toEqual([]);
  expect(result.unexplained).toBe(0);
  expect(masked).toBe(0);
  expect(lost).toBeGreaterThan(0);
  expect(combined + lost).toBe(dispatched);
  expect(result.byFault[0].lost).toBe(lost);
  expect(result.facts.some(({ fact }) => fact.type === "rank.masked")).toBe(false);
}

describe("trap", () => {
  it.each(["node0.gpu0", "node1.gpu3"])(
    "ends every rank's job one wait and one round of probes after %s died, and the run",
    (target) => {
      const atPs = 5 * PS_PER_US;
      const result = runBoth(scenarioWith({ kind: "gpu-dead", targets: [target], atPs }));
      expectAllLost(result);
      const traps = trapsOf(result);
      expect(new Set(traps.map(({ actor }) => actor)).size).toBe(7);
      for (const { atPs: at, missing, fault } of traps) {
        expect(at).toBeGreaterThan(WAIT_PS + PROBES_PS);
        expect(at).toBeLessThan(WAIT_PS + PROBES_PS + PS_PER_MS);
        expect(missing).toContain(target);
        expect(fault).toBe("cause");
      }
    },
  );

  it("comes at the transport's clock when a queue pair fails, and spreads at the wait timeout", () => {
    // Only the ranks that send through it can see that a NIC is down; the others just wait.
    const result = runBoth(
      scenarioWith({ kind: "nic-down", targets: ["node1.nic0"], atPs: 3 * PS_PER_US }),
    );
    expectAllLost(result);
    const traps = trapsOf(result);
    expect(new Set(traps.map(({ actor }) => actor)).size).toBe(8);
    const failedPs = 4 * ackTimeoutPs(10);
    expect(traps[0].atPs).toBeGreaterThan(failedPs);
    expect(traps[0].atPs).toBeLessThan(failedPs + PS_PER_MS);
    expect(traps[7].atPs).toBeGreaterThan(WAIT_PS);
    expect(new Set(traps.map(({ fault }) => fault))).toEqual(new Set(["cause"]));
  });

  it("waits 100 s in DeepEP's default setting", () => {
    const result = runInMemory(
      scenarioWith({ kind: "gpu-dead", targets: ["node0.gpu1"], atPs: 1 }, 100 * PS_PER_S),
    );
    expectAllLost(result);
    expect(result.virtualTimePs / PS_PER_S).toBeGreaterThan(100);
    expect(result.virtualTimePs / PS_PER_S).toBeLessThan(100.1);
  });
});
