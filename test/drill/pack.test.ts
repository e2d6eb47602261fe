/**
 * The drill pack: every file is whole and says what it teaches and expects, numbers are unique, and
 * some cheap ones give their verdict and one digest under two placements.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadDrill } from "../../scripts/commands/load-drill.ts";
import type { Drill } from "../../src/drill/drill.ts";
import { runDrill } from "./drills.ts";
import { drillOf } from "./reading.ts";

const FOLDER = new URL("../../drills/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.startsWith("drill-"));

const textOf = (file: string): string => readFileSync(new URL(file, FOLDER), "utf8");

/** A drill with its moments as instants, as the command runs it. */
function ready(file: string): Drill {
  return loadDrill(fileURLToPath(new URL(file, FOLDER))).drill;
}

describe("the drill pack", () => {
  it("has at least 18 drills of unique numbers, three that fail and one that cannot say", () => {
    const numbers = FILES.map((name) => /^drill-(\d\d[a-z]?)-[a-z0-9-]+\.yaml$/.exec(name)?.[1]);
    expect(numbers).not.toContain(undefined);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThanOrEqual(18);
    const expected = FILES.map((file) => drillOf(textOf(file)).expects);
    expect(expected.filter((verdict) => verdict === "FAIL").length).toBeGreaterThanOrEqual(3);
    expect(expected.filter((verdict) => verdict === "INVALID").length).toBeGreaterThanOrEqual(1);
  });

  it("is listed in docs/drills.md, each with what it expects", () => {
    const docs = readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8");
    for (const file of FILES) {
      const stem = file.replace(/\.yaml$/, "");
      const row = docs.split("\n").find((line) => line.includes(`(../drills/${stem}.yaml)`));
      expect(row, stem).toBeDefined();
      expect(row, stem).toContain(`| ${drillOf(textOf(file)).expects} |`);
    }
  });
});

describe.each(FILES)("%s", (file) => {
  const drill = drillOf(textOf(file));

  it("says what it teaches and expects, and when it is over", () => {
    expect(textOf(file)).toMatch(/^# /);
    expect(drill.title.length).toBeGreaterThan(10);
    expect(drill.description.length).toBeGreaterThan(60);
    expect(drill.expects).toBeDefined();
    expect(drill.tags.length).toBeGreaterThan(0);
    // Two restarts of the published length come on top where there is one.
    const { controller, controllerDelayPs } = drill.scenario.recovery;
    const restartsPs = controller === "none" ? 0 : 2 * controllerDelayPs;
    expect(drill.stop.afterPs).toBeLessThanOrEqual(60e12 + restartsPs);
  });

  it("has a hypothesis that can fail, and breaks something", () => {
    const probes = drill.hypothesis?.probes ?? [];
    expect(probes.length).toBeGreaterThan(0);
    for (const { tolerance } of probes) {
      if (tolerance?.type !== "range") continue;
      // A range of more than a factor of five says little.
      expect(tolerance.least).toBeGreaterThan(0);
      expect(tolerance.most / tolerance.least).toBeLessThanOrEqual(5);
    }
    const acts = drill.method.flatMap((item) => (item.type === "action" ? [item.act.func] : []));
    expect(acts).toContain("inject");
  });
});

describe("cheap drills of the pack", () => {
  it.each([
    "drill-07-flapping-port.yaml",
    "drill-11-one-way-loss.yaml",
    "drill-24-fault-too-late.yaml",
  ])("%s ends as it expects, with one digest under two placements", (file) => {
    const drill = ready(file);
    const single = runDrill(drill, "single");
    const nodes = runDrill(drill, "node");
    expect(single.judgement.verdict, single.judgement.reasons.join("; ")).toBe(drill.expects);
    expect(nodes.judgement).toEqual(single.judgement);
    expect(nodes.result.digest).toBe(single.result.digest);
  });
});
