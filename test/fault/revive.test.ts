/**
 * A device that died and works again: its memory is gone, so without a controller that asks it back
 * its rank has no part in the job any more. What it had open stays lost to the fault that killed
 * it, and its peers find out by the same clocks as without the heal.
 */
import { describe, expect, it } from "vitest";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const ATPS = 5 * PS_PER_US;
const TRANSPORT = { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: 100 * PS_PER_MS };

function scenarioWith(kind: FaultKind, target: string, healAtPs?: number) {
  const fault: FaultSpec = {
    name: "outage",
    kind,
    targets: [target],
    atPs: ATPS,
    ...(healAtPs !== undefined && { healAtPs }),
  };
  return tinyScenario({ faults: [fault], transport: TRANSPORT });
}

describe.each([
  ["gpu-dead", "node0.gpu1", 1],
  ["hbm-uncorrectable", "node1.gpu3", 1],
  ["node-crash", "node1", 4],
] as const)("%s", (kind, target, ranks) => {
  // One heals before the others ask, one while they wait for answers, one when they have masked.
  it.each([PS_PER_MS, 105 * PS_PER_MS, 400 * PS_PER_MS])("healed at %d ps", (healAtPs) => {
    const scenario = scenarioWith(kind, target, healAtPs);
    const result = runEverywhere(scenario);
    const isOf = (id: string): boolean => id === target || id.startsWith(`${target}.`);
    expect(result.end).toBe("finished");
    expect(result.assignments.lost).toBeGreaterThan(0);
    expect(result.byFault).toEqual([
      { fault: "outage", masked: result.assignments.masked, lost: result.assignments.lost },
    ]);
    const masks = said(scenario, result, "rank.masked");
    expect(masks.filter(({ rank }) => isOf(rank)).length).toBe((8 - ranks) * ranks);
    expect(masks.filter(({ by }) => isOf(by))).toEqual([]);
    const finished = said(scenario, result, "rank.finished");
    expect(finished).toHaveLength(8 - ranks);
    expect(finished.some(({ by }) => isOf(by))).toBe(false);
  });

  it("loses what it loses without a heal", () => {
    const healed = runEverywhere(scenarioWith(kind, target, 400 * PS_PER_MS));
    const dead = runEverywhere(scenarioWith(kind, target));
    expect(healed.assignments).toEqual(dead.assignments);
    expect(healed.byFault).toEqual(dead.byFault);
  });
});
