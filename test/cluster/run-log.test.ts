/**
 * A run's two files read as one log: by the instants of virtual time, while they grow, when they
 * were cut back, damaged or replaced, and through the eyes of an operator of a blind drill. The
 * writers are those of a run.
 */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { BlindReader, BlindSession } from "../../cluster/blind.ts";
import { EventLines } from "../../cluster/event-log.ts";
import { makeHeader } from "../../cluster/journal.ts";
import { chainedText } from "../../cluster/journal-chain.ts";
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import { LineTail } from "../../cluster/line-tail.ts";
import { RunLog, readOrders } from "../../cluster/run-log.ts";
import { TokenRate } from "../../cluster/token-rate.ts";
import type { Fact, FactRecord } from "../../src/model/fact.ts";
import type { EventLine } from "../../src/observe/event-line.ts";
import { journalLine } from "../../src/observe/journal-line.ts";
import { tinyScenario } from "../support/scenarios.ts";

const ACTORS = ["node0.gpu0", "node1.gpu0"];
const top = mkdtempSync(join(tmpdir(), "faultplane-log-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let folder = "";
const events = (): string => join(folder, "events.ndjson");
const journal = (): string => join(folder, "journal.ndjson");

const HEADER = makeHeader({
  ...{ faultplane: "0", runId: "r", seed: "1", scenarioHash: "ab", node: "20" },
  ...{ placement: "single", speed: 1 },
});
const ASSIGNMENTS = { dispatched: 0, combined: 0, masked: 0, lost: 0 };
const END = { record: "end", end: "finished", digest: "aa", virtualTimePs: 9, events: 1 };

function said(atPs: number, fact: Fact, actor = 0): FactRecord {
  return { atPs, actor, index: 0, fact };
}

const admitted = (atPs: number): FactRecord =>
  said(atPs, { type: "rank.admitted", rank: "node1.gpu0" });

/** Facts as the event log writes them. */
const text = (records: readonly FactRecord[]): string =>
  new EventLines(ACTORS).of(records).join("");
const note = (by: string, atPs: number) => ({ record: "note", by, atPs, text: `by ${by}` });

beforeEach(() => {
  folder = mkdtempSync(join(top, "run-"));
  writeFileSync(events(), "");
  writeFileSync(journal(), chainedText([HEADER]));
});

/** Everything that is there: instants, with the kind of lines of the journal. */
function readAll(log: RunLog): (number | string)[] {
  const found: (number | string)[] = [];
  for (let empty = 0; empty < 2; ) {
    const items = log.next();
    empty = items.length === 0 ? empty + 1 : 0;
    for (const { line } of items) {
      const { actor, virtualTimePs } = line;
      found.push(ACTORS.includes(actor) ? virtualTimePs : `${actor} ${virtualTimePs}`);
    }
  }
  return found;
}

describe("the log of a run", () => {
  it("has facts, orders and hosts by their instants, an order before what it does", () => {
    writeFileSync(events(), text([1, 5, 5, 9].map(admitted)));
    const records = [
      HEADER,
      { record: "epoch", epoch: 0, digest: "aa" },
      // A drill's order for later is written down now.
      note("drill", 8),
      note("operator", 5),
      { record: "host", event: "worker-lost", atPs: 7, detail: "gone" },
      note("operator", 12),
      { ...END, assignments: ASSIGNMENTS },
    ];
    writeFileSync(journal(), chainedText(records));
    const log = new RunLog(folder);
    expect(readAll(log)).toEqual([1, "order 5", 5, 5, "host 7", "order 8", 9, "order 12"]);
    expect(log.end).toMatchObject({ end: "finished" });
    log.close();
    expect(readOrders(folder).map(({ record, atPs }) => [record, atPs])).toEqual([
      ["note", 8],
      ["note", 5],
      ["note", 12],
    ]);
  });

  it("is read no farther than its facts were given, whatever the journal says", () => {
    const many = Array.from({ length: 20_000 }, (_, place) => admitted(place));
    writeFileSync(events(), text(many));
    const commit = { record: "commit", atPs: 20_000, lines: many.length };
    writeFileSync(journal(), chainedText([HEADER, commit]));
    const log = new RunLog(folder);
    let given = 0;
    for (let idle = 0; idle < 3; ) {
      const items = log.next();
      given += items.length;
      idle = items.length === 0 ? idle + 1 : 0;
      if (log.readPs > 0) expect(given).toBe(many.length);
      expect(log.reachedPs).toBe(20_000);
    }
    expect([log.readPs, given]).toEqual([20_000, many.length]);
    log.close();
  });

  it("gives lines as they stand in their files", () => {
    writeFileSync(events(), text([admitted(1), admitted(2)]));
    appendFileSync(journal(), `${chainedText([HEADER, note("operator", 1)]).split("\n")[1]}\n`);
    const log = new RunLog(folder);
    const texts = log.next().map((item) => `${item.text}\n`);
    log.close();
    const [, order] = readFileSync(journal(), "utf8").split("\n");
    const [first, second] = new EventLines(ACTORS).of([admitted(1), admitted(2)]);
    expect(texts).toEqual([`${order}\n`, first, second]);
  });

  it("waits for the end of a line that is being written", () => {
    const [first, second] = new EventLines(ACTORS).of([admitted(1), admitted(2)]);
    writeFileSync(events(), first + second.slice(0, 40));
    const log = new RunLog(folder);
    expect(readAll(log)).toEqual([1]);
    expect(log.tornBytes).toBe(40);
    appendFileSync(events(), second.slice(40));
    expect(readAll(log)).toEqual([2]);
    expect(log.tornBytes).toBe(0);
    log.close();
  });

  it("holds an order until the facts before it have come, and tells it though none does", () => {
    writeFileSync(events(), text([admitted(1)]));
    appendFileSync(journal(), `${chainedText([note("operator", 8)])}`);
    const log = new RunLog(folder);
    expect(log.next().map(({ line }) => line.virtualTimePs)).toEqual([1]);
    expect(log.next()).toEqual([]);
    appendFileSync(events(), text([admitted(6), admitted(7)]));
    expect(readAll(log)).toEqual([6, 7, "order 8"]);
    log.close();
  });

  it("holds a drill's order for later until virtual time is there", () => {
    appendFileSync(journal(), chainedText([note("drill", 20)]));
    const log = new RunLog(folder);
    expect(readAll(log)).toEqual([]);
    appendFileSync(journal(), chainedText([{ record: "commit", atPs: 20, lines: 0 }]));
    expect(readAll(log)).toEqual(["order 20"]);
    expect(log.reachedPs).toBe(20);
    log.close();
  });

  it("goes on behind the place where a run that was taken up cut its files", () => {
    const whole = text([1, 2, 3].map(admitted));
    writeFileSync(events(), whole);
    const log = new RunLog(folder);
    expect(readAll(log)).toEqual([1, 2, 3]);
    expect(log.followCut()).toBe(false);
    truncateSync(events(), text([admitted(1)]).length);
    expect(log.followCut()).toBe(true);
    appendFileSync(events(), text([admitted(4)]));
    expect(readAll(log)).toEqual([4]);
    log.close();
  });

  it("says when another run has taken the folder", () => {
    const log = new RunLog(folder);
    expect(log.isReplaced).toBe(false);
    renameSync(events(), join(folder, "old"));
    expect(log.isReplaced).toBe(true);
    writeFileSync(events(), "");
    expect(log.isReplaced).toBe(true);
    log.close();
  });

  const lines = new EventLines(ACTORS).of([1, 2, 3, 4].map(admitted));
  it.each([
    ["a torn line", `${lines[2].slice(0, 30)}\n`, "not a JSON object"],
    ["an empty line", "\n", "not a JSON object"],
    ["another object", '{"a":1}\n', "no 'fact'"],
    ["a fact without a field", lines[2].replace('"rank"', '"rang"'), "rank.admitted without its"],
    ["a fact without a level", lines[2].replace("info", "trace"), "no 'level' of info, warn, er"],
  ])("names the line of %s in the middle, when all before was given", (_what, third, problem) => {
    writeFileSync(events(), lines[0] + lines[1] + third + lines[3]);
    const log = new RunLog(folder);
    expect(log.next().map(({ line }) => line.virtualTimePs)).toEqual([1, 2]);
    expect(() => log.next()).toThrowError(
      expect.objectContaining({
        ...{ code: "E051", exitCode: 65 },
        message: expect.stringContaining(`line 3 of events.ndjson: ${problem}`),
      }),
    );
    log.close();
  });

  it("names the line of the journal that is none, and a journal of another version", () => {
    appendFileSync(journal(), '{"record":"news"}\n');
    const log = new RunLog(folder);
    expect(() => log.next()).toThrow(/^journal.ndjson: line 2: unknown record "news"; log was/);
    log.close();
    writeFileSync(journal(), '{"format":"faultplane-journal","version":99}\n');
    expect(() => readOrders(folder)).toThrow(/version 99/);
  });

  it("needs both files", () => {
    rmSync(journal());
    expect(() => new RunLog(folder)).toThrow(/journal\.ndjson': no such file/);
    rmSync(events());
    expect(() => new RunLog(folder)).toThrow(/events\.ndjson': no such file/);
  });
});

describe("lines of a file", () => {
  it("may be longer than a piece, and come whole however the pieces fall", () => {
    const texts = ["a", "é".repeat(400_000), "", "z".repeat(262_143), "b"];
    writeFileSync(events(), `${texts.join("\n")}\n`);
    const tail = new LineTail(events());
    const found: string[] = [];
    for (let lines = tail.read(); lines.length > 0; lines = tail.read()) {
      for (const { text, number } of lines) {
        found.push(text);
        expect(number).toBe(found.length);
      }
    }
    tail.close();
    expect(found).toEqual(texts);
  });

  it("are never read behind the place that was asked for", () => {
    writeFileSync(events(), "aa\nbb\ncc\n");
    const tail = new LineTail(events());
    expect(tail.read(7).map(({ text }) => text)).toEqual(["aa", "bb"]);
    expect(tail.read(7)).toEqual([]);
    expect(tail.read().map(({ text }) => text)).toEqual(["cc"]);
    tail.close();
  });

  it("of a pipe or a folder are refused", () => {
    expect(() => new LineTail(folder)).toThrow(/it is a directory/);
  });
});

describe("the reader of a blind drill", () => {
  const kind = "nic-down";
  const facts = (fault: string): Fact[] => [
    { type: "fault.began", fault, kind, target: "node1.gpu0" },
    { type: "fault.changed", fault, kind, target: "node1.gpu0", permille: 5 },
    { type: "rank.masked", rank: ACTORS[1], fault, assignments: 1, reason: "no-answer" },
    { type: "copy.corrupted", from: ACTORS[1], layer: 1, step: 0, token: 2, fault },
    {
      ...{ type: "combine.mismatched", layer: 1, step: 0, token: 2, fault },
      ...{ expected: "0", actual: "1" },
    },
    { type: "fault.healed", fault, kind, target: "node1.gpu0" },
  ];
  const order = (by: "drill" | "operator", name: string): JournalOrder => ({
    ...{ record: "fault", by, name, kind, targets: ["node1.nic0"], atPs: 1 },
  });

  it("sees of facts what the terminal of the run shows", () => {
    const session = new BlindSession();
    session.ordered([order("operator", "operator.own"), order("drill", "hidden")]);
    const reader = new BlindReader();
    for (const one of [order("operator", "operator.own"), order("drill", "hidden")]) {
      reader.veil(journalLine({ ...one }) as EventLine);
    }
    const records = ["hidden", "operator.own", "none"].flatMap(facts).map((fact) => said(5, fact));
    const parsed = (some: readonly FactRecord[]): EventLine[] =>
      new EventLines(ACTORS).of(some).map((one) => JSON.parse(one));
    const seen = parsed(records).flatMap((one) => reader.veil(one) ?? []);
    const bare = (lines: readonly EventLine[]) => lines.map((line) => ({ ...line, index: 0 }));
    expect(bare(seen)).toEqual(bare(parsed(session.veil(records))));
    // A number that is left out would tell who hides something.
    for (const actor of new Set(seen.map((line) => line.actor))) {
      const own = seen.filter((line) => line.actor === actor).map(({ index }) => index);
      expect(own).toEqual([...own.keys()]);
    }
    expect(JSON.stringify(seen)).not.toContain("hidden");
    expect(seen.filter(({ fact }) => fact === "fault.began")).toHaveLength(1);
  });

  it("sees what operators ordered, and nothing of what the drill did", () => {
    const reader = new BlindReader();
    const heal = (fault: string) => ({ record: "heal", by: "operator", fault, atPs: 2 });
    const records = [
      order("operator", "operator.own"),
      order("drill", "hidden"),
      { record: "host", event: "host-fault", atPs: 1, detail: "hidden: kill" },
      { record: "host", event: "worker-lost", atPs: 1, detail: "worker 1 is gone" },
      // `heal all`, of an operator who cannot know.
      heal("hidden"),
      heal("operator.own"),
      note("operator", 3),
      { record: "stop", by: "drill", atPs: 3, reason: "hidden" },
    ];
    const seen = records.flatMap((one) => reader.veil(journalLine({ ...one }) as EventLine) ?? []);
    expect(seen.map(({ fact }) => fact)).toEqual([
      ...["order.fault", "host.worker-lost", "order.heal", "order.note"],
    ]);
    expect(JSON.stringify(seen)).not.toContain("hidden");
  });

  it("sees nothing that this version does not know to hide", () => {
    const later = { level: "warn", virtualTimePs: 1, actor: "a", index: 0, fact: "fault.moved" };
    expect(new BlindReader().veil(later as EventLine)).toBeUndefined();
  });
});

describe("tokens a second", () => {
  const combined = (atPs: number, actor: number): FactRecord =>
    said(
      atPs,
      {
        ...{ type: "combine.completed", layer: 1, step: 0, chain: "batch0" },
        ...{ combined: 8, masked: 0, durationPs: 1 },
      },
      actor,
    );
  const US = 1e6;
  /** Eight ranks that each end an exchange every 10 us. */
  const exchanges = (count: number): FactRecord[] =>
    Array.from({ length: count }, (_, turn) =>
      Array.from({ length: 8 }, (_, rank) => combined((turn + 1) * 10 * US, rank)),
    ).flat();

  it("are those of the last four exchanges of each rank, until now", () => {
    const rate = new TokenRate(tinyScenario());
    expect(rate.at(0)).toBe(0);
    rate.take(exchanges(2));
    // Three layers with experts, two experts a token: 8 x 8 / 6 tokens in 10 us.
    const steady = 64 / 6 / 10e-6;
    expect(rate.at(20 * US)).toBeCloseTo(steady, 3);
    rate.take(exchanges(20));
    expect(rate.at(200 * US)).toBeCloseTo(steady, 3);
    // The fleet stands still: the same tokens, in twice the time, then in ten times.
    expect(rate.at(240 * US)).toBeCloseTo(steady / 2, 3);
    expect(rate.at(560 * US)).toBeCloseTo(steady / 10, 3);
  });

  it("are none of exchanges alone", () => {
    const rate = new TokenRate(tinyScenario({ workload: { phase: "all-to-all" } }));
    rate.take(exchanges(2));
    expect(rate.at(20 * US)).toBeNull();
  });
});
