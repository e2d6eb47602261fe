/**
 * Processes of a run that really die: kill -9 of workers and of the agent. The run goes on either
 * way: as if nothing had been, or with the actors of the lost worker dead from a written instant
 * on, which a replay without any kill gives again.
 */
import { describe, expect, it } from "vitest";
import { faultsOf, type HostRecord, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { RunOptions } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { atWindow, descendantsOf, runScenario, stillRunning } from "./child-processes.ts";

const PACK = { placement: "pack", workers: 3 } as const;

interface Recorded {
  readonly outcome: RunOutcome;
  readonly orders: readonly JournalOrder[];
  readonly notes: readonly HostRecord[];
  readonly pids: readonly number[];
}

/** A run in which `harm` is done when the window with this number has been committed. */
async function runWith(
  scenario: Scenario,
  window: number,
  harm: (pids: readonly number[], agent: number) => void,
  settings: Partial<RunOptions> = {},
): Promise<Recorded> {
  const orders: JournalOrder[] = [];
  const notes: HostRecord[] = [];
  let pids: readonly number[] = [];
  let agent = 0;
  const outcome = await runScenario(scenario, {
    ...settings,
    observer: {
      started: (start) => {
        pids = start.pids;
        agent = start.hosts[0].pid;
      },
      committed: atWindow(window, () => harm(pids, agent)),
      ordered: (given) => orders.push(...given),
      observed: (records) => notes.push(...records),
    },
  });
  expect(stillRunning(pids)).toEqual([]);
  expect(descendantsOf(process.pid)).toEqual([]);
  return { outcome, orders, notes, pids };
}

/** The run that a journal with these orders describes, in this process and without any kill. */
function replayed(scenario: Scenario, orders: readonly JournalOrder[]): Promise<RunOutcome> {
  const faults = [...scenario.faults, ...faultsOf(orders)];
  return runScenario({ ...scenario, faults, run: { ...scenario.run, placement: "single" } });
}

const kill = (pid: number): boolean => process.kill(pid, "SIGKILL");
const eventsOf = (notes: readonly HostRecord[]): string[] => notes.map(({ event }) => event);

describe("a run that loses a worker", () => {
  it("and recovers ends as if nothing had been", async () => {
    const single = await runScenario(tinyScenario());
    for (const window of [0, 9, 45]) {
      const { outcome, orders, notes } = await runWith(
        tinyScenario({ run: PACK }),
        window,
        ([, pid]) => kill(pid),
      );
      expect(outcome.end).toBe("finished");
      expect([outcome.digest, outcome.events]).toEqual([single.digest, single.events]);
      expect(outcome.assignments).toEqual(single.assignments);
      expect(outcome.violations).toEqual([]);
      expect(orders).toEqual([]);
      expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
      expect(notes[0].detail).toMatch(/^worker pack1 \(pid \d+\) was ended by SIGKILL$/);
    }
  });

  it("and takes it for a fault goes on with dead actors, and replays equal", async () => {
    const run = { ...PACK, onWorkerLoss: "fault" } as const;
    for (const window of [0, 9, 45]) {
      const scenario = tinyScenario({ run });
      const { outcome, orders, notes } = await runWith(scenario, window, ([pid]) => kill(pid));
      expect(outcome.end).toBe("finished");
      expect(outcome.violations).toEqual([]);
      expect(orders).toMatchObject([{ by: "host", kind: "actors-lost", name: "lost-pack0" }]);
      expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
      expect(outcome.faultsBegun).toEqual(["lost-pack0"]);
      const { dispatched, combined, masked, lost } = outcome.assignments;
      expect(combined + masked + lost).toBe(dispatched);
      expect(masked + lost).toBeGreaterThan(0);
      const again = await replayed(scenario, orders);
      expect([again.digest, again.events]).toEqual([outcome.digest, outcome.events]);
      expect(again.assignments).toEqual(outcome.assignments);
    }
  });

  it("or two at once, or one again while it is replaced", async () => {
    const single = await runScenario(tinyScenario());
    const two = await runWith(tinyScenario({ run: PACK }), 40, ([first, , third]) => {
      kill(first);
      kill(third);
    });
    expect(two.outcome.digest).toBe(single.digest);
    expect(eventsOf(two.notes).filter((event) => event === "worker-lost").length).toBe(2);
  });
});

describe("a worker that is stopped", () => {
  it("for less than the limit changes nothing but the time that it takes", async () => {
    const single = await runScenario(tinyScenario());
    const { outcome, notes } = await runWith(tinyScenario({ run: PACK }), 9, ([pid]) => {
      process.kill(pid, "SIGSTOP");
      setTimeout(() => process.kill(pid, "SIGCONT"), 1000);
    });
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
    expect(notes).toEqual([]);
    expect(outcome.wallSeconds).toBeGreaterThan(0.9);
  });

  // Beats come each second; four missed ones tell a stopped process from a busy machine.
  it.each(["agent", "coordinator"] as const)(
    "for longer is taken for lost, ended for good and replaced; it reports to its %s",
    async (reportsTo) => {
      const single = await runScenario(tinyScenario());
      const scenario = tinyScenario({ run: PACK });
      const settings = { silenceLimitSeconds: 4, reportsTo };
      const { outcome, notes } = await runWith(
        scenario,
        9,
        ([pid]) => process.kill(pid, "SIGSTOP"),
        settings,
      );
      expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
      expect(eventsOf(notes)).toEqual(["worker-lost", "worker-replaced"]);
      expect(notes[0].detail).toMatch(/^worker pack0 \(pid \d+\) has gone silent/);
    },
  );
});

describe("a worker whose replacements die, too", () => {
  it("ends the run after three of them in one window, and says so", async () => {
    const notes: HostRecord[] = [];
    let first: number | undefined;
    const outcome = await runScenario(tinyScenario({ run: PACK }), {
      // Long enough that nobody gets through a window before it is killed.
      delays: new Map([["pack1", 5000]]),
      observer: {
        started: (start) => {
          first = start.pids[1];
        },
        // In window 0 nothing is delayed: from the next one on nobody gets through.
        committed: () => {
          if (first !== undefined) kill(first);
          first = undefined;
        },
        observed: (records) => {
          notes.push(...records);
          const pid = /\(pid (\d+)\) has taken/.exec(records[0].detail)?.[1];
          if (pid !== undefined) kill(Number(pid));
        },
      },
    });
    expect(outcome.end).toBe("worker-lost");
    expect(outcome.detail).toMatch(
      /^worker pack1 \(pid \d+\) was ended by SIGKILL; 3 processes before it were lost in the/,
    );
    expect(eventsOf(notes).filter((event) => event === "worker-lost").length).toBe(4);
    expect(descendantsOf(process.pid)).toEqual([]);
  });
});

describe("a run that loses its agent", () => {
  it("starts another one with all its workers, and ends as if nothing had been", async () => {
    const single = await runScenario(tinyScenario());
    const { outcome, notes } = await runWith(tinyScenario({ run: PACK }), 40, (_pids, agent) =>
      kill(agent),
    );
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
    expect(eventsOf(notes)[0]).toBe("agent-lost");
    expect(notes[0].detail).toMatch(/^the agent of host0 was ended by SIGKILL$/);
  });

  it("or takes that for the loss of all that it held", async () => {
    const scenario = tinyScenario({ run: { ...PACK, onWorkerLoss: "fault" } });
    const { outcome, orders } = await runWith(scenario, 40, (_pids, agent) => kill(agent));
    expect(orders).toMatchObject([{ by: "host", kind: "actors-lost", name: "lost-host0" }]);
    const again = await replayed(scenario, orders);
    expect([again.digest, again.end]).toEqual([outcome.digest, outcome.end]);
  });
});
