/**
 * A blind drill as its responder lives through it: nothing that the commands say tells what broke,
 * names are taken without telling that somebody has them, and the report scores what was named.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { ChaosJournal } from "../../src/drill/chaos-journal.ts";
import { until } from "../process/child-processes.ts";
import { COMMAND, faultplane, type Said, workFolder } from "./command.ts";
import { drillText, inject } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const say = (...args: string[]): Promise<Said> => faultplane(folder.path, args);

const text = (run: string): string => readFileSync(at(run, "events.ndjson"), "utf8");

/** Its name is the one that an operator's fault of that kind gets when nobody says another. */
const HIDDEN = "{name: slow-gpu, kind: slow-gpu, target: node1.gpu0, slowdown: 3}";
/** One that the drill will give later than any of the commands below. */
const LATER = "{name: grey-loss, kind: grey-loss, target: node0.nic1, loss: 0.000001}";

it("stays blind for who takes it up again after a crash", async () => {
  const file = drillText({ method: inject(HIDDEN, "5 us"), layers: "3-8" });
  writeFileSync(at("crash.yaml"), file.replace("leastTraffic: 10", "leastTraffic: 0"));
  const slow = ["--speed", "0.000005", "--out", "crash", "-q"];
  const child = spawn(process.execPath, [COMMAND, "drill", "crash.yaml", "--blind", ...slow], {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", HOME: folder.path },
  });
  const gone = new Promise((resolve) => child.on("close", resolve));
  // The onset is committed.
  await until(
    () => existsSync(at("crash", "events.ndjson")) && text("crash").includes("fault.began"),
    30_000,
    () => "no onset",
  );
  child.kill("SIGKILL");
  await gone;
  const { stdout, stderr, exitCode } = await say("resume", "crash", "-v", "--speed", "max");
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain("verdict: PASS");
  expect(stderr).toContain("layer");
  expect(stderr).not.toMatch(/slow-gpu|node1\.gpu0 {5}fault|small drill/);
});

it("is found out with diagnose, and hides everything until it is over", async () => {
  const method = inject(HIDDEN, "5 us") + inject(LATER, "80 us");
  const file = drillText({ method, layers: "3-8" }).replace("leastTraffic: 10", "leastTraffic: 0");
  writeFileSync(at("hunt.yaml"), file);
  const slow = ["--speed", "0.000005", "--out", "hunt"];
  const ended = say("drill", "hunt.yaml", "--blind", ...slow);
  await until(
    () => existsSync(at("hunt", "control.json")),
    30_000,
    () => "no control.json",
  );
  const watched = say("logs", "hunt", "-v");
  const watchedJson = say("logs", "hunt", "--json");
  // The onset is at 5 us of virtual time, after a second, and nothing tells of it.
  const hidden = { fault: "?", kind: "?", targets: ["?"], atPs: 0, untilPs: null };
  const seenAtPs: number[] = [];
  for (let atPs = 0; atPs < 5e6; seenAtPs.push(atPs)) {
    const { exitCode, stdout, stderr } = await say("status", "hunt", "--json");
    expect(exitCode, stderr).toBe(0);
    const { status } = JSON.parse(stdout);
    expect(status.faults).toEqual([hidden]);
    atPs = status.virtualTimePs;
    expect(seenAtPs.length).toBeLessThan(60);
  }
  expect(seenAtPs[0]).toBeLessThan(5e6);
  const status = await say("status", "hunt");
  expect(status.stdout).toMatch(/in force:\n {2}\? \(hidden until the drill is over\)\n$/);
  const none = await say("heal", "hunt", "nope");
  expect(none.stderr).toContain("hint: no operator's fault is in force\n");

  // What would tell everything is refused until then.
  for (const args of [["report"], ["trace", "-o", "hunt.json"], ["explain", "slowest@3"]]) {
    const [command, ...others] = args;
    const said = await say(command, "hunt", ...others);
    expect([said.exitCode, said.stdout]).toEqual([75, ""]);
    expect(said.stderr).toMatch(/^error\[E069\] the run in 'hunt' is a blind drill, and is up\n/);
  }
  expect(existsSync(at("hunt.json"))).toBe(false);

  // An operator's own fault of the same kind, with and without a name, and one to come.
  for (const [args, name] of [
    [["slow-gpu", "node0.gpu0"], "operator.slow-gpu"],
    [["slow-gpu", "node0.gpu1", "--name", "slow-gpu"], "operator.slow-gpu-2"],
    [["grey-loss", "node0.nic0", "--name", "grey-loss"], "operator.grey-loss"],
  ] as const) {
    const { stdout, stderr } = await say("inject", "hunt", ...args);
    expect(stdout, stderr).toMatch(new RegExp(`^fault ${name} begins: `));
  }
  const unknown = await say("heal", "hunt", "slow-gpu");
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    78,
    "error[E066] this run has no fault 'slow-gpu'\n  hint: " +
      "in force: operator.slow-gpu, operator.slow-gpu-2, operator.grey-loss\n",
  ]);
  expect((await say("heal", "hunt", "operator.slow-gpu")).exitCode).toBe(0);

  const named: { atPs: number }[] = [];
  for (const words of [
    ["node0.nic1", "nic-down"],
    ["node1.gpu0", "slow-gpu"],
  ]) {
    const said = await say("diagnose", "hunt", ...words, "--json");
    expect(said.exitCode, said.stderr).toBe(0);
    named.push(JSON.parse(said.stdout));
  }
  await say("speed", "hunt", "max");
  const { stdout, stderr, exitCode } = await ended;
  expect(exitCode, stderr).toBe(0);

  // What the terminal said while it went on.
  expect(stderr).toContain("blind drill: name the culprit with `faultplane diagnose`");
  expect(stderr).toContain("fault operator.slow-gpu began: slow-gpu on node0.gpu0");
  expect(stderr).not.toContain("node1.gpu0     fault");
  expect(stderr).not.toMatch(/small drill|fault slow-gpu|fault grey-loss|action break/);
  expect(stdout).toContain("verdict: PASS");
  // What somebody who watched the run from elsewhere was shown, until its end.
  const text = await watched;
  expect([text.exitCode, text.stderr]).toEqual([
    0,
    expect.stringMatching(/^note: the run is over/),
  ]);
  expect(text.stdout).toContain(
    "by operator: fault operator.slow-gpu begins: slow-gpu on node0.gpu0",
  );
  expect(text.stdout).toContain("node0.gpu0     fault operator.slow-gpu began");
  expect(text.stdout).not.toMatch(/fault slow-gpu|fault grey-loss|by drill|node1\.gpu0 {5}fault/);
  const lines = (await watchedJson).stdout.trimEnd().split("\n");
  const names = new Set(lines.map((line) => JSON.parse(line).fault ?? "?"));
  expect([...names].filter((name) => name !== "?" && !name.startsWith("operator."))).toEqual([]);
  expect(names.has("operator.slow-gpu")).toBe(true);

  const journal = JSON.parse(readFileSync(at("hunt", "drill.json"), "utf8")) as ChaosJournal;
  const { diagnoses = [] } = journal.faultplane;
  expect(diagnoses).toMatchObject([
    { kind: "nic-down", targets: ["node0.nic1"], atPs: named[0].atPs, grade: "target" },
    { kind: "slow-gpu", targets: ["node1.gpu0"], atPs: named[1].atPs, grade: "exact" },
  ]);
  expect(diagnoses[1]).toMatchObject({ fault: "slow-gpu", sinceOnsetPs: named[1].atPs - 5e6 });
  for (const { wallSeconds } of diagnoses) expect(wallSeconds).toBeGreaterThan(0.9);
  expect(diagnoses[1].wallSeconds).toBeGreaterThan(diagnoses[0].wallSeconds);
  const markdown = readFileSync(at("hunt", "report.md"), "utf8");
  expect(markdown).toContain("## Who found it");
  expect(markdown).toMatch(/blind: nic-down on node0\.nic1: target \(grey-loss, [\d.]+ us before/);
  expect(markdown).toMatch(/blind: slow-gpu on node1\.gpu0: exact \(slow-gpu, [\d.]+ us after/);

  const replay = await say("replay", "hunt");
  expect(replay.exitCode, replay.stderr).toBe(0);
});
