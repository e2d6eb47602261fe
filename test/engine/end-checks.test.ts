/** What a run says at its end: bytes of each plane, stalls without end, a state that lies. */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { runNet } from "./hand-made-net.ts";

const planeBytes = (fabric: Readonly<Record<string, number>>): number[] =>
  [0, 1, 2, 3].map((plane) => fabric[`networkBytes.plane${plane}`]);

describe("bytes of each plane", () => {
  const transport = { ackTimeoutExponent: 6, retryCount: 1 };

  it("add up to those of the network, in one process and in many", () => {
    const one = runInMemory(tinyScenario({ transport }));
    const all = planeBytes(one.fabric);
    expect(Math.min(...all)).toBeGreaterThan(0);
    expect(all.reduce((sum, bytes) => sum + bytes, 0)).toBe(one.fabric.networkBytes);
    const many = runInMemory(tinyScenario({ transport }), { placement: "actor" });
    expect(planeBytes(many.fabric)).toEqual(all);
  });

  it("show a plane that nobody could use", () => {
    const down: FaultSpec = { name: "f", kind: "plane-down", targets: ["plane2"], atPs: 1 };
    const [healthy, faulty] = [[], [down]].map((faults) =>
      planeBytes(runInMemory(tinyScenario({ transport, faults })).fabric),
    );
    expect(faulty[2]).toBeLessThan(healthy[2]);
  });
});

describe("an NVLink stall that never ends", () => {
  it("ends the run at its time limit, and breaks no rule", () => {
    const stall: FaultSpec = {
      name: "stall",
      kind: "nvlink-stall",
      targets: ["node0"],
      atPs: PS_PER_US,
    };
    const run = { timeLimitPs: 10 * PS_PER_MS };
    const result = runInMemory(tinyScenario({ faults: [stall], run }));
    expect(result.end).toBe("time-limit");
    expect(result.violations).toEqual([]);
    const leased = { ...stall, healAtPs: 5 * PS_PER_MS };
    const whole = runInMemory(tinyScenario({ faults: [leased], run: { timeLimitPs: PS_PER_S } }));
    expect(whole.assignments.combined).toBe(whole.assignments.dispatched);
    expect(whole.virtualTimePs).toBeGreaterThan(5 * PS_PER_MS);
  });
});

describe("the state of faults at the end", () => {
  const links = [["host0", "leaf0"]] as const;
  const faults: FaultSpec[] = [
    { name: "down", kind: "link-down", targets: ["host0--leaf0"], atPs: 100 },
    { name: "dead", kind: "switch-down", targets: ["leaf0"], atPs: 100, healAtPs: 200 },
  ];

  it("agrees with the faults that are in force", () => {
    const { kernels, troubles } = runNet({ links, sendings: [], faults });
    expect(troubles).toEqual([]);
    expect(kernels[0].faultState.nextPs).toBe(Number.POSITIVE_INFINITY);
  });

  it("is caught when it does not", () => {
    const tampered = (spoil: (place: number) => Record<string, unknown>): readonly string[] => {
      const { faultState } = runNet({ links, sendings: [], faults }).kernels[0];
      Object.assign(faultState.table.faults[0], spoil(0));
      return faultState.check();
    };
    expect(tampered(() => ({ status: "over" })).join()).toContain("faults in force: down");
    const levels = tampered(() => ({ permille: 0 })).join();
    expect(levels).toContain("lanes with a fault");
    expect(levels).toContain("ports down");
  });
});
