/**
 * The report of whole runs: its figures are those of the event log, in JSON, in the terminal and in
 * Markdown; and what it says when a worker process is lost.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RunReport } from "../../cluster/report.ts";
import { descendantsOf } from "../process/child-processes.ts";
import { COMMAND, faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);

const healthy = readFileSync(at("small.yaml"), "utf8").replace(/faults:\n.*\n/, "");

/** Runs the healthy scenario with another workload; its report, what it printed, and its facts. */
async function runWith(name: string, workload: string) {
  writeFileSync(at(`${name}.yaml`), healthy.replace(/workload: .*/, `workload: {${workload}}`));
  const said = await faultplane(folder.path, ["run", `${name}.yaml`, "-q", "--out", name]);
  expect(said.exitCode, said.stderr + said.stdout).toBe(0);
  const report: RunReport = JSON.parse(readFileSync(at(name, "report.json"), "utf8"));
  const lines = readFileSync(at(name, "events.ndjson"), "utf8").trimEnd().split("\n");
  const facts: { fact: string; durationPs: number; virtualTimePs: number }[] = lines.map((line) =>
    JSON.parse(line),
  );
  const durations = (fact: string): number[] =>
    facts
      .filter((line) => line.fact === fact)
      .map(({ durationPs }) => durationPs)
      .sort((left, right) => left - right);
  const markdown = readFileSync(at(name, "report.md"), "utf8");
  return { report, durations, stdout: said.stdout, markdown };
}

describe("the report of a healthy run", () => {
  it("has steps and all-to-alls of the event log, with what they are made of", async () => {
    const run = await runWith(
      "decode",
      "tokensPerGpu: 4, steps: 3, layers: 3-5, microBatches: 2, acceptedTokensPerStep: 1.6",
    );
    const { report, durations, stdout, markdown } = run;
    const steps = durations("step.completed");
    expect(steps).toHaveLength(4 * 3);
    const meanPs = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    expect(report.steps).toEqual({
      samples: 12,
      meanPs,
      worstPs: steps[11],
      tpotPs: meanPs / 1.6,
      tokensPerSecondPerGpu: (4 * 2 * 1.6 * 1e12) / meanPs,
    });
    for (const name of ["dispatch", "combine"] as const) {
      const sorted = durations(`${name}.completed`);
      expect(sorted).toHaveLength(4 * 3 * 3 * 2);
      expect(report.allToAll?.[name]).toEqual({
        samples: 72,
        p50Ps: sorted[35],
        p99Ps: sorted[71],
        worstPs: sorted[71],
      });
    }
    // Four GPUs in step: the cluster's rate is about four times that of one.
    const ratio = (report.tokensPerSecond ?? 0) / (report.steps?.tokensPerSecondPerGpu ?? 1);
    expect(ratio).toBeGreaterThan(3.8);
    expect(ratio).toBeLessThanOrEqual(4.001);
    for (const text of [stdout, markdown]) {
      expect(text).toContain("mean over 12 steps of ranks, 3 of 61 layers");
      expect(text).toContain("mean step time / 1.6 accepted tokens (multi-token prediction)");
      expect(text).toContain("4 tokens x 2 micro-batches x 1.6 accepted / mean step time");
      expect(text).toContain("first copy sent to last received, 72 samples");
      expect(text).toContain("first result sent to last received, 72 samples");
    }
    expect(markdown).toMatch(/\| time per output token \| [\d.]+ [mu]s \|/);
  });

  it("of training has the tokens trained, once for both passes", async () => {
    const workload = "phase: training, tokensPerGpu: 16, layers: 3-5";
    const { report, stdout } = await runWith("training", workload);
    expect(report.steps).not.toHaveProperty("tpotPs");
    const meanPs = report.steps?.meanPs ?? 0;
    expect(report.steps?.tokensPerSecondPerGpu).toBe((16 * 1e12) / meanPs);
    expect(stdout).toMatch(/one GPU, trained +[\d,]+ tokens\/s {2}16 tokens \/ mean step time\n/);
    const ratio = (report.tokensPerSecond ?? 0) / (16e12 / meanPs);
    expect(ratio).toBeGreaterThan(3.6);
    expect(ratio).toBeLessThanOrEqual(4.001);
  });

  it("of exchanges alone has their times and no rates", async () => {
    const workload = "phase: all-to-all, tokensPerGpu: 16, layers: 3-5";
    const { report, stdout } = await runWith("exchanges", workload);
    for (const key of ["steps", "stepTimeNs", "tokensPerSecond"]) {
      expect(report).not.toHaveProperty(key);
    }
    expect(report.allToAll?.dispatch.samples).toBe(12);
    expect(report.allToAll?.combine?.worstPs).toBeGreaterThan(0);
    expect(stdout).not.toContain("tokens/s");
  });
});

describe("the report of a run whose results a fault corrupted", () => {
  const fault = (healAfter: string): string =>
    `{name: flips, kind: silent-corruption, target: node0.gpu1, at: 0 s, healAfter: ${healAfter}}`;

  it("passes, and says plainly how many nobody noticed", async () => {
    writeFileSync(at("flips.yaml"), `${healthy}faults: [${fault("1 s")}]\n`);
    const said = await faultplane(folder.path, ["run", "flips.yaml", "-q", "--out", "flips"]);
    expect(said.exitCode, said.stderr + said.stdout).toBe(0);
    const report: RunReport = JSON.parse(readFileSync(at("flips", "report.json"), "utf8"));
    const wrong = readFileSync(at("flips", "events.ndjson"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"fact":"combine.mismatched"'));
    expect(wrong.length).toBeGreaterThan(0);
    expect(report).toMatchObject({ verdict: "PASS", corrupted: wrong.length, mismatches: 0 });
    const results = `${wrong.length} combined result${wrong.length === 1 ? "" : "s"}`;
    const sentence = `a fault corrupted ${results}, and nobody in the fleet noticed\n`;
    expect(said.stdout).toContain(`verdict: PASS\n  ${sentence}`);
    expect(said.stdout).not.toContain("every combine is right");
    expect(said.stdout).toMatch(new RegExp(` {4}wrong and unseen +${wrong.length} {2}results `));
    expect(readFileSync(at("flips", "report.md"), "utf8")).toContain(`- ${sentence}`);
    const replay = await faultplane(folder.path, ["replay", "flips"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });
});

describe("the report of a run that was cut short", () => {
  it("counts the assignments that it did not get to, as JSON, too", async () => {
    const whole = await faultplane(folder.path, ["run", "small.yaml", "-q", "--json"]);
    expect(JSON.parse(whole.stdout).open).toBe(0);
    writeFileSync(
      at("cut.yaml"),
      healthy.replace("placement: single", "placement: single, timeLimit: 150 us"),
    );
    const said = await faultplane(folder.path, ["run", "cut.yaml", "-q", "--out", "cut"]);
    expect(said.exitCode, said.stderr).toBe(4);
    const report: RunReport = JSON.parse(readFileSync(at("cut", "report.json"), "utf8"));
    const { dispatched, combined, masked, lost } = report.assignments;
    expect(report.open).toBe(dispatched - combined - masked - lost);
    expect(report.open).toBeGreaterThan(0);
    expect(said.stdout).toMatch(new RegExp(`\\+ still open +${report.open} {2}the run did not`));
  });
});

describe("the report of a run that lost a worker and its replacements", () => {
  it("has the assignments of completed layers, and says that the rest is unknown", async () => {
    writeFileSync(
      at("long.yaml"),
      healthy.replace("3-5", "3-60").replace("placement: single", "placement: node"),
    );
    const args = [COMMAND, "run", "long.yaml", "--out", "lost", "--speed", "0.005"];
    const child = spawn(process.execPath, args, { cwd: folder.path });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => {
      stdout += String(text);
    });
    child.stderr.on("data", (text) => {
      const hasBegun = stderr.includes("layer 4, 2/58 done");
      stderr += String(text);
      if (!stderr.includes("layer 4, 2/58 done")) return;
      if (hasBegun && !String(text).includes("worker-replaced")) return;
      // The agent is the first child; workers are below it, the last replacement behind all others.
      const below = descendantsOf(child.pid ?? 0).sort((left, right) => left - right);
      process.kill(below.at(-1) ?? 0, "SIGKILL");
    });
    const exitCode = await new Promise<number | null>((done) => child.on("close", done));
    expect([exitCode, stdout], stderr).toEqual([3, expect.stringContaining("verdict: INVALID")]);
    const report: RunReport = JSON.parse(readFileSync(at("lost", "report.json"), "utf8"));
    expect([report.end, report.totals]).toEqual(["worker-lost", "completed-layers"]);
    const lines = readFileSync(at("lost", "events.ndjson"), "utf8").trimEnd().split("\n");
    const combined = lines
      .map((line) => JSON.parse(line))
      .filter(({ fact }) => fact === "combine.completed")
      .reduce((sum: number, fact) => sum + fact.combined, 0);
    expect(combined).toBeGreaterThanOrEqual(2 * 4 * 4 * 8);
    expect(report.assignments).toEqual({ dispatched: combined, combined, masked: 0, lost: 0 });
    expect(report).not.toHaveProperty("open");
    expect(stdout).toContain("of completed layers, up to the last committed window\n");
    expect(stdout).toMatch(/\+ lost, still open +unknown {2}a worker was lost: nobody was left/);
    const journal = readFileSync(at("lost", "journal.ndjson"), "utf8").trimEnd().split("\n");
    expect(JSON.parse(journal.at(-1) ?? "")).toMatchObject({
      end: "worker-lost",
      assignments: report.assignments,
    });
    const replay = await faultplane(folder.path, ["replay", "lost"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });
});
