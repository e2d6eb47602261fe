/**
 * What a drill's report says of runs that are easily told wrongly: short ones, cut ones, those with
 * several faults, and those that were over before their rollbacks.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { clockWords } from "../../src/drill/clocks.ts";
import type { DrillReport } from "../../src/drill/drill-report.ts";
import { attributionTable, comparisonTable } from "../../src/drill/drill-tables.ts";
import { drillMarkdown, drillText } from "../../src/drill/drill-text.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { reportOf } from "./reports.ts";

const TICK_PS = ackTimeoutPs(10);
const DOWN: FaultSpec = {
  name: "down",
  kind: "nic-down",
  targets: ["node1.nic0"],
  atPs: 20 * PS_PER_US,
};

describe("the dip", () => {
  it("is none where the run goes as its twin does, however coarsely layers are counted", () => {
    const fault: FaultSpec = { ...DOWN, kind: "silent-corruption", targets: ["node1.gpu0"] };
    const faults = [{ ...fault, parameters: { flipsPerMillion: 100_000 } }];
    for (let steps = 1; steps <= 12; steps += 1) {
      const { dip } = reportOf(tinyScenario({ workload: { steps }, faults }));
      expect(dip.percent).toEqual(dip.healthyPercent);
      expect(dip).toMatchObject({ depthPercent: 0, lengthPs: 0, timeLostPs: 0 });
    }
  });

  it("has a threshold below what one layer more or less in a slice makes", () => {
    const slow: FaultSpec = { ...DOWN, kind: "slow-gpu", targets: ["node1.gpu0"] };
    // A tenth slower: the counts of slices shift by a layer here and there, and no more.
    const faults = [{ ...slow, parameters: { slowdown: 1.1 } }];
    const { dip } = reportOf(tinyScenario({ workload: { steps: 10 }, faults }));
    expect(dip.timeLostPs).toBeGreaterThan(0);
    expect(Math.min(...dip.percent)).toBeLessThan(90);
    expect(dip.thresholdPercent).toBeLessThan(75);
    expect(dip.lengthPs).toBe(0);
  });
});

describe("a run that was cut", () => {
  const cutAtPs = 50 * PS_PER_MS;
  // The RC clock runs longer than the run: nothing happens after the NIC has gone.
  const transport = { ackTimeoutExponent: 20, retryCount: 7, waitTimeoutPs: 1e15 };
  const scenario = tinyScenario({ faults: [DOWN], transport, run: { timeLimitPs: cutAtPs } });
  const report = reportOf(scenario, { endPs: cutAtPs });

  it("lasted until it was cut, stalled as it was", () => {
    expect(report.cutAtPs).toBe(cutAtPs);
    expect(report.comparison.find(({ name }) => name === "run")?.faulted).toBe(cutAtPs);
    expect(report.dip.depthPercent).toBe(100);
    expect(report.dip.lengthPs / cutAtPs).toBeGreaterThan(0.9);
    const text = drillText(report);
    expect(text).toMatch(/the run was cut at 50\.000 ms; its twin took \d/);
    expect(text).not.toMatch(/longer than its twin/);
  });

  it("is compared in rates only", () => {
    const { rows } = comparisonTable(report);
    const change = new Map(rows.map(([name, , , cell]) => [name, cell]));
    for (const name of ["run", "layer, p99", "combined", "ranks finished", "masked"]) {
      expect(change.get(name)).toBe("cut");
    }
    expect(change.get("tokens a second")).toMatch(/^-(?:9\d|100)\.\d %$/);
  });
});

it("a run that was shorter than its twin took less, not longer by a negative time", () => {
  const report = reportOf(tinyScenario({ faults: [DOWN] }));
  const short: DrillReport = { ...report, dip: { ...report.dip, timeLostPs: -2 * PS_PER_MS } };
  expect(drillText(short)).toContain("the run was 2.000 ms shorter than its twin");
});

it("a run that stood still between its steps says that their times do not tell of it", () => {
  const dead: FaultSpec = { ...DOWN, kind: "gpu-dead", targets: ["node1.gpu1"] };
  const transport = { ...tinyScenario().transport, waitTimeoutPs: 100 * PS_PER_MS };
  const recovery = { onSilence: "trap", controller: "restart", controllerDelayPs: 1e12 } as const;
  const report = reportOf(tinyScenario({ transport, recovery, faults: [dead] }));
  const words =
    /step times are of steps that were completed, from their last begin; about 1\.\d+ s/i;
  expect(drillText(report)).toMatch(words);
  expect(drillMarkdown(report)).toMatch(words);
  const slow: FaultSpec = { ...DOWN, kind: "slow-gpu", targets: ["node1.gpu1"], atPs: 0 };
  const all = reportOf(tinyScenario({ faults: [{ ...slow, parameters: { slowdown: 3 } }] }));
  expect(drillText(all)).not.toMatch(/step times are/);
});

describe("several faults", () => {
  const scenario = tinyScenario({ workload: { steps: 4 } });
  const outage = (name: string, atPs: number, healAtPs: number, target: string): FaultSpec => ({
    ...DOWN,
    name,
    targets: [target],
    atPs,
    healAtPs,
  });
  const early = outage("early", 20 * PS_PER_US, 400 * PS_PER_US, "node1.nic0");
  const late = outage("late", TICK_PS / 2, TICK_PS / 2 + 100 * PS_PER_US, "node0.nic2");

  it("have clocks of their own; the terminal shows the worst, and whose it is", () => {
    const { clocks } = reportOf({ ...scenario, faults: [early, late] });
    const detect = clocks.filter(({ name }) => name === "time to detect");
    expect(detect.map(({ fault }) => fault)).toEqual(["early", "late"]);
    expect((detect[0].spanPs ?? 0) / TICK_PS).toBeCloseTo(1, 1);
    const words = clockWords(clocks);
    expect(words).toHaveLength(4);
    expect(words[1]).toBe("time to locate never (early, late)");
    const one = reportOf({ ...scenario, faults: [early] }).clocks;
    expect(clockWords(one)[1]).toBe("time to locate never");
  });

  it("are worst where one of them never was", () => {
    const about = "";
    expect(
      clockWords([
        { name: "a", about, fault: "x", spanPs: PS_PER_MS },
        { name: "a", about, fault: "y", spanPs: 2 * PS_PER_MS },
        { name: "b", about, fault: "x" },
        { name: "b", about, fault: "y", spanPs: PS_PER_MS },
      ]),
    ).toEqual(["a 2.000 ms (y)", "b never (x)"]);
  });

  it("of one group are all named in the report, and the first ones in a terminal", () => {
    const names = Array.from({ length: 6 }, (_, place) => `f${place}`);
    const faults = names.map((name) => ({ ...early, name }));
    const report = reportOf({ ...scenario, faults });
    expect(drillMarkdown(report)).toContain(`| ${names.join(", ")} |`);
    expect(drillText(report)).toContain("f0, f1, f2 and 3 more");
  });

  it("have a column for what each added to delays that others made longer", () => {
    const report = reportOf({ ...scenario, faults: [early] });
    const [share] = report.attribution.shares;
    expect(attributionTable(report).heads).not.toContain("partly");
    const shares = [share, { ...share, faults: ["other"], delayed: 0, partly: 7 }];
    const table = attributionTable({ ...report, attribution: { ...report.attribution, shares } });
    const partly = table.heads.indexOf("partly");
    expect(table.rows.map((row) => row[partly])).toEqual(["0", "7"]);
  });
});

it("rollbacks that never came are told, in the terminal and in report.md", () => {
  const report = reportOf(tinyScenario({ faults: [DOWN] }), {
    rollbacks: [
      { name: "mend", type: "action", func: "heal", duePs: 90 * PS_PER_MS, status: "never-due" },
    ],
    endPs: 20 * PS_PER_MS,
  });
  const said = "ollback 'mend' never came: due at 90.000 ms, and the run was over at 20.000 ms";
  expect(drillText(report)).toContain(`note: r${said}`);
  expect(drillMarkdown(report)).toContain(`R${said}.`);
});
