/**
 * Operators' masks and drains: every rank heeds them by itself, at the instant of the mask or at
 * its next step, and whatever that costs is named after the intervention. Nobody waits for a clock.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario, WorkloadSpec } from "../../src/model/scenario.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const TARGET = "node1.gpu2";

function scenarioWith(
  kind: "masked" | "drained",
  atPs: number,
  workload: Partial<WorkloadSpec> = {},
): Scenario {
  const entry: FaultSpec = { name: "ops", kind, targets: [TARGET], atPs };
  return tinyScenario({ faults: [entry], workload: { steps: 4, ...workload } });
}

/** The middle of the second step of a healthy run. */
function midStepPs(workload: Partial<WorkloadSpec> = {}): number {
  const scenario = { ...scenarioWith("masked", 1, workload), faults: [] };
  const ends = said(scenario, runInMemory(scenario), "step.completed");
  const second = ends.find(({ step }) => step === 1) as { atPs: number; durationPs: number };
  return second.atPs - Math.floor(second.durationPs / 2);
}

describe.each(["low-latency", "normal"] as const)("the operator's mask (%s)", (protocol) => {
  const atPs = midStepPs({ protocol });
  const scenario = scenarioWith("masked", atPs, { protocol });
  const result = runEverywhere(scenario);

  it("is heeded by every rank of the group at its instant", () => {
    const masks = said(scenario, result, "rank.masked").filter(({ rank }) => rank === TARGET);
    expect(masks).toHaveLength(7);
    for (const mask of masks) {
      expect(mask).toMatchObject({ atPs, fault: "ops", reason: "operator" });
    }
  });

  it("costs no wait: the run is over in milliseconds, and what is masked is named after it", () => {
    expect(result.end).toBe("finished");
    expect(result.virtualTimePs).toBeLessThan(PS_PER_MS);
    expect(said(scenario, result, "rank.wait-timed-out")).toEqual([]);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault).toEqual([{ fault: "ops", masked: result.assignments.masked, lost: 0 }]);
  });
});

describe.each(["low-latency", "normal"] as const)("a drain (%s)", (protocol) => {
  const atPs = midStepPs({ protocol });
  const scenario = scenarioWith("drained", atPs, { protocol });
  const result = runEverywhere(scenario);

  it("lets the step in which it is asked for end whole", () => {
    const combines = said(scenario, result, "combine.completed").filter(({ step }) => step <= 1);
    expect(combines).toHaveLength(8 * 3 * 2);
    expect(combines.reduce((sum, { masked }) => sum + masked, 0)).toBe(0);
    expect(result.assignments.lost).toBe(0);
  });

  it("has the rank finish at its own next step, and the others go on without it", () => {
    const finished = said(scenario, result, "rank.finished");
    const own = finished.find(({ by }) => by === TARGET);
    const [end] = said(scenario, result, "step.completed").filter(
      ({ by, step }) => by === TARGET && step === 1,
    );
    expect(own?.atPs).toBe(end.atPs);
    expect(finished).toHaveLength(8);
    expect(result.end).toBe("finished");
    expect(result.virtualTimePs).toBeLessThan(PS_PER_MS);
    const masks = said(scenario, result, "rank.masked").filter(({ rank }) => rank === TARGET);
    expect(masks).toHaveLength(7);
    for (const { fault, reason } of masks) {
      expect(fault).toBe("ops");
      expect(["operator", "notice"]).toContain(reason);
    }
    expect(result.byFault).toEqual([{ fault: "ops", masked: result.assignments.masked, lost: 0 }]);
  });
});

describe.each(["low-latency", "normal"] as const)("a drain between two steps (%s)", (protocol) => {
  const healthy = { ...scenarioWith("masked", 1, { protocol }), faults: [] };
  const ends = said(healthy, runInMemory(healthy), "step.completed").filter(
    ({ step }) => step === 1,
  );
  const drainOf = (target: string, atPs: number): Scenario => ({
    ...healthy,
    faults: [{ name: "ops", kind: "drained", targets: [target], atPs }],
  });

  it.each([
    // The others are in the next step, and wait for its copies until it takes leave.
    ["the last", ends.at(-1), -1],
    // It is in the next step, and waits for the copies of the others until they give it up.
    ["the first", ends[0], 1],
  ] as const)("of %s rank to begin has nobody wait for a clock", (_, rank, offsetPs) => {
    const { by, atPs } = rank as { by: string; atPs: number };
    const scenario = drainOf(by, atPs + offsetPs);
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    expect(said(scenario, result, "rank.wait-timed-out")).toEqual([]);
    expect(result.virtualTimePs).toBeLessThan(PS_PER_MS);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
    const gone = said(scenario, result, "rank.finished").find((fact) => fact.by === by);
    const steps = said(scenario, result, "step.completed").filter((fact) => fact.by === by);
    expect(steps).toHaveLength(offsetPs < 0 ? 2 : 3);
    expect(gone?.atPs).toBe(steps.at(-1)?.atPs);
  });
});
