/**
 * The report of a drill says what was measured: the run beside its twin, the dip, the reach, and
 * advice that follows from signs that were seen. Its journal has Chaos Toolkit's layout.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { chaosJournal, virtualIso } from "../../src/drill/chaos-journal.ts";
import type { DrillReport } from "../../src/drill/drill-report.ts";
import { bars } from "../../src/drill/drill-tables.ts";
import { drillMarkdown, drillText, TEXT_LINES_MAX } from "../../src/drill/drill-text.ts";
import { junitXml } from "../../src/drill/junit.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { reportOf } from "./reports.ts";

const TICK_PS = ackTimeoutPs(10);
const ONSET_PS = 3 * PS_PER_US;
const FLAP: FaultSpec = {
  name: "flap",
  kind: "nic-down",
  targets: ["node1.nic0"],
  atPs: ONSET_PS,
  healAtPs: 400 * PS_PER_US,
};

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
    // Without that NIC neither node reaches the GPU on plane 0 of the other one: four of the seven
    // others give each of the two up. All else is between one of those two and the other node.
    expect(report.reach).toMatchObject({
      ranks: 8,
      masked: ["node0.gpu0", "node1.gpu0"],
      givenUpPairwise: [0, 1].flatMap((node) => [1, 2, 3].map((gpu) => `node${node}.gpu${gpu}`)),
      maskers: 8,
    });
    expect(drillMarkdown(report)).toContain(
      "- masked at some time: node0.gpu0, node1.gpu0\n- given up pairwise: node0.gpu1, node0.gpu2,",
    );
    const [first] = report.advice.filter(({ because }) => because.includes("ACK timeouts"));
    expect(first.change).toContain("recovery.failover: nvlink");
    expect(first.because).toContain("only after 4 ACK timeouts, 16.777 ms");
    // Each of the 8 ranks holds 2 of the 16 experts, and there are no replicas.
    expect(report.reach.missingExperts).toEqual([0, 1, 8, 9]);
    const [second] = report.advice.filter(({ change }) => change.includes("experts.redundant"));
    expect(second.because).toMatch(
      /went without experts 0, 1, 8, 9: some rank could reach no replica/,
    );
  });

  it("blames the wait alone where the transport saw nothing", () => {
    const whole = tinyScenario();
    const transport = { ...whole.transport, waitTimeoutPs: 100 * PS_PER_MS };
    const because = (fault: FaultSpec): string[] => {
      const { advice } = reportOf(tinyScenario({ transport, faults: [fault] }));
      return advice.map((one) => one.because);
    };
    const [silent] = because({ ...lost, kind: "gpu-dead", targets: ["node1.gpu0"] });
    expect(silent).toContain("no queue pair failed; ranks waited 100.000 ms");
    // The NICs of a dead node answer nothing, but some ranks had sent it all that they had.
    const [waited, retried] = because({
      ...lost,
      kind: "node-crash",
      targets: ["node1"],
      atPs: 18 * PS_PER_US,
    });
    expect(waited).toContain(
      "the transport did not tell every rank in time; ranks waited 100.000 ms",
    );
    expect(retried).toContain("only after 4 ACK timeouts");
  });

  it("sends nobody to other planes for what broke inside a node", () => {
    const waitTimeoutPs = 100 * PS_PER_MS;
    const transport = { ...tinyScenario().transport, waitTimeoutPs };
    const changes = (target: string): string => {
      const faults: FaultSpec[] = [{ ...lost, kind: "switch-down", targets: [target] }];
      const { advice, attribution } = reportOf(tinyScenario({ transport, faults }));
      expect(attribution.masked).toBeGreaterThan(0);
      return advice.map(({ change }) => change).join("\n");
    };
    expect(changes("plane0.leaf0")).toContain("cluster.nicPorts: multi-port");
    expect(changes("node1.nvswitch")).not.toMatch(/multi-port|failover/);
  });

  it("mends a slow link, and drains nobody who only stands at its ends", () => {
    const changes = (kind: "slow-link" | "slow-gpu", target: string): string => {
      const slow = { ...lost, kind, targets: [target], atPs: 0, parameters: { slowdown: 8 } };
      const cluster = { nodes: 8, gpusPerNode: 2, planes: 2, switchPorts: 4 };
      const { advice } = reportOf(
        tinyScenario({ cluster, workload: { epSize: 16 }, faults: [slow] }),
      );
      return advice.map(({ change }) => change).join("\n");
    };
    const between = changes("slow-link", "plane0.leaf0--plane0.spine0");
    expect(between).toContain("reroute around the slow link and replace its cable");
    expect(between).not.toContain("drain");
    expect(changes("slow-link", "node1.nic0--plane0.leaf0")).toContain("replace the slow link's");
    expect(changes("slow-gpu", "node1.gpu0")).toContain("drain the slow rank");
  });

  it("points at the controller's clock where one restarted, and not at the transport's", () => {
    const dead: FaultSpec = { ...lost, kind: "gpu-dead", targets: ["node1.gpu1"] };
    const transport = { ...tinyScenario().transport, waitTimeoutPs: 100 * PS_PER_MS };
    const changes = (controller: "none" | "restart"): string[] => {
      const recovery = { onSilence: "trap", controller, controllerDelayPs: 1e12 } as const;
      return reportOf(tinyScenario({ transport, recovery, faults: [dead] })).advice.map(
        ({ change, because }) => `${change}: ${because}`,
      );
    };
    const restarted = changes("restart");
    expect(restarted[0]).toMatch(/^a shorter recovery\.controllerDelay.* acted 1\.000 s after/);
    expect(restarted.at(-1)).toContain("or with the step that began again");
    expect(restarted.join()).not.toMatch(/onSilence: mask|ackTimeoutExponent/);
    const short = tinyScenario({
      ...{ transport, faults: [dead], workload: { steps: 2 } },
      recovery: { controller: "remap", controllerDelayPs: 1e12 },
    });
    const tooShort = reportOf(short).advice.map(({ because }) => because);
    expect(tooShort.join()).toMatch(/the run was over, at .*, before the controller had decided/);
    expect(changes("none").join()).toContain("recovery.onSilence: mask");
    expect(changes("none").join()).not.toContain("controllerDelay");
  });

  it("has no clocks without a fault: what an operator masks is none", () => {
    const masked = { ...lost, kind: "masked" as const, targets: ["node1.gpu0"] };
    const report = reportOf(tinyScenario({ faults: [masked] }));
    expect(report.attribution.masked).toBeGreaterThan(0);
    expect(report.clocks).toEqual([]);
    expect(drillText(report)).not.toContain("never");
  });

  it("gives every time in whole ps", () => {
    const { clocks, comparison } = reportOf(
      tinyScenario({ faults: [{ ...lost, atPs: 3_000_001 }] }),
    );
    const spans = clocks.flatMap(({ spanPs }) => spanPs ?? []);
    for (const { unit, healthy, faulted } of comparison) {
      if (unit === "ps") spans.push(healthy ?? 0, faulted ?? 0);
    }
    expect(spans.length).toBeGreaterThan(10);
    expect(spans.filter((spanPs) => !Number.isInteger(spanPs))).toEqual([]);
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

  it("spells out in Markdown what would disturb whoever shows it", () => {
    const nasty = "a\u001b[31m\u202eb\nc";
    const text = drillMarkdown({ ...report, title: nasty, description: nasty, reasons: [nasty] });
    const spelt = "a\\u001b[31m\\u202eb";
    expect(text).toContain(`# ${spelt}\\u000ac\n\n${spelt}\nc\n`);
    expect(text).toContain(`- ${spelt}\\u000ac\n`);
    expect(text).not.toMatch(/[^\n\P{Cc}]|\u202e/u);
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
    // Of several the best is on the screen, and all are in Markdown.
    const wrong = { ...diagnosis, target: "node0.nic0", grade: "wrong" as const };
    const several = { ...report, diagnoses: [wrong, diagnosis, wrong] };
    expect(drillText(several)).toMatch(/blind: nic-down on node1\.nic0: .*; attempt 2 of 3\n/);
    expect(drillText(several)).not.toContain("node0.nic0: wrong");
    expect(drillMarkdown(several).match(/^- blind: /gm)).toHaveLength(3);
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
    // Chaos Toolkit has no status for it.
    expect(journal.status).toBe("failed");
    expect(journal.faultplane.record.status).toBe("deviated");
    expect(journal.steady_states.before?.steady_state_met).toBe(true);
    expect(journal.steady_states.during).toHaveLength(1);
    expect(journal.steady_states.after).toMatchObject({
      steady_state_met: false,
      probes: [{ output: 3, tolerance_met: false, start: "1970-01-01T00:00:00.005000" }],
    });
    expect(journal.run[0]).toMatchObject({ status: "succeeded", output: { name: "flap" } });
    expect(JSON.parse(JSON.stringify(journal))).toEqual(journal);
  });

  it("shows activities as the file has them, and tolerances in Chaos Toolkit's words", () => {
    const provider = { type: "faultplane", func: "inject", arguments: { kind: "nic-down" } };
    const action = { type: "action", name: "a", provider, pauses: { before: "5 ms" } };
    const method = [action];
    const { run } = chaosJournal(report, { method });
    expect(run[0].activity).toEqual(action);
    // What was resolved without the file at hand, or under another name, is told in our words.
    const other = chaosJournal(report, { method: [{ ...action, name: "b" }] });
    expect(other.run[0].activity).toEqual({
      type: "action",
      name: "a",
      provider: { type: "faultplane", func: "inject" },
    });
    for (const [tolerance, told] of [
      [{ type: "exactly", value: 0 }, 0],
      [
        { type: "range", least: 1, most: 2 },
        { type: "range", range: [1, 2] },
      ],
    ] as const) {
      const check = {
        when: "after" as const,
        atPs: at,
        met: false,
        probes: [{ ...probe, tolerance }],
      };
      const judged = { ...report, record: { ...report.record, checks: [check] } };
      const [shown] = chaosJournal(judged, {}).steady_states.after?.probes ?? [];
      expect(shown.activity.tolerance).toEqual(told);
    }
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
      { name: "late", seconds: 0, skipped: "stopped", output: [] },
    ]);
    expect(xml).toContain('tests="4" failures="1" errors="1" skipped="1" time="1.750"');
    const escaped = "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;\ufffd\ufffd";
    expect(xml).toContain(`<failure message="${escaped}">${escaped}\n]]&gt;</failure>`);
    expect(xml).toContain('name="late" time="0.000">\n      <skipped message="stopped"/>');
    expect(xml).not.toContain("\u0000");
    expect(xml.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/);
  });
});
