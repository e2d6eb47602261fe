/**
 * Real faults of a run's own processes, ordered by a drill at instants of virtual time: what is
 * killed, stopped, slowed or cut off by its label, what the run makes of it, that a replay without
 * any of it is equal, and that nothing is left behind (S6).
 */
import { describe, expect, it } from "vitest";
import { faultsOf, type HostRecord } from "../../cluster/journal-orders.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { Activity } from "../../src/drill/drill.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { descendantsOf, runScenario, stillRunning, until } from "./child-processes.ts";
import {
  act,
  MIDDLE_PS,
  type Performed,
  type PerformSettings,
  performHostDrill,
  stateOf,
} from "./host-drills.ts";

const PACK = { placement: "pack", workers: 3 } as const;
const RECOVER = tinyScenario({ run: PACK });
const FAULT = tinyScenario({ run: { ...PACK, onWorkerLoss: "fault" } });
const WORKER = { worker: "pack1" } as const;
const HOST = { host: "host0" } as const;
/** Between two actions of one method, ps. */
const LATER_PS = 5_000_000;

const undisturbed = runScenario(tinyScenario());

/** Performs a drill, and looks for what it left behind. */
async function perform(
  scenario: Scenario,
  method: readonly Activity[],
  settings?: PerformSettings,
): Promise<Performed> {
  const performed = await performHostDrill(scenario, method, settings);
  expect(stillRunning([...performed.workers, ...performed.agents])).toEqual([]);
  expect(descendantsOf(process.pid)).toEqual([]);
  expect(performed.outcome.violations).toEqual([]);
  return performed;
}

/** The journal without the host's part gives the same run in this process. */
async function expectReplay(scenario: Scenario, { outcome, orders }: Performed): Promise<void> {
  const faults = [...scenario.faults, ...faultsOf(orders)];
  const run = { ...scenario.run, placement: "single" } as const;
  const again: RunOutcome = await runScenario({ ...scenario, faults, run });
  expect([again.digest, again.events]).toEqual([outcome.digest, outcome.events]);
  expect(again.assignments).toEqual(outcome.assignments);
}

/** The run was as if nothing had been. */
async function expectUndisturbed({ outcome, orders, verdict }: Performed): Promise<void> {
  const { digest, events, assignments } = await undisturbed;
  expect([outcome.end, outcome.digest, outcome.events]).toEqual(["finished", digest, events]);
  expect(outcome.assignments).toEqual(assignments);
  expect(orders).toEqual([]);
  expect(verdict).toBe("PASS");
}

const eventsOf = (notes: readonly HostRecord[]): string[] => notes.map(({ event }) => event);

describe("a worker that a drill kills", () => {
  const method = [act({ func: "kill_worker", target: WORKER })];

  it("is dead hardware from exactly the drill's instant on, each time alike", async () => {
    const first = await perform(FAULT, method);
    expect(first.orders).toMatchObject([
      { by: "host", kind: "actors-lost", name: "lost-pack1", atPs: MIDDLE_PS },
    ]);
    expect(eventsOf(first.notes)).toEqual(["host-fault", "worker-lost", "worker-replaced"]);
    expect(first.notes[0]).toMatchObject({ record: "host", atPs: MIDDLE_PS });
    expect(first.notes[0].detail).toBe("kill_worker pack1, by action 'kill_worker'");
    const { hostFaults, faultsBegun, assignments } = first.outcome;
    expect(hostFaults).toMatchObject([
      { layer: "host", atPs: MIDDLE_PS, done: true, followedBy: ["lost-pack1"] },
    ]);
    expect(hostFaults?.[0].detail).toMatch(/^worker pack1 \(pid \d+\) was ended by SIGKILL$/);
    expect(hostFaults?.[0].wallSeconds).toBeGreaterThan(0);
    expect(faultsBegun).toEqual(["lost-pack1"]);
    expect(assignments.masked + assignments.lost).toBeGreaterThan(0);
    expect(first.verdict).toBe("PASS");
    await expectReplay(FAULT, first);
    expect((await perform(FAULT, method)).outcome.digest).toBe(first.outcome.digest);
  });

  it("is recovered from where the run says so", async () => {
    const performed = await perform(RECOVER, method);
    await expectUndisturbed(performed);
    const [{ done, detail, followedBy }] = performed.outcome.hostFaults ?? [];
    expect([done, followedBy]).toEqual([true, []]);
    expect(detail).toMatch(/ended by SIGKILL; replaced, the fleet did not notice$/);
  });

  it("is not lost a second time by what its peers say of the first process", async () => {
    // Longer than a peer's complaint about a link that is gone is waited for.
    const slow = act({
      func: "slow_worker",
      target: { worker: "pack0" },
      delayMs: 40,
      forMs: 4000,
    });
    const performed = await perform(FAULT, [...method, { ...slow, pauseBeforePs: 0 }]);
    expect(performed.outcome.wallSeconds).toBeGreaterThan(2);
    expect(eventsOf(performed.notes).filter((event) => event === "worker-lost").length).toBe(1);
    await expectReplay(FAULT, performed);
  });

  it("cannot be killed again once its actors are dead: the drill is INVALID", async () => {
    const again = act({ func: "kill_worker", target: WORKER }, LATER_PS);
    const performed = await perform(FAULT, [...method, again]);
    expect(performed.verdict).toBe("INVALID");
    expect(performed.reasons).toEqual([
      "real fault 'kill_worker' could not be carried out: worker pack1 was lost before",
    ]);
    expect(performed.outcome.hostFaults?.map(({ done }) => done)).toEqual([true, false]);
    expect(performed.orders.length).toBe(1);
  });

  it("lives when the operator has not agreed, and the drill is INVALID", async () => {
    const performed = await perform(FAULT, method, { isAllowed: false });
    expect(performed.outcome.digest).toBe((await undisturbed).digest);
    expect(performed.notes).toEqual([]);
    expect(performed.reasons.join()).toMatch(/not be carried out: nobody has agreed to it/);
  });
});

describe("a run that is taken up again", () => {
  it("does nothing twice that its journal has", async () => {
    const known = { done: true, detail: "before" };
    const kill = act({ func: "kill_worker", target: WORKER });
    const again = act({ func: "kill_worker", target: { worker: "pack2" } }, LATER_PS);
    const performed = await perform(FAULT, [kill, again], { before: [known] });
    expect(performed.outcome.hostFaults?.map(({ detail }) => detail)[0]).toBe("before");
    expect(performed.orders.map((order) => "name" in order && order.name)).toEqual(["lost-pack2"]);
    expect(performed.verdict).toBe("PASS");
  });
});

describe("a worker that a drill stops", () => {
  it("for less than the silence limit changes nothing, and goes on by itself", async () => {
    let seen: Promise<void> = Promise.resolve();
    const performed = await perform(
      FAULT,
      [act({ func: "stop_worker", target: WORKER, forMs: 700 })],
      {
        up: ([, pid]) => {
          const state = (): string => stateOf(pid);
          seen = until(() => state() === "T", 10_000, state);
        },
      },
    );
    await seen;
    await expectUndisturbed(performed);
    expect(performed.outcome.wallSeconds).toBeGreaterThan(0.7);
    expect(eventsOf(performed.notes)).toEqual(["host-fault"]);
  });

  it("for longer is lost, and ended", async () => {
    const stop = act({ func: "stop_worker", target: WORKER, forMs: 60_000 });
    const performed = await perform(FAULT, [stop], { silenceLimitSeconds: 3 });
    expect(eventsOf(performed.notes)).toEqual(["host-fault", "worker-lost", "worker-replaced"]);
    expect(performed.notes[1].detail).toMatch(/^worker pack1 \(pid \d+\) has gone silent$/);
    expect(performed.outcome.hostFaults?.[0].followedBy).toEqual(["lost-pack1"]);
    await expectReplay(FAULT, performed);
  });

  it("goes on when the operator ends the run, which ends in peace", async () => {
    const stop = new AbortController();
    const performed = await perform(
      FAULT,
      [act({ func: "stop_worker", target: WORKER, forMs: 60_000 })],
      {
        stop: stop.signal,
        up: ([, pid]) => {
          const state = (): string => stateOf(pid);
          until(() => state() === "T", 10_000, state).finally(() => stop.abort());
        },
      },
    );
    expect(performed.outcome.end).toBe("interrupted");
    expect(performed.outcome.wallSeconds).toBeLessThan(20);
  });

  it("may be slowed instead, and that changes nothing either", async () => {
    const slow = { func: "slow_worker", target: WORKER, delayMs: 50, forMs: 500 } as const;
    const performed = await perform(FAULT, [act(slow)]);
    await expectUndisturbed(performed);
    expect(performed.outcome.wallSeconds).toBeGreaterThan(0.5);
  });
});

describe("a connection that a drill cuts", () => {
  it.each([
    ["of a worker to its agent", WORKER, "agent"],
    ["of a worker to the coordinator", WORKER, "coordinator"],
    ["between two, of which one is taken for lost", { between: ["pack1", "pack0"] }, "agent"],
  ] as const)("%s", async (_name, target, reportsTo) => {
    const cut = act({ func: "cut_connection", target });
    const performed = await perform(FAULT, [cut], { reportsTo });
    expect(performed.orders).toMatchObject([{ name: "lost-pack1", atPs: MIDDLE_PS }]);
    expect(performed.outcome.hostFaults?.[0]).toMatchObject({ done: true });
    await expectReplay(FAULT, performed);
  });

  it("is made again where the run recovers", async () => {
    const cut = { func: "cut_connection", target: { between: ["pack0", "pack2"] } } as const;
    await expectUndisturbed(await perform(RECOVER, [act(cut)]));
  });
});

describe("a connection that is half open", () => {
  it.each([
    ["to an agent, for less than the silence limit", WORKER, "both"],
    ["between two workers", { between: ["pack0", "pack1"] }, "both"],
    ["between two workers, one way", { between: ["pack1", "pack0"] }, "in"],
  ] as const)("%s, changes nothing", async (_name, target, direction) => {
    const half = { func: "half_open", target, direction, forMs: 600 } as const;
    await expectUndisturbed(await perform(FAULT, [act(half)]));
  });

  it.each(["out", "in"] as const)("for longer (%s) loses the worker", async (direction) => {
    const half = { func: "half_open", target: WORKER, direction, forMs: 60_000 } as const;
    const performed = await perform(FAULT, [act(half)], { silenceLimitSeconds: 3 });
    expect(eventsOf(performed.notes)).toEqual(["host-fault", "worker-lost", "worker-replaced"]);
    expect(performed.outcome.hostFaults?.[0].followedBy).toEqual(["lost-pack1"]);
    await expectReplay(FAULT, performed);
  });
});

describe("the agent of a host", () => {
  it("that a drill kills is started again with its workers", async () => {
    const performed = await perform(RECOVER, [act({ func: "kill_agent", target: HOST })]);
    await expectUndisturbed(performed);
    expect(eventsOf(performed.notes).slice(0, 2)).toEqual(["host-fault", "agent-lost"]);
  });

  it("that it stops for less than the silence limit changes nothing", async () => {
    const stop = { func: "stop_agent", target: HOST, forMs: 700 } as const;
    const performed = await perform(FAULT, [act(stop)], { reportsTo: "agent" });
    await expectUndisturbed(performed);
    expect(performed.outcome.wallSeconds).toBeGreaterThan(0.7);
  });

  it("that it stops for longer is lost with all that it held", async () => {
    const stop = { func: "stop_agent", target: HOST, forMs: 60_000 } as const;
    const settings = { silenceLimitSeconds: 3, reportsTo: "agent" } as const;
    const performed = await perform(FAULT, [act(stop)], settings);
    expect(performed.orders).toMatchObject([{ name: "lost-host0" }]);
    await expectReplay(FAULT, performed);
  });

  it("may stand still while its workers report to the coordinator themselves", async () => {
    const stop = { func: "stop_agent", target: HOST, forMs: 60_000 } as const;
    await expectUndisturbed(
      await perform(FAULT, [act(stop)], { reportsTo: "coordinator", silenceLimitSeconds: 30 }),
    );
  });

  it("goes with its workers when the host is lost", async () => {
    const performed = await perform(FAULT, [act({ func: "lose_host", target: HOST })]);
    expect(performed.orders).toMatchObject([{ name: "lost-host0", atPs: MIDDLE_PS }]);
    expect(eventsOf(performed.notes).filter((event) => event === "worker-lost")).toEqual([]);
    await expectReplay(FAULT, performed);
  });
});
