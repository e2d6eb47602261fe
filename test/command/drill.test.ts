/**
 * `faultplane drill` end to end: verdicts and exit codes, the run folder and its replay, the twin,
 * attribution, and what stops it.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ChaosJournal } from "../../src/drill/chaos-journal.ts";
import { TEXT_LINES_MAX } from "../../src/drill/drill-text.ts";
import { COMMAND, faultplane, workFolder } from "./command.ts";
import { drillText, FLAP, inject, LOST, LOST_WHEN_DUE, probe } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const FILES = [
  "drill.json",
  "drill.yaml",
  "events.ndjson",
  "journal.ndjson",
  "report.html",
  "report.json",
  "report.md",
  "resolved.json",
  "traffic.ndjson",
];

const flap = inject(FLAP);
writeFileSync(at("flap.yaml"), drillText({ method: flap }));
const journalOf = (name: string): ChaosJournal =>
  JSON.parse(readFileSync(at(name, "drill.json"), "utf8")) as ChaosJournal;

describe("a drill", () => {
  it("reports on one screen, fills its run folder, and replays", async () => {
    const said = await faultplane(folder.path, ["drill", "flap.yaml", "--out", "first"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(readdirSync(at("first")).sort()).toEqual(FILES);
    expect(said.stdout).toContain("verdict: PASS (the drill expects PASS)");
    expect(said.stdout.trimEnd().split("\n").length).toBeLessThanOrEqual(TEXT_LINES_MAX);
    expect(said.stderr).toMatch(/drill {10}action break: inject flap/);
    expect(said.stderr).toContain("node1.nic1     fault flap began: nic-down on node1.nic1");
    expect(readFileSync(at("first", "drill.yaml"))).toEqual(readFileSync(at("flap.yaml")));
    const replay = await faultplane(folder.path, ["replay", "first"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
    expect(replay.stdout).toMatch(/^replay equal: /);
  });

  it("attributes every assignment: what came late is the flap's, by a tick at most", () => {
    const { faultplane: report } = journalOf("first");
    const { attribution } = report;
    const { dispatched, onTime, delayed, problems } = attribution;
    expect(problems).toEqual([]);
    expect(dispatched).toBe(4 * 4 * 3 * 8);
    expect(onTime + delayed).toBe(dispatched);
    const [share] = attribution.shares;
    expect(share.faults).toEqual(["flap"]);
    expect(share.delayed).toBe(delayed);
    expect(share.longestDelayPs / 65.536e6).toBeGreaterThan(0.25);
    expect(share.longestDelayPs / 65.536e6).toBeLessThan(1.05);
  });

  it("compares with a twin that is the run without faults", async () => {
    const scenario = drillText({ method: flap })
      .replace(/leastTraffic[\s\S]*/, "")
      .replace(/[\s\S]*scenario:\n/, "")
      .replace(/^ {2}/gm, "");
    writeFileSync(at("healthy.yaml"), scenario);
    const said = await faultplane(folder.path, ["run", "healthy.yaml", "-q", "--json"]);
    const { digest } = JSON.parse(said.stdout) as { digest: string };
    expect(journalOf("first").faultplane.identity.twinDigest).toBe(digest);
    expect(journalOf("first").faultplane.identity.digest).not.toBe(digest);
  });

  it("--json prints the journal of Chaos Toolkit's layout", async () => {
    const args = ["drill", "flap.yaml", "--json", "-q", "--out", "json"];
    const said = await faultplane(folder.path, args);
    expect(said.stderr).toBe("");
    const journal = JSON.parse(said.stdout) as ChaosJournal;
    expect(journal).toEqual(journalOf("json"));
    expect(journal.status).toBe("completed");
    expect(journal.steady_states.before?.steady_state_met).toBe(true);
    expect(journal.run).toMatchObject([{ status: "succeeded", activity: { name: "break" } }]);
    expect(journal.experiment).toMatchObject({ title: "small drill" });
  });

  it("has the same digest on every placement, and another with another seed", async () => {
    const digestOf = async (name: string, ...args: string[]): Promise<string> => {
      const said = await faultplane(folder.path, ["drill", "flap.yaml", "--out", name, ...args]);
      expect(said.exitCode, said.stderr).toBe(0);
      return journalOf(name).faultplane.identity.digest;
    };
    const { digest } = journalOf("first").faultplane.identity;
    expect(await digestOf("nodes", "--placement", "node")).toBe(digest);
    expect(await digestOf("seed", "--seed", "8")).not.toBe(digest);
  });
});

describe("verdicts", () => {
  const strict = probe("assignments_masked", "0");
  const rows = [
    ["PASS", 0, { method: inject(LOST) }],
    ["FAIL", 1, { method: inject(LOST), hypothesis: strict }],
    ["INVALID", 3, { method: inject(LOST_WHEN_DUE, "1 s") }],
  ] as const;

  it.each(rows)("%s is exit code %i", async (verdict, exitCode, options) => {
    writeFileSync(at(`${verdict}.yaml`), drillText(options));
    const args = ["drill", `${verdict}.yaml`, "-q", "--out", `as-${verdict}`];
    const said = await faultplane(folder.path, args);
    expect(said.exitCode, said.stderr).toBe(exitCode);
    expect(said.stdout).toContain(`verdict: ${verdict} `);
    if (verdict !== "PASS") expect(said.stdout).toContain("because: ");
    expect(journalOf(`as-${verdict}`).faultplane.verdict).toBe(verdict);
  });

  it("--expect is 0 when the verdict is the expected one, else 1", async () => {
    const options = { method: inject(LOST), hypothesis: strict };
    writeFileSync(at("right.yaml"), drillText({ ...options, expects: "FAIL" }));
    writeFileSync(at("wrong.yaml"), drillText(options));
    const run = (file: string) =>
      faultplane(folder.path, ["drill", file, "-q", "--expect", "--out", "e", "--force"]);
    const right = await run("right.yaml");
    expect(right.exitCode, right.stderr).toBe(0);
    const wrong = await run("wrong.yaml");
    expect(wrong.exitCode, wrong.stderr).toBe(1);
    expect(wrong.stdout).toContain("verdict: FAIL (the drill expects PASS: NOT MET)");
  });
});

describe("several faults", () => {
  it("are told apart: each is blamed for what it adds, masks by name", async () => {
    const first = FLAP.replace("flap", "early").replace("node1.nic1", "node0.nic0");
    const method = inject(LOST.replace("layer: 4", "layer: 5"));
    writeFileSync(at("two.yaml"), drillText({ method, faults: `[${first}]` }));
    const said = await faultplane(folder.path, ["drill", "two.yaml", "-q", "--out", "two"]);
    expect(said.stdout, said.stderr).toContain("verdict: ");
    const { attribution, assignments } = journalOf("two").faultplane;
    expect(attribution.problems).toEqual([]);
    const [early, lost] = attribution.shares;
    expect(early).toMatchObject({ faults: ["early"], masked: 0 });
    expect(lost).toMatchObject({ faults: ["lost-nic"], masked: assignments.masked });
    expect(assignments.masked).toBeGreaterThan(0);
    expect(early.longestDelayPs).toBeGreaterThan(0);
    expect(lost.longestDelayPs).toBeGreaterThan(early.longestDelayPs);
    expect(early.delayed + lost.delayed).toBe(attribution.delayed);
  });

  it("ended by a rollback replay like the drill, and their end is in the report", async () => {
    const heal =
      "rollbacks:\n  - {type: action, name: mend, " +
      "provider: {type: faultplane, func: heal, arguments: {fault: lost-nic}}}\n" +
      "runtime: {rollbacks: {strategy: always}}\n";
    writeFileSync(at("undone.yaml"), drillText({ method: inject(LOST) + heal }));
    const said = await faultplane(folder.path, ["drill", "undone.yaml", "-q", "--out", "undone"]);
    expect(said.stdout, said.stderr).toContain("verdict: ");
    const journal = journalOf("undone");
    expect(journal.rollbacks).toMatchObject([{ activity: { name: "mend" } }]);
    const replay = await faultplane(folder.path, ["replay", "undone"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });
});

describe("a drill is refused", () => {
  it("with its problems, before anything is created", async () => {
    writeFileSync(at("bad.yaml"), drillText({ method: flap }).replace("nic-down", "nic-dwon"));
    const said = await faultplane(folder.path, ["drill", "bad.yaml", "--out", "never"]);
    expect(said.exitCode).toBe(78);
    expect(said.stderr).toMatch(/^error\[E0\d\d\] bad\.yaml:\d+:\d+ .*nic-dwon/);
    expect(existsSync(at("never"))).toBe(false);
  });

  it("when the file is not there", async () => {
    const said = await faultplane(folder.path, ["drill", "gone.yaml"]);
    expect(said.exitCode).toBe(66);
    expect(said.stderr).toContain("error[E001] cannot read drill file 'gone.yaml'");
  });

  it("when a fault would reach further than --max-blast allows", async () => {
    const args = ["drill", "flap.yaml", "--max-blast", "10", "--out", "never"];
    const said = await faultplane(folder.path, args);
    expect(said.exitCode).toBeGreaterThan(0);
    expect(said.stderr).toContain("flap.yaml");
    expect(existsSync(at("never"))).toBe(false);
  });
});

describe("Ctrl-C", () => {
  it("ends it after its window: INVALID, exit 130, and it replays", async () => {
    writeFileSync(at("long.yaml"), drillText({ method: flap, layers: "3-30" }));
    const args = [COMMAND, "drill", "long.yaml", "--out", "cut", "--speed", "0.002"];
    const child = spawn(process.execPath, args, {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let sent = false;
    child.stdout.on("data", (text) => {
      stdout += String(text);
    });
    child.stderr.on("data", (text) => {
      stderr += String(text);
      if (sent || !stderr.includes("1/28 done")) return;
      sent = true;
      child.kill("SIGINT");
    });
    const exitCode = await new Promise((done) => child.on("close", done));
    expect(exitCode, stderr).toBe(130);
    expect(stdout).toContain("verdict: INVALID");
    expect(journalOf("cut").status).toBe("interrupted");
    const replay = await faultplane(folder.path, ["replay", "cut"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });
});
