/**
 * Pages of whole runs and drills, healthy, broken and cut short: well-formed, loading nothing,
 * small, the same each time, with hostile names as text; and what they say is what the facts say.
 */
import { describe, expect, it } from "vitest";
import { drillPage } from "../../cluster/drill-page.ts";
import { makeReport, type RunReport } from "../../cluster/report.ts";
import { ReportFacts } from "../../cluster/report-facts.ts";
import { runPage } from "../../cluster/run-page.ts";
import { recoveryMeasures } from "../../src/drill/recovery-measures.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { reportOf } from "../drill/reports.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { LOST_NIC, SHORT_CLOCKS, TROUBLED, troubledRun } from "../support/troubled-runs.ts";
import { pageProblems } from "./page-check.ts";

const HOSTILE = `<script>alert('1')</script><img src=x onerror=y>"&\u202e|**`;

function watched(scenario: Scenario, facts: readonly FactRecord[]): ReportFacts {
  const watch = new ReportFacts(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  watch.take(facts);
  return watch;
}

function reportOfRun(scenario: Scenario, watch: ReportFacts): RunReport {
  const result = troubledRun(scenario);
  return makeReport({
    scenario,
    outcome: {
      ...result,
      end: "finished",
      wallSeconds: 1,
      maxLagSeconds: 0,
      windows: 1,
      processes: 1,
      peakRssBytes: 1,
      epochsClosed: [],
    },
    faultplane: "0",
    runId: "r",
    scenarioHash: "h",
    runDir: "/runs/r",
    ...watch.figures(),
  });
}

function pageOf(scenario: Scenario, facts = troubledRun(scenario).facts, title = "a run"): string {
  const watch = watched(scenario, facts);
  const report = { ...reportOfRun(scenario, watch), title, reasons: [title] };
  return runPage({ report, ...watch.forPage(), commands: [`faultplane replay ${title}`] });
}

describe.each(TROUBLED)("the page of %s", (_name, scenario) => {
  it("is well-formed, loads nothing, and is the same each time", () => {
    const page = pageOf(scenario);
    expect(pageProblems(page)).toEqual([]);
    expect(page.length).toBeLessThan(150_000);
    expect(pageOf(scenario)).toBe(page);
  });

  it("is well-formed when the run stops anywhere", () => {
    const { facts } = troubledRun(scenario);
    for (const part of [0, 0.1, 0.4, 0.7]) {
      const page = pageOf(scenario, facts.slice(0, Math.floor(part * facts.length)));
      expect(pageProblems(page)).toEqual([]);
    }
  });

  it("says when the fleet served again as the measure of drills does", () => {
    expectSameServing(scenario);
  });
});

/** Compares with the measure of drills, fault by fault. */
function expectSameServing(scenario: Scenario): void {
  const { facts } = troubledRun(scenario);
  const series = new RunSeries(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  series.take(facts);
  const measure = recoveryMeasures.find(({ name }) => name === "time_to_serve_again_ms");
  const watch = watched(scenario, facts).forPage();
  const toPs = (facts.at(-1)?.atPs ?? 0) + 1;
  for (const { name, atPs } of scenario.faults) {
    const query = { run: series, healthy: undefined, fromPs: 0, toPs, end: undefined };
    const { value } = measure?.read({ ...query, arguments: { fault: name } }) ?? {};
    const servedPs = watch.servedAtPs(name);
    const spanMs = servedPs === undefined ? undefined : (servedPs - atPs) / PS_PER_MS;
    expect(spanMs, name).toBe(value);
  }
}

it("a rank that finishes before it serves is not waited for", () => {
  const healthy = tinyScenario();
  const begins = troubledRun(healthy).facts.flatMap(({ atPs, fact }) =>
    fact.type === "layer.completed" && fact.layer === 3 ? [atPs - fact.durationPs] : [],
  );
  // Half of the ranks have begun their last layer by then, and half have not.
  const atPs = begins.sort((left, right) => left - right)[begins.length / 2];
  const late = { name: "late", kind: "slow-gpu" as const, targets: ["node0.gpu0"], atPs };
  const scenario = { ...healthy, faults: [{ ...late, parameters: { slowdown: 1.5 } }] };
  expectSameServing(scenario);
  const served = watched(scenario, troubledRun(scenario).facts).forPage().servedAtPs("late");
  expect(served).toBeGreaterThan(atPs);
});

it("most of these fleets serve again after their fault", () => {
  const served = TROUBLED.flatMap(([, scenario]) => {
    const watch = watched(scenario, troubledRun(scenario).facts).forPage();
    return scenario.faults.map(({ name }) => watch.servedAtPs(name) !== undefined);
  });
  expect(served.filter(Boolean).length).toBeGreaterThan(3);
});

describe("a page", () => {
  const scenario = tinyScenario({ faults: [LOST_NIC], transport: SHORT_CLOCKS });

  it("shows hostile names as text", () => {
    const named = { ...scenario, faults: [{ ...LOST_NIC, name: HOSTILE }] };
    const { facts } = troubledRun(scenario);
    const renamed = facts.map((record) => ({
      ...record,
      fact: "fault" in record.fact ? { ...record.fact, fault: HOSTILE } : record.fact,
    }));
    const page = pageOf(scenario, renamed, HOSTILE);
    expect(pageProblems(page)).toEqual([]);
    expect(page).toContain("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
    expect(page).toContain("\\u202e");
    expect(page).not.toContain("\u202e");
    const drill = reportOf(named);
    const text = { ...drill, title: HOSTILE, description: HOSTILE, reasons: [HOSTILE] };
    const watch = watched(scenario, renamed);
    const report = { ...reportOfRun(scenario, watch), title: HOSTILE };
    const input = { report, ...watch.forPage(), commands: [HOSTILE] };
    expect(pageProblems(drillPage(text, input))).toEqual([]);
  });

  it("tells the verdict, the fault with its clocks, and where each assignment ended", () => {
    const page = pageOf(scenario);
    const { assignments } = troubledRun(scenario);
    expect(page).toContain('<div class="verdict PASS" role="status"><strong>PASS</strong>');
    expect(page).toMatch(/<td>a-nic-down<\/td><td>nic-down<\/td><td>node1\.nic2<\/td>/);
    const { combined, masked } = assignments;
    expect(masked).toBeGreaterThan(0);
    const [all, given] = [combined, masked].map((count) => count.toLocaleString("en-US"));
    expect(page).toContain(`combined ${all} (`);
    expect(page).toContain(`masked ${given} (`);
    expect(page).toMatch(/<td>node1\.gpu2<\/td><td class="number">\d+<\/td>/);
  });

  it("stays below 300 KB with hundreds of faults, masks and hours of layers", () => {
    const faults = Array.from({ length: 400 }, (_, place) => ({
      ...LOST_NIC,
      name: `fault-with-a-long-name-${place}`,
      atPs: (place + 1) * PS_PER_S,
    }));
    const facts: FactRecord[] = [];
    const gpus = [0, 1, 2, 3].map((gpu) => `node1.gpu${gpu}`);
    for (let second = 1; second < 400; second += 1) {
      const atPs = second * PS_PER_S;
      const { name: fault } = faults[second - 1];
      const add = (fact: FactRecord["fact"], later = 0): void => {
        facts.push({ atPs: atPs + later, actor: 1, index: facts.length, fact });
      };
      const target = "node1.nic2";
      add({ type: "fault.began", fault, kind: "nic-flap", target });
      for (let level = 0; level < 80; level += 1) {
        const permille = level % 2 === 0 ? 0 : 1000;
        add({ type: "fault.changed", fault, kind: "nic-flap", target, permille }, level * 1e9);
      }
      for (const rank of gpus) {
        add({ type: "rank.masked", rank, fault, assignments: 1, reason: "no-answer" }, 2e11);
      }
      add({ type: "ranks.resumed", epoch: 1, step: 1, members: ["node0.gpu0", ...gpus] }, 3e11);
      for (let layer = 0; layer < 20; layer += 1) {
        const at = { layer: 1, step: second, chain: "batch0", durationPs: (layer + 1) * 1e6 };
        add({ type: "dispatch.completed", ...at, received: 3 }, 4e11 + layer * 1e10);
        add({ type: "combine.completed", ...at, combined: 8, masked: 0 }, 4e11 + layer * 1e10);
        add({ type: "layer.completed", ...at }, 4e11 + layer * 1e10);
      }
      add({ type: "fault.healed", fault, kind: "nic-flap", target }, 9e11);
    }
    const page = pageOf({ ...scenario, faults }, facts);
    expect(pageProblems(page)).toEqual([]);
    expect(page.length).toBeLessThan(300_000);
    expect(page).toContain("more rows, in report.md");
  });
});

describe("the page of a drill", () => {
  const scenario = tinyScenario({ faults: [LOST_NIC], transport: SHORT_CLOCKS });
  const probe = {
    name: "ranks given up",
    measure: "ranks_masked",
    arguments: {},
    over: "run" as const,
    unit: "",
    value: 3,
    tolerance: { type: "range", least: 0, most: 1 } as const,
    met: false,
  };
  const check = { when: "after" as const, atPs: 1, met: false, probes: [probe] };
  const drill = reportOf(scenario, { checks: [check], deviated: true });
  const watch = watched(scenario, troubledRun(scenario).facts);
  const report = reportOfRun(scenario, watch);
  const input = { report, ...watch.forPage(), commands: [] };

  it("has its thresholds as pictures, the twin as a line, and what to change", () => {
    const page = drillPage(drill, input);
    expect(pageProblems(page)).toEqual([]);
    expect(page).toContain("allowed 0 to 1, this run 3, healthy twin none");
    expect(page).toContain("healthy twin: ");
    for (const title of ["The faulted run beside its healthy twin", "Whose fault", "Clocks"]) {
      expect(page).toContain(`<h2>${title}</h2>`);
    }
  });

  it("has one number for the throughput, and no heading without anything below it", () => {
    const comparison = drill.comparison.map((row) =>
      row.name === "tokens a second" ? { ...row, faulted: 36.4 } : row,
    );
    const page = drillPage({ ...drill, comparison }, input);
    expect(page).toContain("<dt>throughput</dt><dd>36 tokens/s</dd>");
    expect(page).toContain(">36/s</td>");
    expect(page).not.toContain("Who found it");
    const found = drillPage({ ...drill, comparison, diagnoses: [] }, input);
    expect(found).toContain("<h2>Who found it</h2>");
  });

  it("is the same from what was written to disk, also without the twin's values", () => {
    const again = JSON.parse(JSON.stringify(drill));
    expect(drillPage(again, input)).toBe(drillPage(drill, input));
    const { thresholds: _, ...older } = again;
    expect(pageProblems(drillPage(older, input))).toEqual([]);
  });
});
