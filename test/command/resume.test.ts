/**
 * `faultplane resume` of runs whose coordinator was ended by kill -9: they go on where the record
 * ends, do again what was done to them, and end as if nothing had been.
 */
import { spawn } from "node:child_process";
import { cpSync, lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseJournal } from "../../cluster/journal.ts";
import { descendantsOf, stillRunning, until } from "../process/child-processes.ts";
import { COMMAND, faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);

const healthy = readFileSync(at("small.yaml"), "utf8").replace(/faults:\n.*\n/, "");
writeFileSync(at("long.yaml"), healthy.replace("3-5", "3-30").replace("single", "node"));
writeFileSync(
  at("drill.yaml"),
  `title: a dead NIC
scenario: long.yaml
steady-state-hypothesis:
  title: nothing is lost
  probes: [{type: probe, name: lost, tolerance: 0, provider: {type: faultplane, func: assignments_lost}}]
method:
  - type: action
    name: kill-nic
    provider:
      type: faultplane
      func: inject
      arguments: {kind: nic-down, target: node1.nic1, at: 1 ms, name: dead}
stop: {after: 60 s}
leastTraffic: 100
`,
);

/** Starts a command, waits until its log says `sign`, does something, and kills it. */
async function killedAt(
  args: readonly string[],
  sign: string,
  act: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder.path });
  let stderr = "";
  const hasSaid = new Promise<void>((done, failed) => {
    child.stderr.on("data", (text) => {
      stderr += String(text);
      if (stderr.includes(sign)) done();
    });
    child.on("close", () => failed(new Error(`it ended before: ${stderr}`)));
  });
  await hasSaid;
  await act();
  const pid = child.pid as number;
  const members = descendantsOf(pid);
  process.kill(pid, "SIGKILL");
  await until(
    () => stillRunning([pid, ...members]).length === 0,
    5000,
    () => `left: ${stillRunning([pid, ...members])}`,
  );
}

const journalOf = (run: string) => parseJournal(readFileSync(at(run, "journal.ndjson")));

describe("a run whose coordinator was killed", () => {
  it("goes on, and ends with the digest and the events of the undisturbed run", async () => {
    const whole = await faultplane(folder.path, ["run", "long.yaml", "-q", "--json", "--out", "w"]);
    await killedAt(["run", "long.yaml", "--speed", "0.002", "--out", "cut"], "layer 4, 2/28 done");
    expect(journalOf("cut").end).toBeUndefined();
    const cut = await faultplane(folder.path, ["replay", "cut", "-q"]);
    expect(cut.exitCode, cut.stderr).toBe(0);
    const resumed = await faultplane(folder.path, ["resume", "cut", "--speed", "max", "--json"]);
    expect(resumed.exitCode, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/^taking up run \S+, whose record goes to \d/);
    expect(JSON.parse(resumed.stdout).digest).toBe(JSON.parse(whole.stdout).digest);
    const events = (run: string): string => readFileSync(at(run, "events.ndjson"), "utf8");
    expect(events("cut") === events("w")).toBe(true);
    expect(journalOf("cut").hostRecords.map(({ event }) => event)).toEqual(["resumed"]);
    const again = await faultplane(folder.path, ["resume", "cut"]);
    expect([again.exitCode, again.stderr]).toEqual([65, expect.stringMatching(/^error\[E055\]/)]);
  });

  it("has again what operators did to it, once", async () => {
    await killedAt(
      ["run", "long.yaml", "--speed", "0.002", "--out", "ordered"],
      "layer 4, 2/28 done",
      async () => {
        const inject = ["inject", "ordered", "gpu-dead", "node1.gpu1"];
        const said = await faultplane(folder.path, [...inject, "--lease", "50 s"]);
        expect(said.exitCode, said.stderr).toBe(0);
      },
    );
    const resumed = await faultplane(folder.path, ["resume", "ordered", "--speed", "max", "-q"]);
    expect(resumed.exitCode, resumed.stderr + resumed.stdout).toBe(0);
    expect(resumed.stdout).toContain("gpu-dead on node1.gpu1 began");
    const { orders } = journalOf("ordered");
    expect(orders.filter(({ record }) => record === "fault").length).toBe(1);
    const replay = await faultplane(folder.path, ["replay", "ordered", "-q"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });

  it("and was a drill's is graded as the undisturbed drill", async () => {
    const drill = ["drill", "drill.yaml", "-q", "--json", "--speed", "max", "--out", "d"];
    const whole = await faultplane(folder.path, drill);
    await killedAt(
      ["drill", "drill.yaml", "--speed", "0.002", "--out", "dcut"],
      "fault dead began",
    );
    const options = ["--speed", "max", "-q", "--json"];
    const resumed = await faultplane(folder.path, ["resume", "dcut", ...options]);
    expect(resumed.exitCode, resumed.stderr).toBe(whole.exitCode);
    const [one, other] = [whole, resumed].map(({ stdout }) => JSON.parse(stdout).faultplane);
    expect(one.verdict).toMatch(/^(PASS|FAIL)$/);
    expect([other.verdict, other.digest]).toEqual([one.verdict, one.digest]);
  });
});

/** A copy of the run `w` as it was before its end was written. */
function unended(run: string): void {
  cpSync(at("w"), at(run), { recursive: true });
  const lines = readFileSync(at(run, "journal.ndjson"), "utf8").split("\n");
  writeFileSync(at(run, "journal.ndjson"), `${lines.slice(0, -2).join("\n")}\n`);
}

describe("a run folder that others have changed", () => {
  it.each(["events.ndjson", "journal.ndjson", "resolved.json"])(
    "is not taken up when %s is a symbolic link, whose target stays as it is",
    async (name) => {
      const run = `linked-${name}`;
      unended(run);
      const text = `${readFileSync(at(run, name), "utf8")}more`;
      writeFileSync(at(`victim-${name}`), text);
      rmSync(at(run, name));
      symlinkSync(at(`victim-${name}`), at(run, name));
      for (const command of ["resume", "replay"]) {
        const said = await faultplane(folder.path, [command, run, "-q"]);
        expect([said.exitCode, said.stderr]).toEqual([
          66,
          expect.stringContaining("it is a symbolic link, and a run makes none"),
        ]);
      }
      expect(readFileSync(at(`victim-${name}`), "utf8")).toBe(text);
    },
  );

  it("is written through no link", async () => {
    unended("aimed");
    writeFileSync(at("victim"), "keep me");
    for (const name of ["report.json", "report.md", "control.json"]) {
      rmSync(at("aimed", name), { force: true });
      symlinkSync(at("victim"), at("aimed", name));
      symlinkSync(at("victim"), at("aimed", `${name}.new`));
    }
    const said = await faultplane(folder.path, ["resume", "aimed", "-q"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(readFileSync(at("victim"), "utf8")).toBe("keep me");
    expect(lstatSync(at("aimed", "report.json")).isFile()).toBe(true);
  });

  it("is not taken up with another scenario", async () => {
    unended("other");
    const text = readFileSync(at("other", "resolved.json"), "utf8");
    writeFileSync(at("other", "resolved.json"), text.replace('"seed": "7"', '"seed": "8"'));
    const said = await faultplane(folder.path, ["resume", "other"]);
    expect([said.exitCode, said.stderr]).toEqual([65, expect.stringMatching(/^error\[E052\] log/)]);
  });
});

describe("what is no run, or one that is up", () => {
  it("is not taken up", async () => {
    const none = await faultplane(folder.path, ["resume", "nothing"]);
    expect([none.exitCode, none.stderr]).toEqual([66, expect.stringContaining("error[E001]")]);
  });
});
