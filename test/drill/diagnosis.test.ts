/** Scores of a blind drill: what was named against what was there. */
import { describe, expect, it } from "vitest";
import { type Diagnosis, scoreDiagnosis, timeToDiagnosePs } from "../../src/drill/diagnosis.ts";
import { TargetIndex } from "../../src/fault/target-index.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

const { cluster, hardware } = tinyScenario();
const INDEX = new TargetIndex(makeFatTree(cluster, hardware), 16);

const CUT: FaultSpec = { name: "cut", kind: "nic-down", targets: ["node1.nic2"], atPs: 100 };
const SLOW: FaultSpec = { name: "slow", kind: "slow-gpu", targets: ["node0.gpu0"], atPs: 50 };

const named = (kind: FaultKind, target: string, atPs = 150): Diagnosis => ({
  kind,
  target,
  targets: [target],
  atPs,
  wallSeconds: 1,
});

describe("the score of a diagnosis", () => {
  it.each([
    ["nic-down", "node1.nic2", "exact"],
    ["slow-nic", "node1.nic2", "target"],
    ["nic-down", "node1.nic0", "domain"],
    ["nic-down", "node0.nic2", "domain"],
    ["slow-gpu", "node1.gpu3", "domain"],
    ["switch-down", "plane2.leaf0", "domain"],
    ["nic-down", "node0.nic1", "wrong"],
    ["plane-down", "plane1", "wrong"],
    ["hot-expert", "expert3", "wrong"],
  ] as const)("of %s on %s is %s", (kind, target, grade) => {
    expect(scoreDiagnosis(named(kind, target), [CUT], INDEX).grade).toBe(grade);
  });

  it("is that of the fault it comes nearest to, with the time since its onset", () => {
    expect(scoreDiagnosis(named("nic-down", "node1.nic2"), [CUT, SLOW], INDEX)).toEqual({
      grade: "exact",
      fault: "cut",
      sinceOnsetPs: 50,
    });
    expect(scoreDiagnosis(named("nic-down", "node0.nic1"), [CUT, SLOW], INDEX)).toEqual({
      grade: "domain",
      fault: "slow",
      sinceOnsetPs: 100,
    });
    expect(scoreDiagnosis(named("hot-expert", "expert1"), [CUT], INDEX)).toEqual({
      grade: "wrong",
    });
  });

  it("is as good for any target of a fault that has several", () => {
    const both = { ...CUT, targets: ["node1.nic2", "node1.nic3"] };
    for (const target of both.targets) {
      expect(scoreDiagnosis(named("nic-down", target), [both], INDEX).grade).toBe("exact");
    }
    expect(scoreDiagnosis(named("slow-nic", "node1.nic3"), [both], INDEX).grade).toBe("target");
    expect(scoreDiagnosis(named("nic-down", "node1.nic0"), [both], INDEX).grade).toBe("domain");
  });

  it("counts the time to the first diagnosis that is exact", () => {
    const attempts = [
      named("slow-nic", "node1.nic2", 120),
      named("nic-down", "node1.nic2", 170),
      named("nic-down", "node1.nic2", 190),
    ];
    expect(timeToDiagnosePs(attempts, CUT, INDEX)).toBe(70);
    expect(timeToDiagnosePs(attempts.slice(0, 1), CUT, INDEX)).toBeUndefined();
  });
});
