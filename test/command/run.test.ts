/**
 * `faultplane run` end to end: the run folder, the streams, what stops it, and what it leaves
 * behind.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMMAND, faultplane, program, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const FILES = [
  "events.ndjson",
  "journal.ndjson",
  "report.html",
  "report.json",
  "report.md",
  "resolved.json",
  "scenario.yaml",
  "traffic.ndjson",
];

const long = readFileSync(at("small.yaml"), "utf8").replace("3-5", "3-30");
writeFileSync(at("long.yaml"), long);

describe("a run", () => {
  it("fills a private run folder and reports on stdout", async () => {
    const said = await faultplane(folder.path, ["run", "small.yaml", "--out", "first"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(readdirSync(at("first")).sort()).toEqual(FILES);
    expect(statSync(at("first")).mode & 0o777).toBe(0o700);
    for (const name of FILES) expect(statSync(at("first", name)).mode & 0o777).toBe(0o600);
    expect(said.stdout).toContain("verdict: PASS");
    expect(said.stderr).toContain("node1.nic1     fault lost-nic began: nic-down on node1.nic1");
    expect(said.stdout + said.stderr).not.toContain("\u001b");
    expect(readFileSync(at("first", "scenario.yaml"))).toEqual(readFileSync(at("small.yaml")));
  });

  it("--xid-log writes what the kernels would; trouble with it is a warning", async () => {
    const run = ["run", "small.yaml", "-q"];
    const said = await faultplane(folder.path, [...run, "--out", "x", "--xid-log", "kernel.log"]);
    expect([said.exitCode, said.stderr]).toEqual([0, ""]);
    const text = readFileSync(at("kernel.log"), "utf8");
    expect(text).toMatch(
      /^\S+Z node1 faultplane: \[ {4}0\.000100\] mlx5_core 0000:42:00\.0 mlx5_1: Port: 1 Link DOWN \(emulated\)\n$/,
    );
    const bad = await faultplane(folder.path, [...run, "--out", "y", "--xid-log", "none/k.log"]);
    expect([bad.exitCode, bad.stderr]).toEqual([
      0,
      "warning: kernel lines do not get through (ENOENT); the run goes on without them\n",
    ]);
  });

  it("--json prints exactly the object of report.json", async () => {
    const said = await faultplane(folder.path, ["run", "small.yaml", "--json", "-q", "--out", "j"]);
    expect(said.stderr).toBe("");
    expect(said.stdout.split("\n")).toHaveLength(2);
    const report = JSON.parse(said.stdout);
    expect(report).toEqual(JSON.parse(readFileSync(at("j", "report.json"), "utf8")));
    const { dispatched, combined, masked, lost } = report.assignments;
    expect(dispatched).toBe(4 * 4 * 3 * 8);
    expect(combined + masked + lost).toBe(dispatched);
    expect(report.runDir).toBe(at("j"));
    expect(report.processes).toBe(1);
  });

  it("writes facts in virtual-time order with nothing of the host", async () => {
    const lines = readFileSync(at("first", "events.ndjson"), "utf8").trimEnd().split("\n");
    let last = 0;
    for (const line of lines) {
      const fact = JSON.parse(line);
      expect(fact.virtualTimePs).toBeGreaterThanOrEqual(last);
      last = fact.virtualTimePs;
      for (const key of ["time", "pid", "hostname"]) expect(fact).not.toHaveProperty(key);
    }
    expect(lines.some((line) => line.includes('"level":"warn"'))).toBe(true);
  });

  it("takes runs to the state folder when no name is given", async () => {
    const environment = { XDG_STATE_HOME: at("state") };
    const said = await faultplane(folder.path, ["run", "small.yaml", "-q", "--json"], environment);
    const report = JSON.parse(said.stdout);
    expect(report.runDir).toMatch(/\/state\/faultplane\/runs\/\d{8}t\d{6}z-[0-9a-z]{8}$/);
    expect(readdirSync(report.runDir).sort()).toEqual(FILES);
  });

  it("FORCE_COLOR colours, and --no-color goes over it", async () => {
    const environment = { FORCE_COLOR: "1" };
    const run = ["run", "small.yaml", "--force", "--out", "coloured"];
    const coloured = await faultplane(folder.path, run, environment);
    expect(coloured.stdout).toContain("\u001b[");
    const plain = await faultplane(folder.path, [...run, "--no-color"], environment);
    expect(plain.stdout + plain.stderr).not.toContain("\u001b");
  });
});

describe("the run folder is refused", () => {
  const rows: readonly (readonly [string, readonly string[], (path: string) => string])[] = [
    ["when it exists", ["--out", "taken"], () => "'taken' exists; use --force or another name\n"],
    [
      "when its parent is missing",
      ["--out", "a/b"],
      (path) => `cannot create 'a/b': folder '${path}/a' does not exist\n  hint: create it first\n`,
    ],
    [
      "when --force would replace what is no run",
      ["--force", "--out", "models"],
      () =>
        "'models' is not a run folder; --force replaces only run folders\n" +
        "  hint: choose another name\n",
    ],
  ];
  writeFileSync(at("taken"), "mine");

  it.each(rows)("%s", async (_what, args, message) => {
    const said = await faultplane(folder.path, ["run", "small.yaml", ...args]);
    const stderr = `error[E033] ${message(folder.path)}`;
    expect(said).toEqual({ stdout: "", stderr, exitCode: 73 });
    expect(readFileSync(at("taken"), "utf8")).toBe("mine");
    expect(existsSync(at("a"))).toBe(false);
  });

  it("and not created for a scenario with problems", async () => {
    writeFileSync(
      at("bad.yaml"),
      readFileSync(at("small.yaml"), "utf8").replace("planes", "plains"),
    );
    const said = await faultplane(folder.path, ["run", "bad.yaml", "--out", "never"]);
    expect(said.exitCode).toBe(78);
    expect(said.stderr).toContain("error[E010] bad.yaml:3:");
    expect(said.stderr).toContain("did you mean 'planes'?");
    expect(existsSync(at("never"))).toBe(false);
  });
});

describe("--force", () => {
  it("keeps the older run when the new one cannot begin", async () => {
    const run = ["run", "small.yaml", "-q", "--out", "forced"];
    expect((await faultplane(folder.path, run)).exitCode).toBe(0);
    const before = readFileSync(at("forced", "report.json"), "utf8");
    // No file may grow: the new run fails in the first that it writes.
    const command = `ulimit -f 0; exec "$0" "$@"`;
    const args = ["-c", command, process.execPath, COMMAND, ...run, "--force"];
    const failed = await program("bash", args, folder.path);
    expect(failed.exitCode, failed.stderr).toBe(74);
    expect(readdirSync(at("forced")).sort()).toEqual(FILES);
    expect(readFileSync(at("forced", "report.json"), "utf8")).toBe(before);
    const replay = await faultplane(folder.path, ["replay", "forced"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
    const again = await faultplane(folder.path, [...run, "--force", "--seed", "8"]);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(readdirSync(at("forced")).sort()).toEqual(FILES);
    expect(JSON.parse(readFileSync(at("forced", "report.json"), "utf8")).seed).toBe("8");
  });
});

describe("trouble while it runs", () => {
  it("a full disk ends the run with E060, and what was written replays", async () => {
    // A limit on file size stands in for a full disk: the write fails in the same place.
    const command = `ulimit -f 16; exec "$0" "$@"`;
    const args = ["-c", command, process.execPath, COMMAND, "run", "long.yaml", "--out", "full"];
    const said = await program("bash", args, folder.path);
    expect(said.exitCode).toBe(74);
    const [before, after] = said.stderr.split(/ [\d.]+ [mun]?s, everything before is safe\n/);
    expect(before).toMatch(
      /error\[E060\] run log cannot be written \(file too large\); stopped at virtual time$/,
    );
    expect(after).toContain("hint: ");
    expect(said.stderr).not.toMatch(/^ +at /m);
    expect(readFileSync(at("full", "events.ndjson"), "utf8")).toMatch(/\}\n$/);
    const replay = await faultplane(folder.path, ["replay", "full"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
    expect(replay.stdout).toMatch(/^replay equal: /);
  });

  it("a reader that leaves ends it in silence, long before its time", async () => {
    const command = `"$0" "$@" 2>&1 | head -n 1; echo "exit ${"$"}{PIPESTATUS[0]}"`;
    const run = [COMMAND, "run", "long.yaml", "--out", "piped", "--speed", "0.0001"];
    const said = await program("bash", ["-c", command, process.execPath, ...run], folder.path);
    expect(said).toEqual({ stdout: "small\nexit 0\n", stderr: "", exitCode: 0 });
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it after its window with a partial report", async (signal, exitCode) => {
    const child = spawn(
      process.execPath,
      [COMMAND, "run", "long.yaml", "--out", signal, "--speed", "0.0005"],
      { cwd: folder.path, stdio: ["ignore", "pipe", "pipe"] },
    );
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => {
      stdout += String(text);
    });
    const ended = new Promise<number | null>((done) => child.on("close", (code) => done(code)));
    let sent = false;
    child.stderr.on("data", (text) => {
      stderr += String(text);
      if (sent || !stderr.includes("layer 3, 1/28 done")) return;
      sent = true;
      child.kill(signal);
    });
    expect(await ended, stderr).toBe(exitCode);
    expect(stderr).toContain("stopping after this window (Ctrl-C again to quit now)\n");
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).toContain("verdict: INVALID\n  because: interrupted\n");
    expect(readdirSync(at(signal)).sort()).toEqual(FILES);
    const replay = await faultplane(folder.path, ["replay", signal]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });

  it("a time limit is exit 4", async () => {
    const limited = readFileSync(at("small.yaml"), "utf8").replace(
      "placement: single",
      "placement: single, timeLimit: 150 us",
    );
    writeFileSync(at("limited.yaml"), limited);
    const said = await faultplane(folder.path, ["run", "limited.yaml", "--out", "limited"]);
    expect(said.exitCode, said.stderr).toBe(4);
    expect(said.stdout).toContain("verdict: INVALID\n  because: time limit reached");
  });
});
