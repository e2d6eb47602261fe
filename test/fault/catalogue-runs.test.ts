/**
 * Every kind of the catalogue, asked for as in a file and run: it begins on the target that was
 * named, ends with its lease, and the digest does not depend on the placement. What each kind does
 * to the fleet is tested kind by kind beside this file.
 */
import { describe, expect, it } from "vitest";
import { catalogueEntries } from "../../src/fault/catalogue.ts";
import type { TargetKind } from "../../src/fault/catalogue-entry.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { faultContextOf } from "../../src/scenario/fault-context.ts";
import { ProblemList } from "../../src/scenario/problem-list.ts";
import { resolveFault } from "../../src/scenario/resolve-fault.ts";
import { readTree } from "../../src/scenario/yaml-text.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const SCENARIO = tinyScenario({
  recovery: { controller: "remap", controllerDelayPs: PS_PER_MS },
  transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: 50 * PS_PER_MS },
  // What NVLink loses nobody sends again: such a run only ends here.
  run: { timeLimitPs: 500 * PS_PER_MS },
});
const CONTEXT = faultContextOf(SCENARIO, makeFatTree(SCENARIO.cluster, SCENARIO.hardware));

const TARGETS: Readonly<Record<TargetKind, string>> = {
  gpu: "node1.gpu2",
  nic: "node1.nic2",
  nvswitch: "node1.nvswitch",
  leaf: "plane2.leaf0",
  spine: "",
  node: "node1",
  plane: "plane2",
  link: "node1.nic2--plane2.leaf0",
  direction: "node1.nic2->plane2.leaf0",
  expert: "expert7",
  controller: "controller",
};

/** The fault of a mapping, as a file would ask for it. */
function faultOf(mapping: object): FaultSpec {
  const tree = readTree(new TextEncoder().encode(JSON.stringify(mapping)), "fault");
  if (!tree.ok) throw new Error("no tree");
  const problems = new ProblemList(tree.tree);
  const fault = resolveFault(mapping, { path: [], defaultName: "it" }, CONTEXT, problems);
  if (fault === undefined) throw new Error(JSON.stringify(problems.problems));
  return fault;
}

const CASES = catalogueEntries().flatMap(({ kind, targets, flap }) =>
  targets
    .filter((target) => TARGETS[target] !== "")
    .map((target) => ({ kind, target: TARGETS[target], flap })),
);

describe("a fault of the catalogue", () => {
  it.each(CASES)("$kind of $target begins and ends in one run, wherever actors are", (asked) => {
    const { kind, target, flap } = asked;
    const onset = { flap: { down: "1 us", repeats: 2 } };
    const lease = flap === undefined ? { healAfter: "5 us" } : { onset };
    const fault = faultOf({ kind, target, at: "4 us", ...lease });
    expect(fault.healAtPs).toBe((flap === undefined ? 9 : 7) * PS_PER_US);
    const runs = (["single", "node"] as const).map((placement) =>
      runInMemory({ ...SCENARIO, faults: [fault] }, { placement }),
    );
    const [{ facts, violations }] = runs;
    expect(violations).toEqual([]);
    const said = facts.flatMap(({ atPs, fact }) =>
      "target" in fact && "kind" in fact ? [{ atPs, ...fact }] : [],
    );
    const about = { fault: "it", kind, target };
    expect(said).toEqual([
      { type: "fault.began", atPs: fault.atPs, ...about },
      ...(fault.levels ?? [])
        .slice(1)
        .map(({ atPs, permille }) => ({ type: "fault.changed", atPs, permille, ...about })),
      { type: "fault.healed", atPs: fault.healAtPs, ...about },
    ]);
    expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
  });
});
