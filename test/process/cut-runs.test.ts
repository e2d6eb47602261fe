/**
 * Runs that really end in the middle: killed, out of disk, or with their files taken away. Whatever
 * happened, no process is left, nothing looks like a report that is none, and what is on disk
 * replays to its last commit.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { COMMAND, faultplane, program, type Said, workFolder } from "../command/command.ts";
import { descendantsOf, stillRunning, until } from "./child-processes.ts";

const folder = workFolder();
const at = (...names: string[]): string => join(folder.path, ...names);
writeFileSync(at("long.yaml"), readFileSync(at("small.yaml"), "utf8").replace("3-5", "3-60"));

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
});
afterAll(() => folder.remove());

/** A paced run that goes on for seconds; resolves when its journal has `commits` commits. */
async function up(out: string, commits: number, placement = "single"): Promise<Running> {
  const args = ["run", "long.yaml", "-q", "--out", out, "--speed", "0.001"];
  const child = spawn(process.execPath, [COMMAND, ...args, "--placement", placement], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (text) => {
      said[name] += String(text);
    });
  }
  const ended = once(child, "close").then(([code]) => ({ ...said, exitCode: Number(code) }));
  await until(
    () => commitsIn(out) >= commits,
    20_000,
    () => `${commitsIn(out)} commits, exit code ${child.exitCode}: ${said.stderr}`,
  );
  return { child, ended };
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Said>;
}

function commitsIn(out: string): number {
  if (!existsSync(at(out, "journal.ndjson"))) return 0;
  return readFileSync(at(out, "journal.ndjson"), "utf8").split('"record":"commit"').length - 1;
}

/** A replay of what is left is equal, and says that it is not the whole. */
async function expectReplay(out: string): Promise<void> {
  const replay = await faultplane(folder.path, ["replay", out, "--json"]);
  expect(replay.exitCode, replay.stderr).toBe(0);
  expect(replay.stderr).toContain("note: the run was cut off: comparing what it had committed\n");
  expect(JSON.parse(replay.stdout)).toMatchObject({ equal: true, whole: false });
}

/** What is left of a run that failed: no report, no half of one, no lock, no control file. */
function expectNoReport(out: string): void {
  const names = existsSync(at(out)) ? readdirSync(at(out)) : [];
  const extra = names.filter((name) => /report|\.new$|^lock-|^control/.test(name));
  expect(extra).toEqual([]);
}

describe("a run that is killed", () => {
  it.each([1, 4, 11])("after commit %i replays up to its last commit", async (commits) => {
    const out = `killed${commits}`;
    const { child, ended } = await up(out, commits, commits % 2 === 0 ? "pack" : "single");
    const members = descendantsOf(child.pid as number);
    child.kill("SIGKILL");
    await ended;
    await until(
      () => stillRunning(members).length === 0,
      5000,
      () => `left: ${stillRunning(members)}`,
    );
    await expectReplay(out);
    // Its lock is nobody's any more.
    const args = ["run", "small.yaml", "-q", "--out", out, "--force"];
    const again = await faultplane(folder.path, args);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(readdirSync(at(out)).filter((name) => name.startsWith("lock-"))).toEqual([]);
  });

  it("has its folder to itself while it is up", async () => {
    const { child, ended } = await up("mine", 1);
    const other = await faultplane(folder.path, ["run", "small.yaml", "--out", "mine", "--force"]);
    expect(other.exitCode).toBe(73);
    expect(other.stderr).toContain(
      `error[E033] the run in 'mine' is still up (process ${child.pid})\n`,
    );
    const replay = await faultplane(folder.path, ["replay", "mine"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
    expect(replay.stderr).toContain(
      `note: the run is still up (process ${child.pid}), its record goes to `,
    );
    child.kill("SIGINT");
    expect((await ended).exitCode).toBe(130);
  });

  it("does not keep a folder when another process has its id by now", async () => {
    const { child, ended } = await up("reused", 1);
    const [lock] = readdirSync(at("reused")).filter((name) => name.startsWith("lock-"));
    const holder = JSON.parse(readFileSync(at("reused", lock), "utf8"));
    expect(holder).toMatchObject({ pid: child.pid, host: hostname() });
    child.kill("SIGKILL");
    await ended;
    const forge = (began: string): void => {
      rmSync(at("reused", lock), { force: true });
      const name = `lock-${process.pid}-00000000.json`;
      const text = JSON.stringify({ ...holder, pid: process.pid, began });
      writeFileSync(at("reused", name), text);
    };
    const run = ["run", "small.yaml", "-q", "--out", "reused", "--force"];
    // Nothing says when it began: it may be the one.
    forge("");
    const refused = await faultplane(folder.path, run);
    expect(refused.stderr).toContain(`is still up (process ${process.pid})`);
    forge(holder.began);
    const taken = await faultplane(folder.path, run);
    expect(taken.exitCode, taken.stderr).toBe(0);
  });
});

describe("a run without room", () => {
  it.each([3, 5, 17, 64])("in files of %i KiB stops, and keeps what fits", async (sizeKib) => {
    const out = `limit${sizeKib}`;
    const args = [COMMAND, "run", "long.yaml", "-q", "--out", out];
    const command = `ulimit -f ${sizeKib}; exec "$0" "$@"`;
    const said = await program("bash", ["-c", command, process.execPath, ...args], folder.path);
    expect(said.exitCode, said.stderr).toBe(74);
    expect(said.stderr).toMatch(/^error\[E060\] [\w. ]+ cannot be written \(file too large\)/);
    expect(said.stderr).not.toMatch(/^ +at /m);
    expect(said.stdout).toBe("");
    expectNoReport(out);
    if (!existsSync(at(out))) return;
    const replay = await faultplane(folder.path, ["replay", out]);
    expect([replay.exitCode, replay.stderr.includes("E054")], replay.stderr).toEqual(
      replay.exitCode === 0 ? [0, false] : [65, true],
    );
  });

  const canMount =
    spawnSync("unshare", ["-Urm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /tmp"]).status ===
    0;

  // Not run where a process may not have a mount of its own.
  it.skipIf(!canMount)("on a disk with 64 KiB left stops when that is full", async () => {
    // The rest of the disk is filled when the run has begun: it is not started on a full one.
    const script = `
      mount -t tmpfs -o size=104m tmpfs models && cp -r spare/. models && cd models || exit 1
      "$0" "$1" run long.yaml -q --out run --speed 0.02 2> ../full.stderr &
      run=$!
      until grep -q commit run/journal.ndjson 2> ../until.stderr; do :; done
      cat /dev/zero > filler 2> ../filler.stderr
      truncate -s -65536 filler
      wait $run
      echo "exit $?"
      ls run
      "$0" "$1" replay run --json`;
    await program("cp", ["-r", "models", "spare"], folder.path);
    await program("cp", ["-r", "models", "long.yaml", "spare"], folder.path);
    const args = ["-Urm", "sh", "-c", script, process.execPath, COMMAND];
    const said = await program("unshare", args, folder.path);
    expect(said.exitCode, said.stderr).toBe(0);
    const [code, ...names] = said.stdout.trimEnd().split("\n");
    expect(code).toBe("exit 74");
    const kept = ["events.ndjson", "journal.ndjson", "resolved.json", "scenario.yaml"];
    expect(names.slice(0, -1)).toEqual([...kept, "traffic.ndjson"]);
    expect(JSON.parse(names[names.length - 1])).toMatchObject({ equal: true, whole: false });
    expect(readFileSync(at("full.stderr"), "utf8")).toMatch(
      /^error\[E060\] run log cannot be written \(no space left\); stopped at virtual time [\d.]+ ms, everything before is safe\n {2}hint: [^\n]*\n$/,
    );
  });
});

describe("a run whose files are touched", () => {
  const events = "events.ndjson";
  const journal = "journal.ndjson";
  const rows: readonly (readonly [string, (path: (name: string) => string) => void, string])[] = [
    ["its event log is removed", (path) => rmSync(path(events)), `${events} was removed`],
    ["its journal is removed", (path) => rmSync(path(journal)), `${journal} was removed`],
    [
      "its event log is cut short",
      (path) => truncateSync(path(events), 10),
      `${events} was cut short by somebody else`,
    ],
    [
      "its journal is cut short",
      (path) => truncateSync(path(journal), 10),
      `${journal} was cut short by somebody else`,
    ],
    [
      "its event log is written to",
      (path) => appendFileSync(path(events), "more\n"),
      `${events} was written to by somebody else`,
    ],
    [
      "its journal is moved",
      (path) => renameSync(path(journal), path("moved")),
      `${journal} was moved away`,
    ],
    [
      "its event log is replaced",
      (path) => {
        copyFileSync(path(events), path("copy"));
        renameSync(path(events), path("old"));
        renameSync(path("copy"), path(events));
      },
      `${events} was replaced`,
    ],
    [
      "its folder is removed",
      (path) => rmSync(path("."), { recursive: true }),
      `${events} was removed`,
    ],
  ];

  it.each(rows)("ends when %s", async (what, touch, problem) => {
    const out = what.replaceAll(" ", "-");
    const { child, ended } = await up(out, 2, "pack");
    const members = descendantsOf(child.pid as number);
    const touchedAtMs = performance.now();
    touch((name) => at(out, name));
    const said = await ended;
    expect(performance.now() - touchedAtMs).toBeLessThan(5000);
    expect(said.exitCode).toBe(74);
    expect(said.stderr).toMatch(
      new RegExp(
        `^error\\[E060\\] run log cannot be written \\(${problem}\\); ` +
          "stopped at virtual time [\\d.]+ [mu]s\\n  hint: [^\\n]*\\n$",
      ),
    );
    expect(said.stdout).toBe("");
    expectNoReport(out);
    expect(stillRunning(members)).toEqual([]);
  });
});
