/**
 * `faultplane logs` as users give it: on a run that is over with every filter, on one that is up
 * from a second process to its end, and on folders that are not what they should be.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { chainedText } from "../../cluster/journal-chain.ts";
import { RunLock } from "../../cluster/run-lock.ts";
import type { EventLine } from "../../src/observe/event-line.ts";
import { until } from "../process/child-processes.ts";
import { COMMAND, faultplane, program, type Said, workFolder } from "./command.ts";

const folder = workFolder();
const at = (...names: string[]): string => join(folder.path, ...names);
const say = (...args: string[]): Promise<Said> => faultplane(folder.path, args);
const logs = (...args: string[]): Promise<Said> => say("logs", ...args);

const US = 1e6;
let text = "";
let lines: EventLine[] = [];

beforeAll(async () => {
  const said = await say("run", "small.yaml", "-q", "--out", "one");
  expect(said.exitCode, said.stderr).toBe(0);
  text = readFileSync(at("one", "events.ndjson"), "utf8");
  lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => folder.remove());

/** A copy of the run's folder with another event log. */
function copyWith(name: string, events: string): void {
  cpSync(at("one"), at(name), { recursive: true });
  writeFileSync(at(name, "events.ndjson"), events);
}

describe("a run that is over", () => {
  it("is told in lines like those of the live log", async () => {
    const { stdout, stderr, exitCode } = await logs("one");
    expect([stderr, exitCode]).toEqual(["", 0]);
    const told = stdout.trimEnd().split("\n");
    expect(told).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\[ 100\.000 us\] {2}node1\.nic1 {5}fault lost-nic began: nic-down/),
        expect.stringMatching(/fleet {10}rank node0\.gpu1 masked by 2 ranks \(fault lost-nic/),
        expect.stringMatching(/retry 1, .*\(retry 2 with --each\)$/),
        expect.stringMatching(/fleet {10}layer 5, 3\/3 done on 2 of 4 ranks/),
      ]),
    );
    expect(told.length).toBeLessThan(30);
  });

  it("is given back byte for byte as JSON", async () => {
    const { stdout, exitCode } = await logs("one", "--json");
    expect([stdout, exitCode]).toEqual([text, 0]);
  });

  const rows: readonly (readonly [args: string, passes: (line: EventLine) => boolean])[] = [
    [
      "--actor *.nic1 --actor node0.gpu0,node0.gpu1 --level warn",
      ({ actor, level }) => /nic1$|^node0\.gpu/.test(actor) && level !== "info",
    ],
    [
      "--kind qp.*,rank --plane 1 --node 1",
      ({ actor, fact, rank, peer }) =>
        (fact.startsWith("qp.") || rank !== undefined) &&
        /^node1/m.test(`${actor}\n${rank}\n${peer}`) &&
        /(?:gpu|nic)1$/m.test(`${actor}\n${rank}\n${peer}`),
    ],
    ["--layer 4-5 --step 0", ({ layer }) => layer === 4 || layer === 5],
    [
      "--since 150us --until 0.5ms",
      ({ virtualTimePs }) => virtualTimePs >= 150 * US && virtualTimePs <= 500 * US,
    ],
    ["--fault lost-* --text Queue", ({ fact, reason }) => reason === "send-failed" && fact !== ""],
  ];
  it.each(rows)("through %s", async (args, passes) => {
    const { stdout, stderr, exitCode } = await logs("one", "--json", ...args.split(" "));
    expect([stderr, exitCode]).toEqual(["", 0]);
    const expected = lines.filter(passes);
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThanOrEqual(lines.length);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(expected);
  });

  it("around a fault, from before its onset on", async () => {
    const options = ["--before", "30us", "--after", "10us"];
    const { stdout } = await logs("one", "--json", "--around", "lost-nic", ...options);
    const times = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).virtualTimePs / US);
    const masked = lines.filter(({ fact }) => fact === "rank.masked");
    expect(times.filter((time) => time < 100).length).toBeGreaterThan(0);
    expect(times.filter((time) => time < 70)).toEqual([]);
    expect(times).toContain(masked[0].virtualTimePs / US);
    expect(times.length).toBeLessThan(lines.length);
  });

  it("by its last lines, and by each fact", async () => {
    const whole = (await logs("one", "--each")).stdout.trimEnd().split("\n");
    const last = (await logs("one", "--each", "-n", "3")).stdout.trimEnd().split("\n");
    expect(last).toEqual(whole.slice(-3));
    expect((await logs("one", "-n", "0")).stdout).toBe("");
    const masks = lines.filter(({ fact }) => fact === "rank.masked").length;
    expect(whole.filter((line) => line.includes("masks rank"))).toHaveLength(masks);
    expect(whole.join()).not.toContain("token copies received");
    const all = (await logs("one", "-v")).stdout.trimEnd().split("\n");
    expect(all.filter((line) => line.includes("token copies received")).length).toBeGreaterThan(0);
  });

  it("says of each layer that is named when the fleet was done with it", async () => {
    const { stdout, stderr, exitCode } = await logs("one", "--layer", "4-5");
    expect([stderr, exitCode]).toEqual(["", 0]);
    expect(stdout.match(/fleet {10}layer \d, \d\/3 done on \d/g)).toHaveLength(2);
  });

  it("is told of nothing, with a note on what there is and how to get it", async () => {
    for (const [args, note] of [
      ["--actor node0.gpu0 --kind fault", `none of ${lines.length} facts passes; leave out or`],
      ["--json --level error", `none of ${lines.length} facts passes; leave out or widen a filter`],
      ["--actor node0.gpu0 --until 1us", `none of ${lines.length} facts passes`],
      ["--actor node0.gpu0 --until 90us", "nothing is told without --verbose: "],
    ] as const) {
      const said = await logs("one", ...args.split(" "));
      expect([said.stdout, said.exitCode]).toEqual(["", 0]);
      expect(said.stderr.startsWith(`note: ${note}`), said.stderr).toBe(true);
    }
    expect((await logs("one", "-n", "0")).stderr).toBe("");
  });

  it("is the newest one, when none is named and none is up", async () => {
    copyWith("older", text);
    utimesSync(at("older", "journal.ndjson"), 1000, 1000);
    const { stdout, stderr, exitCode } = await logs("--json", "--kind", "fault");
    expect([stderr, exitCode]).toEqual(["run folder one, over\n", 0]);
    expect(stdout.split("\n")).toHaveLength(2);
    for (const args of [["report"], ["explain", "slowest@3"], ["trace", "-o", "one.json"]]) {
      const said = await faultplane(folder.path, args);
      expect([said.stderr, said.exitCode]).toEqual(["run folder one, over\n", 0]);
    }
    mkdirSync(at("empty"));
    const none = await faultplane(at("empty"), ["logs"]);
    expect([none.exitCode, none.stderr]).toEqual([
      66,
      expect.stringMatching(/^error\[E001\] there is no run folder, here, in 'runs' or in '/),
    ]);
  });
});

describe("what cannot be", () => {
  const rows: readonly (readonly [args: string, exitCode: number, stderr: RegExp])[] = [
    ["nobody", 66, /^error\[E001\] cannot find run 'nobody': no such folder\n/],
    ["models", 66, /^error\[E001\] '.*models' is no run folder: it has no events\.ndjson\n/],
    ["one --actor node9.gpu0", 2, /E042\] --actor: .*"node9\.gpu0"\n {2}hint: did you mean 'node0/],
    ["one --plane 7", 2, /E042\] --plane: this run has no plane 7\n {2}hint: it has planes 0 to 1/],
    ["one --around lost-nik", 2, /E042\] --around: .*\n {2}hint: did you mean 'lost-nic'\?/],
    ["one --since 1ms --since 2ms", 2, /E041\] --since given twice/],
    ["one --since 2ms --until 1ms", 2, /E040\] --since is later than --until/],
    ["one --tail --json", 2, /E040\] --tail needs a value, got option "--json"/],
    ["one --json --verbose", 2, /E040\] --verbose is for text/],
  ];
  it.each(rows)("%s is refused", async (args, exitCode, stderr) => {
    const said = await logs(...args.split(" "));
    expect([said.exitCode, said.stdout]).toEqual([exitCode, ""]);
    expect(said.stderr).toMatch(stderr);
    expect(said.stderr).not.toMatch(/\n {4}at /);
  });

  it("a torn last line is a note; a damaged one an error, behind what is before it", async () => {
    copyWith("torn", text.slice(0, -20));
    const torn = await logs("torn", "--json");
    expect(torn.exitCode).toBe(0);
    expect(torn.stdout).toBe(text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1));
    expect(torn.stderr).toMatch(/^note: an incomplete last line was left out \(\d+ bytes\)\n$/);
    const record = readFileSync(at("one", "journal.ndjson"), "utf8").trimEnd().split("\n");
    writeFileSync(at("torn", "journal.ndjson"), `${record.slice(0, -1).join("\n")}\n`);
    expect((await logs("torn", "-n", "1")).stderr).toMatch(
      /\nnote: the run was cut off: its process is gone; faultplane resume takes it up\n$/,
    );
    const whole = text.split("\n");
    copyWith("damaged", [...whole.slice(0, 5), whole[5].slice(9), ...whole.slice(6)].join("\n"));
    const damaged = await logs("damaged", "--json");
    expect(damaged.exitCode).toBe(65);
    expect(damaged.stdout).toBe(`${whole.slice(0, 5).join("\n")}\n`);
    expect(damaged.stderr).toMatch(/^error\[E051\] line 6 of events\.ndjson: not a JSON object; /);
  });
});

describe("names that somebody wrote into a log", () => {
  it("are shown and never obeyed", async () => {
    const began = lines.find(({ fact }) => fact === "fault.began") as EventLine;
    const fault = "f\u001b]0;title\u0007\u202e";
    const crafted = [
      { ...began, fault, actor: "node0\u001b[2J" },
      { ...began, fact: "later.\u009b1m", fault, news: ["\u001b[31m"] },
    ];
    copyWith("crafted", crafted.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const { stdout, exitCode } = await logs("crafted", "-v");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "node0\\u001b[2J fault f\\u001b]0;title\\u0007\\u202e began: nic-down",
    );
    expect(stdout).toContain("later.\\u009b1m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe("a log that is larger than memory", () => {
  const COPIES = 2200;
  let sizeBytes = 0;

  beforeAll(() => {
    copyWith("large", "");
    const parts = text.split(/(?<="virtualTimePs":)(\d+)/);
    for (let copy = 0; copy < COPIES; copy += 1) {
      const shifted = parts.map((part, place) => (place % 2 ? Number(part) + copy * 1e12 : part));
      appendFileSync(at("large", "events.ndjson"), shifted.join(""));
    }
    sizeBytes = statSync(at("large", "events.ndjson")).size;
  });

  const HEAP_MIB = 16;
  it.each([
    ["--tail", "2"],
    ["--json", "--around", "lost-nic", "--before", "1ms", "--kind", "fault.began"],
  ])("is read through a small heap: %s %s %s", async (...args) => {
    expect(sizeBytes).toBeGreaterThan(1.5 * HEAP_MIB * 2 ** 20);
    const node = [`--max-old-space-size=${HEAP_MIB}`, COMMAND, "logs", "large"];
    const { stdout, stderr, exitCode } = await program(
      process.execPath,
      [...node, ...args],
      folder.path,
    );
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(args[0] === "--tail" ? 2 : COPIES);
  });

  it("is left alone by who reads only its beginning", async () => {
    const words = `("$0" "$1" logs large --json; echo "code $?" >&2) | head -n 2`;
    const { stdout, stderr } = await program(
      "sh",
      ["-c", words, process.execPath, COMMAND],
      folder.path,
    );
    expect(stdout).toBe(
      text
        .split("\n")
        .slice(0, 2)
        .map((line) => `${line}\n`)
        .join(""),
    );
    expect(stderr).toBe("code 0\n");
  });
});

describe("a run that is up", () => {
  /** Starts one that would take minutes, and waits until it can be controlled. */
  async function start(name: string): Promise<{ readonly ended: Promise<Said> }> {
    const ended = say("run", "small.yaml", "-q", "--speed", "0.00001", "--out", name);
    const isUp = (): boolean => existsSync(at(name, "control.json"));
    await until(isUp, 30_000, () => `no ${name}/control.json`);
    return { ended };
  }

  it("is followed to its end, orders and all", async () => {
    const { ended } = await start("live");
    const following = logs();
    const asJson = logs("live", "--json");
    expect((await say("inject", "slow-gpu", "node0.gpu0", "--set", "slowdown=2")).exitCode).toBe(0);
    const { status } = JSON.parse((await say("status", "live", "--json")).stdout);
    expect(status.tokensPerSecond).toBeGreaterThanOrEqual(0);
    const there = await logs("live", "--no-follow");
    expect([there.exitCode, there.stderr]).toEqual([0, ""]);
    expect((await say("speed", "max")).exitCode).toBe(0);
    expect((await ended).exitCode).toBe(0);
    const events = readFileSync(at("live", "events.ndjson"), "utf8");
    const json = await asJson;
    expect([json.stdout, json.exitCode]).toEqual([events, 0]);
    const { stdout, stderr, exitCode } = await following;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^run folder live, up\nnote: the run is over: finished at .*\n$/);
    const order = stdout.indexOf("order          by operator: fault slow-gpu begins: slow-gpu on");
    expect(order).toBeGreaterThan(0);
    expect(stdout.indexOf("node0.gpu0     fault slow-gpu began")).toBeGreaterThan(order);
    expect(stdout).toContain("order          by operator: speed max");
    // What was followed is what is there.
    const again = await logs("live");
    expect(new Set(again.stdout.split("\n"))).toEqual(new Set(stdout.split("\n")));
  });

  it("is read to its last word, also when that comes with the end of its process", async () => {
    copyWith("last", text);
    const whole = readFileSync(at("last", "journal.ndjson"), "utf8").split("\n");
    writeFileSync(at("last", "journal.ndjson"), `${whole[0]}\n`);
    const lock = new RunLock(at("last"));
    const env = { PATH: process.env.PATH ?? "", HOME: folder.path };
    const child = spawn(process.execPath, [COMMAND, "logs", "last"], { cwd: folder.path, env });
    children.push(child);
    let told = "";
    let isOver = false;
    for await (const piece of child.stdout) {
      told += String(piece);
      // The last fact was told: it waits for more.
      if (isOver || !told.includes("layer 5, 3/3 done")) continue;
      isOver = true;
      const stop = { record: "stop", by: "operator", atPs: 9e9, reason: "enough" };
      appendFileSync(at("last", "journal.ndjson"), `${chainedText([stop])}${whole.at(-2)}\n`);
      lock.release();
    }
    expect(told).toMatch(/order {10}by operator: the run stops: enough\n$/);
  });

  it("is left by Ctrl-C, and goes on", async () => {
    const { ended } = await start("left");
    const env = { PATH: process.env.PATH ?? "", HOME: folder.path };
    const child = spawn(process.execPath, [COMMAND, "logs", "left"], { cwd: folder.path, env });
    children.push(child);
    expect((await say("pause", "left")).exitCode).toBe(0);
    let told = "";
    for await (const piece of child.stdout) {
      told += String(piece);
      if (told.includes("by operator: paused")) break;
    }
    child.kill("SIGINT");
    const [exitCode] = await once(child, "exit");
    expect(exitCode).toBe(130);
    expect((await say("stop", "left")).exitCode).toBe(0);
    expect((await ended).exitCode).toBe(3);
  });
});
