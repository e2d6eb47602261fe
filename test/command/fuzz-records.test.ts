/**
 * Damaged records of a real run: whatever is done to its journal or its event log, a replay says
 * which line it was, or that the run was cut off, and never that something changed is equal. 500
 * cases; FAULTPLANE_RECORD_CASES asks for more. A failure prints its seed and what was done.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OperatingError } from "../../cluster/errors.ts";
import { chainedLine } from "../../cluster/journal-chain.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import {
  type EqualReplay,
  type RecordedFolder,
  readFolder,
  replayFolder,
} from "../../scripts/commands/replay-folder.ts";
import { type RandomStream, streamOf } from "../../src/base/random.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { directorOf, recordRun } from "../support/run-folders.ts";
import { tinyScenario } from "../support/scenarios.ts";

const CASES = Number(process.env.FAULTPLANE_RECORD_CASES ?? 500);
const base = mkdtempSync(join(tmpdir(), "faultplane-fuzz-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const at = (...names: string[]): string => join(base, ...names);

type Log = typeof RunFile.journal | typeof RunFile.events;
const good = new Map<Log, Buffer>();
const damagedPath = at("damaged");

beforeAll(async () => {
  const scenario = tinyScenario({
    workload: { steps: 2 },
    transport: { ackTimeoutExponent: 8, retryCount: 2 },
    // Slow enough for some commits, which come by the wall clock.
    run: { speed: 0.008 },
  });
  const fault = { name: "cut", kind: "nic-down", targets: ["node1.nic2"], atPs: 2e7 } as const;
  const seen = { record: "host", event: "agent-joined", atPs: 0, detail: "host1 joined" } as const;
  await recordRun(scenario, at("run"), {
    director: directorOf([
      [2e7, { faults: [fault], heals: [] }],
      [1.5 * PS_PER_MS, { faults: [], heals: [{ fault: "cut", atPs: 1.5 * PS_PER_MS }] }],
    ]),
    written: (count, recorder) => {
      if (count === 2) recorder.observed([seen]);
    },
  });
  for (const log of [RunFile.journal, RunFile.events] as const) {
    good.set(log, readFileSync(at("run", log)));
  }
  cpSync(at("run"), damagedPath, { recursive: true });
});

/** What a replay of the damaged folder says: equal, or the error for the operator. */
async function replay(): Promise<EqualReplay | OperatingError> {
  let recorded: RecordedFolder | undefined;
  try {
    recorded = readFolder(damagedPath);
    const said = await replayFolder(recorded, new AbortController().signal, () => undefined);
    if (said === undefined) throw new Error("nobody stopped the replay");
    return said;
  } catch (error) {
    // Anything else would be printed as a bug, or with its stack.
    if (error instanceof OperatingError) return error;
    throw error;
  } finally {
    recorded?.events.close();
  }
}

/** Lines with their line ends; the last one may lack it. */
function linesOf(bytes: Buffer): string[] {
  return bytes.toString("latin1").split(/(?<=\n)/);
}

/** The first line, from 1, in which two logs differ; one more than there are when none does. */
function firstDifference(left: readonly string[], right: readonly string[]): number {
  const place = left.findIndex((line, index) => line !== right[index]);
  return (place < 0 ? left.length : place) + 1;
}

/** One way to damage a log, and words for it. */
type Damage = (bytes: Buffer, random: RandomStream) => readonly [Buffer, string];

const flip: Damage = (bytes, random) => {
  const place = random.below(bytes.length);
  const bit = random.below(8);
  const after = Buffer.from(bytes);
  after[place] ^= 1 << bit;
  return [after, `bit ${bit} of byte ${place} flipped`];
};

const cut: Damage = (bytes, random) => {
  const length = random.below(bytes.length);
  return [bytes.subarray(0, length), `cut to ${length} bytes`];
};

/** What a crash, or a slip of a hand, leaves behind the last line. */
const append: Damage = (bytes, random) => {
  const tails = ["\0\0\0\0", "\n", "x", "{}\n", '{"level":"info"'];
  const tail = tails[random.below(tails.length)];
  return [Buffer.concat([bytes, Buffer.from(tail)]), `${JSON.stringify(tail)} put behind it`];
};

/** A damage to whole lines. */
const withLines =
  (change: (lines: string[], from: number, to: number) => void, words: string): Damage =>
  (bytes, random) => {
    const lines = linesOf(bytes);
    const from = random.below(lines.length);
    const to = random.below(lines.length);
    change(lines, from, to);
    return [Buffer.from(lines.join(""), "latin1"), `line ${from + 1} ${words} ${to + 1}`];
  };

const DAMAGES: readonly Damage[] = [
  flip,
  flip,
  cut,
  append,
  withLines((lines, from) => lines.splice(from, 1), "deleted, not"),
  withLines((lines, from) => lines.splice(from, 0, lines[from]), "doubled, not"),
  withLines((lines, from, to) => {
    [lines[from], lines[to]] = [lines[to], lines[from]];
  }, "swapped with"),
  withLines((lines, from, to) => lines.splice(to, 0, lines[from]), "put in before"),
  withLines((lines, from) => {
    // With a chain value of its own, but none of this chain.
    const { text } = chainedLine("", { record: "epoch", epoch: from, digest: "0123456789abcdef" });
    lines.splice(from, 0, `${text}\n`);
  }, "has a stranger before it, not"),
];

/** Damages one log, replays, and holds what is said against what was done. */
async function check(log: Log, after: Buffer, what: string): Promise<string> {
  const before = good.get(log) as Buffer;
  for (const [name, bytes] of good)
    writeFileSync(join(damagedPath, name), name === log ? after : bytes);
  const said = await replay();
  const lines = linesOf(after);
  const first = firstDifference(lines, linesOf(before));
  const words =
    said instanceof OperatingError ? `${said.code} ${said.message}` : JSON.stringify(said);
  const context = `${log}: ${what}, first different line ${first}: ${words}`;
  if (after.equals(before)) {
    expect(said, context).toMatchObject({ equal: true, whole: true });
    return "unchanged";
  }
  if (!(said instanceof OperatingError)) {
    // Equal, but only what a run that was cut off had committed before the first change.
    expect(log, context).toBe(RunFile.journal);
    expect(said.whole, context).toBe(false);
    const isWholeLine = (line: string): boolean => line.endsWith("\n");
    expect(lines.filter(isWholeLine).length, context).toBeLessThan(first);
    return "cut off";
  }
  expect([65, 66, 70], context).toContain(said.exitCode);
  const isHeader = log === RunFile.journal && first === 1;
  if (log === RunFile.events) {
    expect(said.code, context).toBe("E053");
    expect(said.message, context).toContain(`(line ${first} of events.ndjson)`);
  } else if (said.code === "E051") {
    expect(said.message, context).toContain(`line ${first.toLocaleString("en-US")}: `);
  } else {
    expect([isHeader ? "E050" : "E054"], context).toContain(said.code);
  }
  return said.code;
}

it("the record is what the cases need", async () => {
  const journal = (good.get(RunFile.journal) as Buffer).toString("utf8");
  for (const record of ["epoch", "commit", "fault", "heal", "host", "end"]) {
    expect(journal).toContain(`"record":"${record}"`);
  }
  expect(journal.match(/"record":"commit"/g)?.length).toBeGreaterThan(2);
  expect(await check(RunFile.journal, good.get(RunFile.journal) as Buffer, "as it was")).toBe(
    "unchanged",
  );
});

it("a journal that ends at any of its lines is one that was cut off", async () => {
  const lines = linesOf(good.get(RunFile.journal) as Buffer);
  const found = new Set<string>();
  for (let count = 0; count < lines.length; count += 1) {
    const after = Buffer.from(lines.slice(0, count).join(""), "latin1");
    found.add(await check(RunFile.journal, after, `cut to ${count} lines`));
  }
  expect([...found].sort()).toEqual(["E050", "E054", "cut off"]);
});

it(`nothing that was changed is called equal: ${CASES} cases`, {
  timeout: 60_000 + CASES * 200,
}, async () => {
  const seed = process.env.FAULTPLANE_RECORD_SEED ?? "20260801";
  const counts: Record<string, number> = {};
  for (let number = 0; number < CASES; number += 1) {
    const random = streamOf(seed, `case ${number}`);
    const log = random.below(4) > 0 ? RunFile.journal : RunFile.events;
    const damage = DAMAGES[random.below(DAMAGES.length)];
    const [after, what] = damage(good.get(log) as Buffer, random);
    const outcome = await check(log, after, `seed ${seed}, case ${number}: ${what}`);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  expect(Object.keys(counts).sort()).toEqual(
    expect.arrayContaining(["E050", "E051", "E053", "cut off"]),
  );
});

it("what is behind the last commit is never called equal, whatever stands there", async () => {
  const journal = linesOf(good.get(RunFile.journal) as Buffer);
  const commits = journal
    .map((line, index) => [line, index] as const)
    .filter(([line]) => line.includes('"record":"commit"'));
  const [line, place] = commits[Math.floor(commits.length / 2)];
  const { lines: committed } = JSON.parse(line) as { lines: number };
  writeFileSync(join(damagedPath, RunFile.journal), journal.slice(0, place + 1).join(""), "latin1");
  const events = linesOf(good.get(RunFile.events) as Buffer);
  expect(committed).toBeLessThan(events.length - 3);
  for (const tail of [events.slice(committed), ["forged\n", "forged\n"], ["half a l"], []]) {
    const lines = [...events.slice(0, committed), ...tail];
    writeFileSync(join(damagedPath, RunFile.events), lines.join(""), "latin1");
    const whole = tail.filter((one) => one.endsWith("\n")).length;
    const bytes = whole === tail.length ? 0 : tail[tail.length - 1].length;
    expect(await replay()).toMatchObject({
      equal: true,
      whole: false,
      facts: committed,
      unverified: { lines: whole, bytes },
    });
  }
});
