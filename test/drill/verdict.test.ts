/** Verdicts of drills: what makes one FAIL, and what leaves it with nothing to say. */
import { describe, expect, it } from "vitest";
import type { Activity } from "../../src/drill/drill.ts";
import type { DrillRecord } from "../../src/drill/drill-record.ts";
import type { RunEnd } from "../../src/drill/run-end.ts";
import { judgeDrill } from "../../src/drill/verdict.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { drillWith, holds, inject } from "./drills.ts";

const fault = { name: "f", kind: "nic-down", targets: ["node0.nic0"], atPs: 0 } as const;
const drill = drillWith(tinyScenario(), {
  hypothesis: holds("ranks_masked", 0, 0),
  method: [inject(fault, 1e9)],
  leastTraffic: 100,
});

const end: RunEnd = {
  end: "finished",
  virtualTimePs: 5e9,
  assignments: { dispatched: 10, combined: 8, masked: 1, lost: 1 },
  byFault: [],
  mismatches: 0,
  corrupted: 0,
  unexplained: 0,
  violations: [],
  fabric: {},
  faultsBegun: ["f"],
  maxLagSeconds: 0,
};

const probe = {
  name: "masks",
  measure: "ranks_masked",
  arguments: {},
  over: "run",
  unit: "",
  value: 2,
  met: false,
  tolerance: { type: "exactly", value: 0 },
} as const;

const activity = { name: "inject f", type: "action", func: "inject", duePs: 1e9 } as const;
const record: DrillRecord = {
  status: "completed",
  deviated: false,
  checks: [{ when: "after", atPs: 5e9, met: true, probes: [{ ...probe, value: 0, met: true }] }],
  activities: [{ ...activity, status: "succeeded", fault }],
  rollbacks: [],
  rollbacksRun: false,
  timeline: [],
  faults: [fault],
  methodEndPs: 1e9,
  methodDone: true,
  firstFaultPs: 1e9,
  trafficBefore: 100,
  endPs: 5e9,
};
const { value: _value, met: _met, ...open } = { ...probe, why: "it may still come" };
const failed = {
  status: "deviated",
  deviated: true,
  checks: [{ when: "after", atPs: 5e9, met: false, probes: [probe] }],
} as const;
const aborted = { status: "aborted", stopReason: "stop condition 'x'", methodDone: false } as const;

describe("the verdict of a drill", () => {
  const rows: readonly [string, Partial<DrillRecord>, Partial<RunEnd>, string, RegExp?][] = [
    ["that did all and held", {}, {}, "PASS"],
    [
      "whose hypothesis failed",
      failed,
      {},
      "FAIL",
      /^'ranks_masked is right' does not hold at the end \(5\.000 ms\): 'masks': ranks_masked is 2, outside 0$/,
    ],
    ["with wrong results", {}, { mismatches: 1 }, "FAIL", /differ from the oracle/],
    ["with a broken invariant", {}, { violations: ["ledger: x"] }, "FAIL", /^ledger: x$/],
    ["that got stuck", {}, { end: "stuck" }, "FAIL", /^stuck/],
    [
      "whose accounts do not add up",
      {},
      { assignments: { dispatched: 11, combined: 8, masked: 1, lost: 1 } },
      "INVALID",
      /^accounts do not balance: 11 dispatched, 10 ended$/,
    ],
    ["whose fault never began", {}, { faultsBegun: [] }, "INVALID", /^fault 'f' never began/],
    [
      "whose fault never began and whose hypothesis failed anyway",
      failed,
      { faultsBegun: [] },
      "INVALID",
      /^fault 'f' never began/,
    ],
    [
      "whose action never came",
      { activities: [{ ...activity, status: "never-due" }], faults: [], methodDone: false },
      {},
      "INVALID",
      /^action 'inject f' never came/,
    ],
    [
      "whose action was skipped by fail-fast",
      { ...failed, activities: [{ ...activity, status: "skipped" }], faults: [] },
      {},
      "FAIL",
      /does not hold/,
    ],
    ["with too little traffic", { trafficBefore: 99 }, {}, "INVALID", /^only 99 .* wants 100/],
    ["with unexplained masks", {}, { unexplained: 3 }, "INVALID", /^3 assignments were masked/],
    ["that was interrupted", { status: "interrupted" }, { end: "interrupted" }, "INVALID", /^int/],
    [
      "that was interrupted after its hypothesis had failed",
      { ...failed, status: "interrupted" },
      { end: "interrupted" },
      "FAIL",
      /does not hold/,
    ],
    ["that lost a worker", { status: "interrupted" }, { end: "worker-lost" }, "INVALID", /worker/],
    ["that was aborted", aborted, { end: "stopped" }, "INVALID", /^aborted: stop condition 'x'$/],
    [
      "that an operator stopped",
      { status: "interrupted" },
      { end: "stopped", detail: "enough" },
      "INVALID",
      /^stopped: enough$/,
    ],
    [
      "whose hypothesis was never checked",
      { checks: [] },
      {},
      "INVALID",
      /^'ranks_masked is right' was never checked$/,
    ],
    [
      "that only asked its hypothesis about rollbacks",
      { checks: [{ when: "method-end", atPs: 1e9, met: true, probes: [{ ...probe, met: true }] }] },
      {},
      "INVALID",
      /was never checked$/,
    ],
    [
      "whose probe had no value at any check",
      { checks: [{ when: "before", atPs: 1e9, met: true, probes: [open] }] },
      {},
      "INVALID",
      /^probe 'ranks_masked' was never judged: it had no value at any check$/,
    ],
    [
      "over at its time limit, method done",
      { stopReason: "stop.after is reached" },
      { end: "stopped", detail: "stop.after is reached" },
      "PASS",
    ],
  ];

  it.each(rows)("%s", (_what, change, ending, verdict, says) => {
    const judged = judgeDrill(drill, { ...record, ...change }, { ...end, ...ending });
    expect(judged.verdict).toBe(verdict);
    expect(judged.reasons.length > 0).toBe(verdict !== "PASS");
    if (says !== undefined) expect(judged.reasons[0]).toMatch(says);
  });

  it("is INVALID when a probe of the method was asked too early to be judged", () => {
    const early = { ...drill.hypothesis?.probes[0], pauseBeforePs: 0, pauseAfterPs: 0 };
    const asking = { ...drill, method: [...drill.method, early as Activity] };
    const asked = { ...activity, name: "masks", type: "probe", status: "succeeded" } as const;
    const activities = [...record.activities, { ...asked, output: open }];
    expect(judgeDrill(asking, { ...record, activities }, end)).toEqual({
      verdict: "INVALID",
      reasons: ["probe 'masks' was not judged: it had no value yet when it was asked"],
    });
  });

  it("is INVALID when pacing was promised and missed", () => {
    const { scenario } = drill;
    const paced = { ...drill, scenario: { ...scenario, run: { ...scenario.run, speed: 0.1 } } };
    const late = { ...end, maxLagSeconds: 2.5 };
    expect(judgeDrill(paced, record, late)).toEqual({
      verdict: "INVALID",
      reasons: ["ran 2.500 s late; the lag budget is 2 s"],
    });
    expect(judgeDrill(drill, record, late).verdict).toBe("PASS");
  });
});
