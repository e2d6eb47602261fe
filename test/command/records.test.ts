/**
 * The files of a run and its verdict, without running one: journal, event log, resolved file,
 * report.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EventLines, EventLog } from "../../cluster/event-log.ts";
import { makeHeader, parseJournal, readJournal } from "../../cluster/journal.ts";
import { chainedText } from "../../cluster/journal-chain.ts";
import { JournalWriter } from "../../cluster/journal-writer.ts";
import { committedTotals } from "../../cluster/report.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import {
  formatResolved,
  parseResolved,
  planRunFolder,
  RunFile,
  RunFolder,
} from "../../cluster/run-folder.ts";
import { makeRunId } from "../../cluster/run-id.ts";
import { StoryTeller } from "../../cluster/run-story.ts";
import { shellWord } from "../../scripts/commands/next-steps.ts";
import { judgeRun } from "../../src/drill/run-verdict.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { levelOf } from "../../src/observe/fact-catalogue.ts";

const folder = mkdtempSync(join(tmpdir(), "faultplane-records-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const began: FactRecord = {
  atPs: 6e9,
  actor: 1,
  index: 3,
  fact: { type: "fault.began", fault: "f", kind: "nic-down", target: "b" },
};

const header = makeHeader({
  faultplane: "0.1.0",
  runId: "r",
  seed: "1",
  scenarioHash: "00",
  node: "20",
  placement: "node",
  speed: "max",
});

describe("event log", () => {
  it("is one NDJSON line a fact, in a fixed form", () => {
    expect(new EventLines(["a", "b"]).of([began])).toEqual([
      '{"level":"warn","virtualTimePs":6000000000,"virtualTime":"6.000 ms","actor":"b","index":3,' +
        '"fact":"fault.began","fault":"f","kind":"nic-down","target":"b"}\n',
    ]);
  });

  it("warns of what a run survives, and calls only a wrong sum an error", () => {
    const failed = { type: "qp.failed", peer: "node1.nic0", outstanding: 3 } as const;
    expect(levelOf(failed)).toBe("warn");
    const [line] = new EventLines(["a", "b"]).of([{ ...began, fact: failed }]);
    expect(JSON.parse(line)).toMatchObject({ level: "warn", fact: "qp.failed", outstanding: 3 });
    const sums = { layer: 3, step: 0, token: 1, expected: "00", actual: "01", fault: "none" };
    expect(levelOf({ type: "combine.mismatched", ...sums })).toBe("error");
    expect(levelOf({ type: "qp.retransmitted", peer: "b", packets: 1, cause: "nak" })).toBe("info");
  });

  it("says E060 when the disk is full, with the last safe instant", () => {
    const log = new EventLog("/dev/full", ["a", "b"], "device");
    let error: unknown;
    try {
      log.write([began], 5e9);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "E060",
      exitCode: 74,
      message:
        "run log cannot be written (no space left); stopped at virtual time 5.000 ms, " +
        "everything before is safe",
    });
    expect(log.lines).toBe(0);
    log.close();
  });
});

describe("journal", () => {
  it("reads what it wrote", () => {
    const path = join(folder, "journal.ndjson");
    const assignments = { dispatched: 4, combined: 3, masked: 1, lost: 0 };
    const end = { end: "finished", digest: "ab", virtualTimePs: 9, events: 7, assignments };
    const fault = { name: "f", kind: "gpu-dead", targets: ["a"], atPs: 5 } as const;
    const writer = JournalWriter.create(path, header);
    writer.write([{ record: "epoch", epoch: 0, digest: "aa" }], 0);
    writer.write(
      [
        { record: "fault", by: "operator", ...fault },
        { record: "heal", by: "drill", fault: "f", atPs: 7 },
        { record: "end", ...end },
      ],
      0,
    );
    writer.close();
    expect(readJournal(path)).toMatchObject({
      header,
      epochs: [{ epoch: 0, digest: "aa" }],
      orders: [
        { record: "fault", by: "operator", ...fault },
        { record: "heal", by: "drill", fault: "f", atPs: 7 },
      ],
      orderLines: [3, 4],
      end,
      tornBytes: 0,
    });
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(6);
  });

  it("forgives a torn last line and nothing else", () => {
    const first = chainedText([header]);
    expect(parseJournal(`${first}{"record":"ep`).tornBytes).toBe(13);
    expect(() => parseJournal(`${first}{"record":"ep\n`)).toThrow("line 2: hash chain broken");
    expect(() => parseJournal("")).toThrow("not a run log: first line lacks 'format'");
    expect(() => parseJournal(first.slice(0, -1))).toThrow("first line is incomplete");
    const wish = chainedText([header, { record: "wish" }]);
    expect(() => parseJournal(wish)).toThrow('unknown record "wish"');
    const ended = chainedText([
      header,
      { record: "end", end: "stuck", digest: "", virtualTimePs: 1 },
    ]);
    expect(() => parseJournal(`${ended}{`)).toThrow("line 3: a record after the end");
    const back = [
      { record: "commit", atPs: 5, lines: 3 },
      { record: "commit", atPs: 6, lines: 2 },
    ];
    expect(() => parseJournal(chainedText([header, ...back]))).toThrow("line 3: a commit before");
  });

  it("names the line whose chain is broken, with commas between thousands", () => {
    const epochs = Array.from({ length: 9200 }, (_, epoch) => ({
      record: "epoch",
      epoch,
      digest: "ab",
    }));
    const lines = chainedText([header, ...epochs]).split("\n");
    [lines[9119], lines[9120]] = [lines[9120], lines[9119]];
    let error: unknown;
    try {
      parseJournal(lines.join("\n"));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "E051",
      exitCode: 65,
      message: "line 9,120: hash chain broken; log was altered or damaged",
    });
  });

  it("knows where it would go on: behind what is whole, before an end", () => {
    const lines = [header, { record: "commit", atPs: 5, lines: 3 }];
    const cut = parseJournal(`${chainedText(lines)}{"rec`);
    expect(cut.commit).toEqual({ atPs: 5, lines: 3 });
    expect(cut.tail.bytes).toBe(chainedText(lines).length);
    const end = { record: "end", end: "interrupted", digest: "ab", virtualTimePs: 5 };
    expect(parseJournal(chainedText([...lines, end])).tail).toEqual(cut.tail);
  });
});

describe("a run folder that is replaced", () => {
  const path = join(folder, "again");
  const planned = () =>
    planRunFolder({ runId: "r", out: path, force: true, environment: {}, home: folder });
  const text = (name: string): string => readFileSync(join(path, name), "utf8");
  const write = (words: string): void => {
    const run = new RunFolder(planned());
    run.write(RunFile.journal, words);
    run.write(RunFile.resolved, words);
    run.settle();
    run.release();
  };

  it("keeps the older run until the new one has begun, and what is not of a run for ever", () => {
    write("first");
    writeFileSync(join(path, "notes.txt"), "mine");
    const second = new RunFolder(planned());
    second.write(RunFile.journal, "second");
    const [aside] = readdirSync(path).filter((name) => name.startsWith(".replaced-"));
    expect(text(join(aside, RunFile.resolved))).toBe("first");
    second.settle();
    second.settle();
    expect(() => planned()).toThrow(`is still up (process ${process.pid})`);
    second.release();
    expect(readdirSync(path).sort()).toEqual(["journal.ndjson", "notes.txt"]);
    expect(text(RunFile.journal)).toBe("second");
  });

  it("has a whole file or none, and says E060 when it cannot be written", () => {
    const run = new RunFolder(planned());
    mkdirSync(join(path, RunFile.reportJson));
    let error: unknown;
    try {
      run.write(RunFile.reportJson, "{}");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "E060",
      exitCode: 74,
      message: "report.json cannot be written (EISDIR)",
    });
    expect(readdirSync(path).filter((name) => name.endsWith(".new"))).toEqual([]);
    rmdirSync(join(path, RunFile.reportJson));
    run.remove();
  });

  it("has the older run again when the new one did not begin", () => {
    write("third");
    const fourth = new RunFolder(planned());
    fourth.write(RunFile.scenario, "fourth");
    fourth.write(RunFile.journal, "fourth");
    fourth.remove();
    fourth.remove();
    expect(readdirSync(path).sort()).toEqual(["journal.ndjson", "notes.txt", "resolved.json"]);
    expect([text(RunFile.journal), text(RunFile.resolved)]).toEqual(["third", "third"]);
  });
});

describe("resolved scenario", () => {
  it("keeps bytes", () => {
    const table = { topK: 1, layers: [0], tokensOfRank: [1], experts: new Uint8Array([7, 0, 255]) };
    const scenario = { routing: { source: "file", path: "x", table } } as unknown as Scenario;
    const read = parseResolved(formatResolved({ scenario, scenarioHash: "hash" }));
    expect(read).toEqual({ scenario, scenarioHash: "hash" });
  });
});

/** What the story of a run needs of its scenario. */
const TOLD = {
  cluster: { nodes: 1, gpusPerNode: 2 },
  model: { first_k_dense_replace: 0, num_experts_per_tok: 2 },
  workload: { phase: "decode", layers: [3], acceptedTokensPerStep: 1 },
};

describe("verdict", () => {
  const scenario = {
    faults: [{ name: "f", kind: "nic-down", targets: ["x"], atPs: 1 }],
    run: { speed: 0.5, lagBudgetSeconds: 1 },
  } as unknown as Scenario;
  const good: RunOutcome = {
    end: "finished",
    digest: "00",
    virtualTimePs: 1,
    wallSeconds: 1,
    maxLagSeconds: 0,
    events: 1,
    windows: 1,
    processes: 1,
    peakRssBytes: 1,
    assignments: { dispatched: 10, combined: 7, masked: 2, lost: 1 },
    byFault: [],
    mismatches: 0,
    corrupted: 0,
    unexplained: 0,
    violations: [],
    faultsBegun: ["f"],
    fabric: {},
    epochsClosed: [],
    traffic: [],
  };
  const rows: readonly (readonly [string, Partial<RunOutcome>, string, readonly string[]])[] = [
    ["a good run", {}, "PASS", []],
    ["one wrong result", { mismatches: 1 }, "FAIL", ["1 combined results differ from the oracle"]],
    ["results that a fault corrupted, which are explained", { corrupted: 3 }, "PASS", []],
    [
      "an assignment without an end",
      { assignments: { dispatched: 10, combined: 7, masked: 2, lost: 0 } },
      "FAIL",
      ["accounts do not balance: 10 dispatched, 9 ended"],
    ],
    ["a broken invariant", { violations: ["x"] }, "FAIL", ["x"]],
    [
      "a fault that never began",
      { faultsBegun: [] },
      "INVALID",
      ["fault 'f' never began: the run was over before"],
    ],
    ["lag", { maxLagSeconds: 1.5 }, "INVALID", ["ran 1.500 s late; the lag budget is 1 s"]],
    [
      "nothing done",
      { assignments: { dispatched: 0, combined: 0, masked: 0, lost: 0 } },
      "INVALID",
      ["nothing was dispatched"],
    ],
    [
      "interrupted, with frames still on their way",
      {
        end: "interrupted",
        violations: ["frames"],
        assignments: { dispatched: 10, combined: 7, masked: 0, lost: 0 },
      },
      "INVALID",
      ["interrupted"],
    ],
    ["stuck", { end: "stuck", detail: "no event" }, "FAIL", ["stuck: no event"]],
    [
      "a wrong result goes first",
      { mismatches: 2, end: "interrupted" },
      "FAIL",
      ["2 combined results differ from the oracle"],
    ],
  ];
  it.each(rows)("of %s", (_what, change, verdict, reasons) => {
    expect(judgeRun(scenario, { ...good, ...change })).toEqual({ verdict, reasons });
  });

  it("of a lost worker counts the wrong results of completed layers", () => {
    const teller = new StoryTeller({ ...scenario, ...TOLD } as unknown as Scenario);
    const at = { layer: 3, step: 0 };
    const combine = { ...at, chain: "batch0", combined: 6, masked: 2, durationPs: 5 };
    const sums = { ...at, token: 1, expected: "00", actual: "01", fault: "none" };
    teller.take([
      { ...began, fact: { type: "combine.completed", ...combine } },
      { ...began, fact: { type: "combine.mismatched", ...sums } },
      { ...began, fact: { type: "combine.mismatched", ...sums, token: 2, fault: "flips" } },
    ]);
    const nothing = { dispatched: 0, combined: 0, masked: 0, lost: 0 };
    const lost: RunOutcome = { ...good, end: "worker-lost", assignments: nothing };
    const known = committedTotals(lost, teller.tell());
    expect(known.assignments).toEqual({ dispatched: 8, combined: 6, masked: 2, lost: 0 });
    expect([known.mismatches, known.corrupted]).toEqual([1, 1]);
    expect(judgeRun(scenario, known).verdict).toBe("FAIL");
    expect(committedTotals(good, teller.tell())).toBe(good);
  });
});

describe("the faults of a run", () => {
  const told = {
    ...TOLD,
    faults: [
      { name: "f", kind: "nic-down", targets: ["b"], atPs: 1, healAtPs: 9e9 },
      { name: "late", kind: "nic-down", targets: ["b"], atPs: 5e12 },
    ],
  } as unknown as Scenario;

  it("say which began and ended, and which were ordered while it was up", () => {
    const teller = new StoryTeller(told);
    const slow = { type: "fault.began", fault: "slow", kind: "slow-gpu", target: "a" } as const;
    teller.take([began, { ...began, fact: slow }, { ...began, fact: { ...slow, target: "b" } }]);
    const healed = { type: "fault.healed", fault: "slow", kind: "slow-gpu" } as const;
    teller.take([{ ...began, atPs: 7, fact: { ...healed, target: "a" } }]);
    expect(teller.tell().faults).toMatchObject([
      { fault: "f", hasBegun: true, isOrdered: false, healAtPs: 9e9 },
      { fault: "late", hasBegun: false, isOrdered: false },
      { fault: "slow", hasBegun: true, isOrdered: true, targets: ["a", "b"] },
    ]);
    expect(teller.tell().faults.some((fault) => "healedAtPs" in fault)).toBe(false);
    teller.take([{ ...began, atPs: 8, fact: { ...healed, target: "b" } }]);
    expect(teller.tell().faults[2]).toMatchObject({ healedAtPs: 8 });
  });
});

describe("the story of a run whose step began again", () => {
  it("counts the tokens of a finished rank once", () => {
    const told = { faults: [], ...TOLD } as unknown as Scenario;
    const at = { layer: 3, chain: "batch0", durationPs: 5 };
    const step = (number: number) => ({
      ...began,
      fact: { type: "combine.completed" as const, ...at, step: number, combined: 6, masked: 2 },
    });
    const finished = { type: "rank.finished" as const, dispatched: 24, combined: 18, masked: 6 };
    const tokens = (again: boolean): number => {
      const teller = new StoryTeller(told);
      teller.take([step(0), step(1)]);
      if (again) {
        teller.take([{ ...began, fact: { type: "step.restarted", step: 1 } }, step(1)]);
      }
      teller.take([{ ...began, fact: finished }]);
      expect(teller.tell().ranksFinished).toBe(1);
      return teller.tell().tokensFinished;
    };
    expect(tokens(true)).toBe(tokens(false));
    expect(tokens(true)).toBeGreaterThan(0);
  });
});

describe("names", () => {
  it("of runs sort by time and are safe in paths", () => {
    const id = makeRunId(new Date(Date.UTC(2026, 0, 2, 3, 4, 5)));
    expect(id).toMatch(/^20260102t030405z-[0-9a-z]{8}$/);
  });

  it("are quoted for a shell when they have to be", () => {
    expect(shellWord("/a/b-c.yaml")).toBe("/a/b-c.yaml");
    expect(shellWord("a b'c")).toBe(`'a b'\\''c'`);
  });
});
