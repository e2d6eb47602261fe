/**
 * The commands for a run that is up, as users give them: in another terminal, while the run goes
 * on slower than life.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { until } from "../process/child-processes.ts";
import { faultplane, type Said, workFolder } from "./command.ts";

const folder = workFolder();
const at = (...names: string[]): string => join(folder.path, ...names);
const say = (...args: string[]): Promise<Said> => faultplane(folder.path, args);

afterAll(() => folder.remove());

/** Starts a run that would take minutes, and waits until it can be controlled. */
async function start(name: string): Promise<{ readonly ended: Promise<Said> }> {
  const args = ["run", "small.yaml", "-q", "--speed", "0.00001", "--out", name];
  const ended = say(...args);
  const isUp = (): boolean => existsSync(at(name, "control.json"));
  await until(isUp, 30_000, () => `no ${name}/control.json`);
  return { ended };
}

describe("a run that is up", () => {
  it("is told, broken, healed, paused and sped up by commands, and replays equal", async () => {
    const { ended } = await start("one");
    expect(statSync(at("one", "control.json")).mode & 0o777).toBe(0o600);

    // The only run that is up needs no name.
    const injected = await say("inject", "slow-gpu", "node0.gpu0", "--set", "slowdown=4");
    expect(injected.stderr).toBe("");
    expect(injected.stdout).toMatch(
      /^fault slow-gpu begins: slow-gpu on node0\.gpu0, until 60\.000 s \(virtual time .*\)\n$/,
    );
    const status = await say("status", "one");
    expect(status.stdout).toMatch(/speed 0\.00001, lag \d/);
    expect(status.stdout).toMatch(/in force:\n {2}slow-gpu: slow-gpu on node0\.gpu0, since /);

    const wrong = await say("inject", "one", "nic-down", "node9.nic1");
    expect(wrong.exitCode).toBe(78);
    expect(wrong.stderr).toMatch(/^error\[E026\] target: selector 'node9\.nic1' matches no nic/);
    const unknown = await say("heal", "slow-gpo");
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      78,
      "error[E066] this run has no fault 'slow-gpo'\n  hint: did you mean 'slow-gpu'?\n",
    ]);

    expect((await say("pause")).stdout).toMatch(/^paused \(virtual time /);
    const paused = JSON.parse((await say("status", "--json")).stdout);
    expect(paused.status).toMatchObject({ isPaused: true, speed: 0.00001 });
    expect((await say("heal", "one", "all")).stdout).toMatch(/^healed: slow-gpu \(/);
    expect((await say("heal", "slow-gpu")).stdout).toMatch(/^fault slow-gpu was healed at /);
    expect((await say("speed", "max")).stdout).toMatch(/^speed max \(/);

    const again = await say("run", "small.yaml", "--out", "one", "--force");
    expect([again.exitCode, again.stderr]).toEqual([
      73,
      expect.stringMatching(/error\[E033\] the run in 'one' is still up \(process \d+\)/),
    ]);

    expect((await say("resume")).stdout).toMatch(/^resumed \(/);
    const said = await ended;
    expect(said.exitCode, said.stderr).toBe(0);
    expect(existsSync(at("one", "control.json"))).toBe(false);
    const records = readFileSync(at("one", "journal.ndjson"), "utf8")
      .split("\n")
      .slice(1, -1)
      .map((line) => JSON.parse(line))
      .filter(({ by }) => by === "operator");
    expect(records.map(({ record, text }) => text ?? record)).toEqual([
      "fault",
      "paused",
      "heal",
      "speed max",
      "resumed",
    ]);
    const replayed = await say("replay", "one");
    expect(replayed.exitCode, replayed.stderr).toBe(0);
    expect(replayed.stdout).toMatch(/^replay equal: digest [0-9a-f]{16} \(/);

    // The run is named and the last word is missing: not a run that nobody finds.
    for (const args of [
      ["inject", "one", "nic-down"],
      ["heal", "one"],
      ["speed", "one"],
    ]) {
      const short = await say(...args);
      expect([short.exitCode, short.stderr]).toEqual([
        2,
        expect.stringMatching(/^error\[E040\] \w+ needs <.*> after the run 'one'\n/),
      ]);
    }
    const late = await say("inject", "one", "nic-down", "node1.nic1");
    expect([late.exitCode, late.stderr]).toEqual([
      69,
      expect.stringMatching(/^error\[E064\] the run in 'one' is not up: it is over/),
    ]);
    const none = await say("status");
    expect([none.exitCode, none.stderr]).toEqual([
      69,
      expect.stringMatching(/^error\[E065\] no run is up/),
    ]);
  });

  it("must be named when there are several; stop ends it, and the record is whole", async () => {
    const [two, three] = [await start("two"), await start("three")];
    const which = await say("pause");
    expect(which.exitCode).toBe(2);
    expect(which.stderr).toMatch(/^error\[E065\] 2 runs are up: (two, three|three, two)\n/);
    for (const name of ["two", "three"]) {
      expect((await say("stop", name)).stdout).toMatch(/^stops at /);
    }
    for (const { ended } of [two, three]) {
      const said = await ended;
      expect(said.exitCode, said.stderr).toBe(3);
      expect(said.stdout).toContain("an operator asked for it");
    }
    const replayed = await say("replay", "two", "--json");
    expect(JSON.parse(replayed.stdout), replayed.stderr).toMatchObject({
      equal: true,
      whole: true,
    });
  });
});

describe("words of a live command", () => {
  it.each([
    [["inject", "nic-down"], "inject needs <kind> <target>"],
    [["heal"], "heal needs <fault|all>"],
    [["pause", "one", "two"], "too many arguments for pause"],
    [["inject", "a", "b", "c", "d"], "too many arguments for inject"],
    [["inject", "a", "b", "--set", "slowdown"], '--set: expected KEY=VALUE, got "slowdown"'],
    [["inject", "a", "b", "--set", "x=1", "--set", "x=2"], "--set x given twice"],
    [["speed", "fast"], "speed: expected max or virtual seconds per wall second above 0"],
    [["mask", "a", "--lease"], "--lease needs a value"],
  ])("are checked before any run is looked for: %j", async (args, words) => {
    const said = await say(...args);
    expect(said.exitCode).toBe(2);
    expect(said.stderr).toContain(words);
  });
});
