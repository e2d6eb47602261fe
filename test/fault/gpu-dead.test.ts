/**
 * A dead GPU says nothing, and its NIC still acknowledges: only waiting ranks notice. One wait and
 * one round of probes must be enough for the whole fleet, also for those whose way led through the
 * dead one.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const WAIT_PS = 200 * PS_PER_MS;
const TRANSPORT = { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: WAIT_PS };

describe("a dead GPU", () => {
  it.each(["node0.gpu0", "node0.gpu2", "node1.gpu1", "node1.gpu3"])(
    "costs one wait and one round of probes, whoever it is: %s",
    (target) => {
      const fault: FaultSpec = {
        name: "dead",
        kind: "gpu-dead",
        targets: [target],
        atPs: 5 * PS_PER_US,
      };
      const scenario = tinyScenario({ faults: [fault], transport: TRANSPORT });
      const result = runInMemory(scenario);
      const probesPs = 4 * ackTimeoutPs(10) + 10 * PS_PER_MS;
      expect(result.end).toBe("finished");
      expect(result.violations).toEqual([]);
      expect(result.virtualTimePs).toBeGreaterThan(WAIT_PS + probesPs);
      expect(result.virtualTimePs).toBeLessThan(WAIT_PS + probesPs + PS_PER_MS);
      const dead = makeFatTree(scenario.cluster, scenario.hardware).indexOf(target);
      const maskers = result.facts.filter(
        ({ fact }) => fact.type === "rank.masked" && fact.rank === target,
      );
      expect(maskers.length).toBe(7);
      expect(result.facts.filter(({ actor }) => actor === dead).at(-1)?.fact.type).toBe(
        "fault.began",
      );
    },
  );
});
