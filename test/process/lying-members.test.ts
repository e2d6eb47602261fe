/**
 * Members that hold the token and lie (H7), over real sockets and in real processes: whoever says
 * what it may not is lost with the rule that it broke, its place is taken, and the run ends as if
 * nothing had been.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { HostRecord } from "../../cluster/journal-orders.ts";
import type { RunOptions } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { built, descendantsOf, runScenario } from "./child-processes.ts";

const PACK = { placement: "pack", workers: 3 } as const;

/** Frames between its workers are too large for reports to carry. */
const LARGE = { run: PACK, workload: { tokensPerGpu: 64 } };

/** What agents pass on they can lie about. */
const BY_AGENT = { reportsTo: "agent" } as const;

interface LyingRun {
  readonly outcome: RunOutcome;
  readonly notes: readonly HostRecord[];
}

async function runWith(
  lie: string,
  scenario: Scenario,
  settings: Partial<RunOptions> = {},
): Promise<LyingRun> {
  const notes: HostRecord[] = [];
  const outcome = await runScenario(scenario, {
    ...settings,
    runId: `lie-${lie}`,
    agentMain: built("test/process/lying-agent-main.js"),
    reportsTo: "agent",
    observer: {
      started: () => undefined,
      committed: () => undefined,
      observed: (records) => notes.push(...records),
    },
  });
  expect(descendantsOf(process.pid)).toEqual([]);
  return { outcome, notes };
}

const eventsOf = (notes: readonly HostRecord[]): string[] => notes.map(({ event }) => event);

/** In words of the record: who is lost, and by which rule. */
const LIES: readonly (readonly [lie: string, rule: string])[] = [
  ["time-in-the-past", "window-run-whole"],
  ["events-that-go-back", "events-go-forward"],
  ["negative-time", "messages-are-known: report.nextEventPs: expected a time or never, found -1"],
  ["packet-in-the-window", "lookahead"],
  ["beyond-its-promise", "frames-as-reported in a data frame"],
  ["foreign-actor", "facts-of-its-own"],
  ["another-window", "one-report-a-window"],
  ["report-twice", "one-report-a-window"],
  ["skipped-sequence", "frames-in-sequence in a data frame"],
  ["replayed-sequence", "frames-in-sequence in a data frame"],
  ["damaged-frame", "frame-checksum in a data frame"],
  ["frame-of-another", "frame-of-its-link in a data frame"],
  ["wrong-incarnation", "speaks-for-itself"],
  ["second-listening", "message-in-its-place"],
  ["second-linked", "message-in-its-place"],
  ["unasked-handover", "message-in-its-place"],
  ["word-of-an-agent", "speaks-for-itself"],
  ["no-message", "messages-are-known"],
];

describe("a worker that lies", () => {
  let honest: RunOutcome;
  beforeAll(async () => {
    honest = await runScenario(tinyScenario());
  });

  it.each(LIES)("is lost: %s breaks %s", async (lie, rule) => {
    const { outcome, notes } = await runWith(lie, tinyScenario({ run: PACK }));
    expect(notes.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^worker pack1 \(pid \d+\) broke /),
      expect.stringMatching(/^worker pack1 \(pid \d+\) has taken its place/),
    ]);
    expect(notes[0].detail).toContain(` broke ${rule}`);
    expect([outcome.end, outcome.digest, outcome.events]).toEqual([
      "finished",
      honest.digest,
      honest.events,
    ]);
    expect([outcome.assignments, outcome.violations]).toEqual([honest.assignments, []]);
  });

  it.each(["report-twice", "no-message"])("and reports to its agent is lost: %s", async (lie) => {
    const { outcome, notes } = await runWith(lie, tinyScenario({ run: PACK }), BY_AGENT);
    expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
    expect(notes[0].detail).toMatch(/^worker pack1 \(pid \d+\) broke (one-rep|messages-are)/);
    expect([outcome.end, outcome.digest]).toEqual(["finished", honest.digest]);
  });

  it("and beats, but never reports, is lost when it has had its time", async () => {
    const limits = { stallLimitSeconds: 2 };
    const { outcome, notes } = await runWith(
      "report-never-sent",
      tinyScenario({ run: PACK }),
      limits,
    );
    expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
    expect(notes[0].detail).toMatch(
      /^worker pack1 \(pid \d+\) beats, but has not reported its window for 2 s$/,
    );
    expect([outcome.end, outcome.digest]).toEqual(["finished", honest.digest]);
  });

  it("is believed once when it accuses a peer, and no second time", async () => {
    const { outcome, notes } = await runWith("false-accusation", tinyScenario({ run: PACK }));
    expect([outcome.end, outcome.digest]).toEqual(["finished", honest.digest]);
    const lost = notes.filter(({ event }) => event === "worker-lost");
    expect(lost.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^worker pack0 \(pid \d+\) broke frame-magic in a data frame to pack1/),
      expect.stringMatching(/^worker pack1 \(pid \d+\) says again that pack0 broke frame-magic/),
    ]);
  });
});

describe("a worker that lies on its link to a peer", () => {
  it.each(["straight-skipped", "straight-replayed"])("is lost: %s", async (lie) => {
    const single = await runScenario(tinyScenario({ ...LARGE, run: {} }));
    const { outcome, notes } = await runWith(lie, tinyScenario(LARGE));
    expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
    expect(notes[0].detail).toMatch(
      /^worker pack1 \(pid \d+\) broke frames-in-sequence in a data frame to pack\d: /,
    );
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
  });
});

describe("an agent that lies", () => {
  it("is lost with its workers, and another one is started", async () => {
    const single = await runScenario(tinyScenario());
    const { outcome, notes } = await runWith("of-agent", tinyScenario({ run: PACK }), BY_AGENT);
    expect(eventsOf(notes)).toEqual([
      "agent-lost",
      ...["worker-replaced", "worker-replaced", "worker-replaced"],
    ]);
    expect(notes[0].detail).toBe(
      "the agent of host0 broke speaks-for-its-host: host0 has no process 0 of worker 99",
    );
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
  });
});

describe("a worker that is gone when it has said its totals", () => {
  it("is not waited for by one that has not, and is lost later", async () => {
    const single = await runScenario(tinyScenario());
    const { outcome, notes } = await runWith("done-and-gone", tinyScenario({ run: PACK }));
    expect(notes.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^worker pack0 \(pid \d+\) was ended by SIGKILL$/),
      expect.stringMatching(/^worker pack1 \(pid \d+\) was ended by SIGKILL$/),
      expect.stringMatching(/^worker pack1 \(pid \d+\) has taken its place/),
    ]);
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
    expect(outcome.assignments).toEqual(single.assignments);
  });
});

describe("a replacement that beats and takes no place", () => {
  it("since it never listens is lost itself, and the next one takes it", async () => {
    const single = await runScenario(tinyScenario());
    const limits = { stallLimitSeconds: 2 };
    const { outcome, notes } = await runWith("never-listens", tinyScenario({ run: PACK }), limits);
    expect(eventsOf(notes)).toEqual(["worker-lost", "worker-lost", "worker-replaced"]);
    expect(notes[1].detail).toMatch(/beats, but has not said where it listens for 2 s$/);
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
  });

  it("since it never has its links ends the run, which says so", async () => {
    const limits = { stallLimitSeconds: 2 };
    const { outcome } = await runWith("never-linked", tinyScenario({ run: PACK }), limits);
    expect(outcome.end).toBe("worker-lost");
    expect(outcome.detail).toMatch(
      /^worker pack1 \(pid \d+\) beats, but has not got its links to its peers for 2 s; at /,
    );
  });
});
