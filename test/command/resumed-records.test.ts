/**
 * The record of a run that was cut off, taken up again by executing the run from its beginning: it
 * must end in the same bytes as the record of the undisturbed run, wherever the first one was cut,
 * and must not go on with a record that was changed.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Journal, type JournalRecord, readJournal } from "../../cluster/journal.ts";
import { chainedText } from "../../cluster/journal-chain.ts";
import { faultsOf } from "../../cluster/journal-orders.ts";
import { JournalWriter } from "../../cluster/journal-writer.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { readFolder, replayFolder } from "../../scripts/commands/replay-folder.ts";
import type { Director } from "../../src/model/director.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { directorOf, recordRun, snapshot } from "../support/run-folders.ts";
import { tinyScenario } from "../support/scenarios.ts";

const base = mkdtempSync(join(tmpdir(), "faultplane-resumed-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const at = (...names: string[]): string => join(base, ...names);
const text = (...names: string[]): string => readFileSync(at(...names), "utf8");

const scenario = tinyScenario({
  workload: { steps: 6 },
  transport: { ackTimeoutExponent: 8, retryCount: 2 },
});

/** A NIC fails, and is whole again later: orders of a drill, each behind a commit. */
const drill = (): Director =>
  directorOf([
    [
      2e7,
      {
        faults: [{ name: "cut", kind: "nic-down", targets: ["node1.nic2"], atPs: 2e7 }],
        heals: [],
      },
    ],
    [1.5 * PS_PER_MS, { faults: [], heals: [{ fault: "cut", atPs: 1.5 * PS_PER_MS }] }],
  ]);

let whole: RunOutcome;
let windows = 0;

/** Records that do not depend on the clock of the host. */
function lasting(journal: Journal): unknown {
  const { epochs, orders, end } = journal;
  return { epochs, orders, end };
}

async function replays(path: string): Promise<unknown> {
  const recorded = readFolder(path);
  try {
    return await replayFolder(recorded, new AbortController().signal, () => undefined);
  } finally {
    recorded.events.close();
  }
}

beforeAll(async () => {
  whole = await recordRun(scenario, at("whole"), {
    director: drill(),
    written: (count) => {
      windows = count;
      snapshot(at("whole"), at(`cut${count}`));
    },
  });
  expect(whole.end).toBe("finished");
  const journal = readJournal(at("whole", RunFile.journal));
  expect(journal.orders.map(({ record }) => record)).toEqual(["fault", "heal"]);
  expect(journal.epochs.length).toBeGreaterThan(1);
});

it("whatever was there when it was killed, it replays and ends as if nothing had happened", async () => {
  expect(windows).toBeGreaterThan(15);
  for (let count = 1; count <= windows; count += 2) {
    const path = at(`again${count}`);
    snapshot(at(`cut${count}`), path);
    // A window that was being written: its last line is incomplete in both files.
    appendFileSync(join(path, RunFile.events), '{"level":"info","virtu');
    appendFileSync(join(path, RunFile.journal), '{"record":"epoch","epo');
    const journal = readJournal(join(path, RunFile.journal));
    if ((journal.commit?.lines ?? 0) > 0) {
      expect(await replays(path), path).toMatchObject({ equal: true, whole: false });
    }
    const outcome = await recordRun(scenario, path, { director: drill(), resume: journal });
    expect(outcome.digest).toBe(whole.digest);
    expect(text(`again${count}`, RunFile.events), path).toBe(text("whole", RunFile.events));
    const after = readJournal(join(path, RunFile.journal));
    expect(lasting(after)).toEqual(lasting(readJournal(at("whole", RunFile.journal))));
    expect(await replays(path), path).toMatchObject({ equal: true, whole: true });
  }
});

it("lines that the disk lost although they were committed are written again", async () => {
  const path = at("lost-lines");
  snapshot(at(`cut${windows - 1}`), path);
  writeFileSync(join(path, RunFile.events), text("whole", RunFile.events).slice(0, 700));
  const journal = readJournal(join(path, RunFile.journal));
  expect(journal.commit?.lines).toBeGreaterThan(10);
  await recordRun(scenario, path, { director: drill(), resume: journal });
  expect(text("lost-lines", RunFile.events)).toBe(text("whole", RunFile.events));
});

/** A copy of the longest cut record, for a test to change. */
function copyOf(name: string): Journal {
  snapshot(at(`cut${windows - 3}`), at(name));
  return readJournal(at(name, RunFile.journal));
}

it("an event log that was changed is not gone on with, and stays as it is", async () => {
  const journal = copyOf("changed");
  const lines = text("changed", RunFile.events).split("\n");
  lines[6] = lines[6].replace(/"index":\d+/, '"index":77');
  writeFileSync(at("changed", RunFile.events), lines.join("\n"));
  await expect(
    recordRun(scenario, at("changed"), { director: drill(), resume: journal }),
  ).rejects.toMatchObject({
    code: "E053",
    exitCode: 70,
    message: expect.stringMatching(
      /^first difference: fact 7 \(line 7 of events.ndjson\): .*"index":77/,
    ),
  });
  expect(text("changed", RunFile.events)).toBe(lines.join("\n"));
});

it("a run that says less than its record has is another one", async () => {
  const journal = copyOf("longer");
  const lines = text("whole", RunFile.events);
  writeFileSync(at("longer", RunFile.events), `${lines}${lines.split("\n")[3]}\n`);
  const commit = { atPs: 1, lines: lines.split("\n").length };
  await expect(
    recordRun(scenario, at("longer"), { director: drill(), resume: { ...journal, commit } }),
  ).rejects.toMatchObject({
    code: "E053",
    message: expect.stringContaining("actual nothing: the run ended"),
  });
});

it("another seed's epochs are refused", async () => {
  const journal = copyOf("other");
  const epochs = [{ epoch: 0, digest: "0123456789abcdef" }];
  writeFileSync(at("other", RunFile.events), "");
  await expect(
    recordRun(scenario, at("other"), { director: drill(), resume: { ...journal, epochs } }),
  ).rejects.toMatchObject({
    code: "E053",
    message: expect.stringMatching(/^first difference: epoch 0: expected digest 0123456789abcdef/),
  });
});

it("an end that was none is taken back, and a real one is kept", () => {
  const { header } = readJournal(at("whole", RunFile.journal));
  const path = at("ended.ndjson");
  const end = { digest: "ab", virtualTimePs: 5, events: 1, assignments: whole.assignments };
  const lines = [header, { record: "commit", atPs: 5, lines: 3 }];
  for (const how of ["interrupted", "worker-lost"]) {
    writeFileSync(path, chainedText([...lines, { record: "end", end: how, ...end }]));
    const writer = JournalWriter.reopen(path, readJournal(path));
    const resumed = { record: "host", event: "resumed", atPs: 5, detail: "again" } as const;
    writer.write([resumed], 5);
    writer.close();
    const { end: none, hostRecords, commit } = readJournal(path);
    expect({ none, hostRecords, commit }).toEqual({
      none: undefined,
      hostRecords: [resumed],
      commit: { atPs: 5, lines: 3 },
    });
  }
  const last: JournalRecord = { record: "end", end: "finished", ...end };
  writeFileSync(path, chainedText([...lines, last]));
  expect(() => JournalWriter.reopen(path, readJournal(path))).toThrow(
    "nothing to take up: run recorded came to its end (finished)",
  );
});

it("a loss of actors is an input: it replays, and is there again when the run is taken up", async () => {
  const targets = ["node1.gpu2", "node1.nic2"];
  const loss = { name: "lost-pack1", kind: "actors-lost", targets, atPs: 3e7 } as const;
  const lost = await recordRun(scenario, at("lost"), {
    director: directorOf([[3e7, { faults: [loss], heals: [] }]]),
    written: (count) => {
      if (count === 5) snapshot(at("lost"), at("lost-cut"));
    },
  });
  const journal = readJournal(at("lost-cut", RunFile.journal));
  expect(journal.orders).toEqual([{ record: "fault", by: "host", ...loss }]);
  expect(lost.digest).not.toBe(whole.digest);
  expect(await replays(at("lost"))).toMatchObject({ whole: true, digest: lost.digest });
  expect(await replays(at("lost-cut"))).toMatchObject({ whole: false });
  const faults = faultsOf(journal.orders);
  const again = await recordRun({ ...scenario, faults }, at("lost-cut"), { resume: journal });
  expect(again.digest).toBe(lost.digest);
  expect(text("lost-cut", RunFile.events)).toBe(text("lost", RunFile.events));
  expect(await replays(at("lost-cut"))).toMatchObject({ whole: true, digest: lost.digest });
});

it("is not taken up by two", async () => {
  const journal = copyOf("both");
  let refused: unknown;
  await recordRun(scenario, at("both"), {
    director: drill(),
    resume: journal,
    written: (count) => {
      if (count !== 2) return;
      recordRun(scenario, at("both"), { resume: journal }).catch((error) => {
        refused = error;
      });
    },
  });
  expect(refused).toMatchObject({
    code: "E033",
    message: `the run in '${at("both")}' is still up (process ${process.pid})`,
  });
});
