/**
 * Drills with real faults as users run them: the examples of drills/host, with consent and without,
 * their reports with both layers of faults, and their replays.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ChaosJournal } from "../../src/drill/chaos-journal.ts";
import { faultplane, workFolder } from "./command.ts";
import { drillText, FLAP, inject } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const example = (name: string): string => resolve(import.meta.dirname, `../../drills/host/${name}`);
const journalOf = (run: string): ChaosJournal =>
  JSON.parse(readFileSync(at(run, "drill.json"), "utf8"));

/** Performs an example with consent; its run folder has its name. */
async function performed(name: string, ...more: readonly string[]) {
  const args = [example(`${name}.yaml`), "--allow-real-faults", "-q", "--out", name, ...more];
  const said = await faultplane(folder.path, ["drill", ...args]);
  expect([said.exitCode, said.stderr]).toEqual([0, ""]);
  const replay = await faultplane(folder.path, ["replay", name, "-q"]);
  expect(replay.exitCode, replay.stderr).toBe(0);
  expect(replay.stdout).toContain("replay equal");
  return { said, journal: journalOf(name), report: readFileSync(at(name, "report.md"), "utf8") };
}

describe("an example of drills/host", () => {
  it("kills a worker: both layers are told apart, and a replay kills nobody", async () => {
    const { said, journal, report } = await performed("kill-a-worker");
    expect(said.stdout).toContain("verdict: PASS");
    expect(said.stdout).toMatch(
      /host fault at 500\.000 us: kill_worker node2, after [\d.]+ s of w/,
    );
    const { hostFaults, faults, timeline } = journal.faultplane;
    expect(hostFaults).toMatchObject([
      { layer: "host", atPs: 5e8, done: true, followedBy: ["lost-node2"] },
    ]);
    expect(faults).toMatchObject([{ name: "lost-node2", kind: "actors-lost", atPs: 5e8 }]);
    expect(timeline.filter(({ by }) => by === "host").length).toBe(1);
    expect(report).toMatch(/\| host \| kill the process of node2 \| 500\.000 us \| [\d.]+ s \|/);
    expect(report).toMatch(/\| emulated \| lost-node2 \| 500\.000 us \| {2}\| actors-lost of /);
    const record = readFileSync(at("kill-a-worker", "journal.ndjson"), "utf8");
    const events = record.split("\n").filter((line) => /"host-fault"|"actors-lost"/.test(line));
    expect(events.map((line) => JSON.parse(line).record)).toEqual(["host", "fault"]);
  });

  it("stops a worker: the run is that of the healthy twin", async () => {
    const { digest, twinDigest } = (await performed("stop-a-worker")).journal.faultplane.identity;
    expect(digest).toBe(twinDigest);
  });

  it("kills the agent: the run recovers, and is that of the healthy twin", async () => {
    const { journal } = await performed("lose-the-agent", "--max-blast", "100");
    const { identity, hostFaults } = journal.faultplane;
    expect(identity.digest).toBe(identity.twinDigest);
    expect(hostFaults?.[0].detail).toContain("ended by SIGKILL; replaced");
  });

  it("does nothing without consent, nor in a suite (row 33)", async () => {
    const args = ["drill", example("kill-a-worker.yaml"), "--out", "none"];
    const said = await faultplane(folder.path, args);
    expect(said.exitCode).toBe(77);
    expect(said.stderr).toContain("kills a real process; rerun with --allow-real-faults");
    expect(existsSync(at("none"))).toBe(false);
    const suite = await faultplane(folder.path, ["suite", resolve(example(".")), "--json"]);
    expect(suite.exitCode).not.toBe(0);
    expect(suite.stdout.match(/error\[E0(?:31|26)\]/g)?.length).toBe(3);
    const word = await faultplane(folder.path, ["suite", ".", "--allow-real-faults"]);
    expect([word.exitCode, word.stderr]).toEqual([
      2,
      expect.stringContaining("unknown option '--allow-real-faults'"),
    ]);
  });
});

describe("consent", () => {
  it("changes nothing in a drill without real faults", async () => {
    writeFileSync(at("flap.yaml"), drillText({ method: inject(FLAP) }));
    const runs = [["a"], ["b", "--allow-real-faults"]];
    for (const [out, ...flags] of runs) {
      const args = ["drill", "flap.yaml", "--placement", "node", "-q", "--out", out, ...flags];
      expect((await faultplane(folder.path, args)).exitCode).toBe(0);
    }
    const [before, after] = runs.map(([out]) => journalOf(out).faultplane);
    expect(after.identity.digest).toBe(before.identity.digest);
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it("is not needed for a plan", async () => {
    const said = await faultplane(folder.path, ["plan", example("kill-a-worker.yaml")]);
    expect([said.exitCode, said.stderr]).toEqual([0, ""]);
    expect(said.stdout).toContain("    takes along 17 actors, 8 ranks among them (25.0 % of the");
    const beyond = await faultplane(folder.path, ["plan", example("lose-the-agent.yaml")]);
    expect([beyond.exitCode, beyond.stderr]).toEqual([
      0,
      expect.stringMatching(/^note: would be refused: 'kill the agent' makes it 3 of 3 worker pr/),
    ]);
    const more = ["plan", example("lose-the-agent.yaml"), "--nnodes", "3", "--max-blast", "34"];
    expect((await faultplane(folder.path, more)).stdout).toContain("(33.3 %): pack0");
  });
});
