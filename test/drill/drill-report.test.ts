/**
 * The report of a drill says what was measured: the run beside its twin, the dip, the reach, and
 * advice that follows from signs that were seen. Its journal has Chaos Toolkit's layout.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { attribute, linksOf } from "../../src/drill/attribution.ts";
import { chaosJournal, virtualIso } from "../../src/drill/chaos-journal.ts";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import type { Drill } from "../../src/drill/drill.ts";
import type { DrillRecord } from "../../src/drill/drill-record.ts";
import { type DrillReport, makeDrillReport } from "../../src/drill/drill-report.ts";
import { bars } from "../../src/drill/drill-tables.ts";
import { drillMarkdown, drillText, TEXT_LINES_MAX } from "../../src/drill/drill-text.ts";
import { junitXml } from "../../src/drill/junit.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import { Timeline } from "../../src/drill/timeline.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { type Traced, traced } from "./runs.ts";

const TICK_PS = ackTimeoutPs(10);
const ONSET_PS = 3 * PS_PER_US;
const FLAP: FaultSpec = {
  name: "flap",
  kind: "nic-down",
  targets: ["node1.nic0"],
  atPs: ONSET_PS,
  healAtPs: 400 * PS_PER_US,
};
const HOST: DrillReport["host"] = {
  node: "20",
  platform: "test",
  startedAt: "2026-01-01T00:00:00.000Z",
  endedAt: "2026-01-01T00:00:02.000Z",
  wallSeconds: 2,
  twinSeconds: 0.5,
  chainSeconds: 0,
  lagSeconds: 0,
  events: 1,
  windows: 1,
  processes: 1,
  peakRssBytes: 1,
};

function measured(scenario: Scenario, { result, trace }: Traced): MeasuredRun {
  const series = new RunSeries(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  series.take(result.facts);
  const end = result.end === "grants" ? "stuck" : result.end;
  return { series, trace, end: { ...result, end, maxLagSeconds: 0 } };
}

/** The report of a scenario with its faults. */
function reportOf(scenario: Scenario, record: Partial<DrillRecord> = {}): DrillReport {
  const links = linksOf(scenario.faults);
  const twin = traced({ ...scenario, faults: [] });
  const run = traced(scenario);
  const timeline = new Timeline();
  timeline.take(run.result.facts);
  const drill: Drill = {
    title: "A tiny drill",
    description: "It teaches nothing.",
    tags: [],
    scenario,
    method: [],
    rollbacks: [],
    controls: [],
    strategies: {
      hypothesis: "default",
      frequencyPs: PS_PER_MS,
      failFast: false,
      rollbacks: "default",
    },
    stop: { afterPs: 1e12, when: [] },
    leastTraffic: 0,
  };
  const whole: DrillRecord = {
    status: "completed",
    deviated: false,
    checks: [],
    activities: [],
    rollbacks: [],
    rollbacksRun: false,
    timeline: [],
    faults: [],
    methodEndPs: 0,
    methodDone: true,
    trafficBefore: 0,
    endPs: run.trace.endPs,
    ...record,
  };
  return makeDrillReport({
    drill,
    verdict: "PASS",
    reasons: [],
    end: run.result.end,
    identity: {
      faultplane: "0",
      runId: "r",
      digest: run.result.digest,
      twinDigest: twin.result.digest,
      scenarioHash: "h",
      seed: "1",
      placement: "single",
      speed: "max",
      runDir: "/runs/r",
    },
    record: whole,
    faults: scenario.faults,
    run: measured(scenario, run),
    twin: measured(scenario, twin),
    attribution: attribute({
      links: links.length > 1 ? [links.flat()] : links,
      chain: [twin.trace, run.trace],
      assignments: run.result.assignments,
      twinAssignments: twin.result.assignments,
      byFault: run.result.byFault,
    }),
    timeline: timeline.lines(whole.timeline),
    host: HOST,
  });
}

const row = (report: DrillReport, name: string) =>
  report.comparison.find((candidate) => candidate.name === name);

describe("the report of a flap", () => {
  const report = reportOf(tinyScenario({ faults: [FLAP] }));

  it("puts the faulted run beside its twin: one tick longer, nothing masked", () => {
    const run = row(report, "run");
    expect(((run?.faulted ?? 0) - (run?.healthy ?? 0)) / TICK_PS).toBeCloseTo(1, 1);
    expect(row(report, "masked")).toMatchObject({ healthy: 0, faulted: 0 });
    expect(row(report, "sent again")?.faulted).toBeGreaterThan(0);
    expect(row(report, "combined")?.faulted).toBe(row(report, "combined")?.healthy);
    for (const { source } of report.comparison) expect(source).toMatch(/virtual time|counted/);
  });

  it("measures the dip: as deep as it gets, and as long as the tick", () => {
    expect(report.dip.depthPercent).toBeCloseTo(100, 0);
    expect(report.dip.lengthPs / TICK_PS).toBeGreaterThan(0.9);
    expect(report.dip.lengthPs / TICK_PS).toBeLessThan(1.2);
    expect(report.dip.timeLostPs / TICK_PS).toBeCloseTo(1, 1);
  });

  it("says when it was detected: at the first tick, and never located", () => {
    const clocks = new Map(report.clocks.map(({ name, spanPs }) => [name, spanPs]));
    expect((clocks.get("time to detect") ?? 0) / TICK_PS).toBeCloseTo(1, 1);
    expect(clocks.get("time to locate")).toBeUndefined();
  });

  it("advises a shorter ACK timeout, because of the tick and the outage", () => {
    expect(report.advice.map(({ change }) => change)).toEqual([
      expect.stringContaining("ackTimeoutExponent"),
    ]);
    expect(report.advice[0].because).toMatch(/nobody was masked.*4\.194 ms.*397\.000 us/);
  });

  it("tells the story in order, from onset to the last rank", () => {
    const texts = report.timeline.map(({ text }) => text);
    expect(texts[0]).toBe("flap began: nic-down on node1.nic0");
    expect(texts.at(-1)).toBe("8 ranks finished");
    expect(texts.some((text) => /NICs? timed out/.test(text))).toBe(true);
    expect(texts).toContain("flap healed: nic-down on node1.nic0");
  });
});

describe("the report of a lost rank", () => {
  const lost: FaultSpec = {
    name: "lost",
    kind: "nic-down",
    targets: ["node1.nic0"],
    atPs: ONSET_PS,
  };

  it("names who was given up, and advises a detour because of the whole retry clock", () => {
    const report = reportOf(tinyScenario({ faults: [lost] }));
    expect(report.reach.masked).toContain("node1.gpu0");
    expect(report.reach.ranks).toBe(8);
    const [first] = report.advice.filter(({ because }) => because.includes("ACK timeouts"));
    expect(first.change).toContain("recovery.failover: nvlink");
    expect(first.because).toContain("only after 4 ACK timeouts, 16.777 ms");
    // Each of the 8 ranks holds 2 of the 16 experts, and there are no replicas.
    expect(report.reach.missingExperts).toEqual(expect.arrayContaining([8, 9]));
    const [second] = report.advice.filter(({ change }) => change.includes("experts.redundant"));
    expect(second.because).toMatch(/went without experts .*: every replica was given up/);
  });

  it("says that a fault met nothing, and nothing else", () => {
    const short = { ...lost, healAtPs: ONSET_PS + 1 };
    const report = reportOf(tinyScenario({ faults: [short] }));
    expect(report.attribution.delayed).toBe(0);
    expect(report.advice.map(({ because }) => because)).toEqual([
      "nothing came late, nothing was masked, lost or sent again",
    ]);
    expect(report.dip.timeLostPs).toBe(0);
  });
});

describe("rendering", () => {
  const many = Array.from(
    { length: 9 },
    (_, place): FaultSpec => ({ ...FLAP, name: `f${place}`, targets: [`node1.nic${place % 4}`] }),
  );
  const report = reportOf(tinyScenario({ faults: many }));

  it("fits a terminal, however much went wrong", () => {
    const worst: DrillReport = {
      ...report,
      reasons: Array.from({ length: 30 }, (_, place) => `reason ${place}`),
      advice: Array.from({ length: 9 }, () => ({ change: "c", because: "b" })),
      diagnoses: [],
      reach: { ...report.reach, missingExperts: [1], masked: ["a"], unfinished: ["b"] },
      attribution: {
        ...report.attribution,
        shares: Array.from({ length: 8 }, () => report.attribution.shares[0]),
      },
    };
    const lines = drillText(worst).trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(TEXT_LINES_MAX);
    expect(lines.join("\n")).toContain("and 28 more reasons in report.md");
  });

  it("keeps everything in Markdown, and bars in cells do not break tables", () => {
    const text = drillMarkdown({ ...report, reasons: ["a | b"] });
    for (const part of ["healthy twin", "The dip", "Whose fault", "What to change", "Timeline"]) {
      expect(text).toContain(part);
    }
    const cells = text.split("\n").filter((line) => line.startsWith("| run |"))[0];
    expect(cells.split(" | ")).toHaveLength(5);
  });

  it("says of a blind drill who named what, how right, and when", () => {
    const diagnosis = {
      kind: "nic-down" as const,
      target: "node1.nic0",
      targets: ["node1.nic0"],
      atPs: 2 * PS_PER_MS,
      wallSeconds: 12.5,
      grade: "exact" as const,
      fault: "f0",
      sinceOnsetPs: PS_PER_MS,
    };
    expect(drillText({ ...report, diagnoses: [diagnosis] })).toContain(
      "blind: nic-down on node1.nic0: exact (f0, 1.000 ms after its onset), 12.5 s of wall time",
    );
    expect(drillText({ ...report, diagnoses: [] })).toContain("blind: nobody named a culprit");
    expect(drillText(report)).not.toContain("blind");
  });

  it("draws throughput as bars: a blank for nothing, the highest for healthy", () => {
    expect(bars([0, 1, 50, 99, 100, 140])).toBe(" ▁▅███");
  });
});

describe("the journal", () => {
  const at = 5 * PS_PER_MS;
  const probe = {
    name: "p",
    measure: "ranks_masked",
    arguments: {},
    over: "run" as const,
    unit: "",
    value: 3,
    met: false,
  };
  const report = reportOf(tinyScenario({ faults: [FLAP] }), {
    status: "deviated",
    deviated: true,
    checks: [
      { when: "before", atPs: 0, met: true, probes: [] },
      { when: "during", atPs: at, met: true, probes: [] },
      { when: "after", atPs: at, met: false, probes: [probe] },
    ],
    activities: [
      { name: "a", type: "action", func: "inject", duePs: at, status: "succeeded", fault: FLAP },
    ],
  });

  it("has Chaos Toolkit's keys, and ours under one", () => {
    const journal = chaosJournal(report, { title: "as given" });
    expect(Object.keys(journal)).toEqual([
      "platform",
      "node",
      "experiment",
      "start",
      "end",
      "duration",
      "status",
      "deviated",
      "steady_states",
      "run",
      "rollbacks",
      "faultplane",
    ]);
    expect(journal.experiment).toEqual({ title: "as given" });
    expect(journal.deviated).toBe(true);
    expect(journal.steady_states.before?.steady_state_met).toBe(true);
    expect(journal.steady_states.during).toHaveLength(1);
    expect(journal.steady_states.after).toMatchObject({
      steady_state_met: false,
      probes: [{ output: 3, tolerance_met: false, start: "1970-01-01T00:00:00.005000" }],
    });
    expect(journal.run[0]).toMatchObject({ status: "succeeded", output: { name: "flap" } });
    expect(JSON.parse(JSON.stringify(journal))).toEqual(journal);
  });

  it("writes virtual time as instants since 1970", () => {
    expect(virtualIso(0)).toBe("1970-01-01T00:00:00.000000");
    expect(virtualIso(3_723_000_001 * 1e6)).toBe("1970-01-01T01:02:03.000001");
  });
});

describe("JUnit XML", () => {
  it("escapes what names and reasons hold, and counts failures apart from errors", () => {
    const nasty = `<a b="c">'&'\u0000\u001b`;
    const xml = junitXml(nasty, [
      { name: "good", seconds: 1.5, output: [] },
      { name: "bad", seconds: 0.25, failure: [nasty, "]]>"], output: [nasty] },
      { name: "ugly", seconds: 0, error: ["e"], output: [] },
    ]);
    expect(xml).toContain('tests="3" failures="1" errors="1" time="1.750"');
    const escaped = "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;\ufffd\ufffd";
    expect(xml).toContain(`<failure message="${escaped}">${escaped}\n]]&gt;</failure>`);
    expect(xml).not.toContain("\u0000");
    expect(xml.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/);
  });
});
