/**
 * Leases of real faults when those who hold them die (S4): a process that a drill stopped is not
 * left behind, whoever of coordinator and agent is ended by kill -9 meanwhile.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { built, descendantsOf, stillRunning, until } from "./child-processes.ts";
import { stateOf } from "./host-drills.ts";

/** Wall ms in which everybody must have ended. */
const LEFT_WITHIN_MS = 5000;

const started: number[] = [];

afterEach(() => {
  for (const pid of stillRunning(started.splice(0))) process.kill(pid, "SIGKILL");
});

interface Stopped {
  readonly coordinator: number;
  readonly workers: readonly number[];
  readonly agent: number;
  /** Everybody, keepers of leases included. */
  readonly all: readonly number[];
}

/** Starts a drill in a process of its own; resolves when it has stopped its target. */
async function stoppedBy(func: "stop_worker" | "stop_agent"): Promise<Stopped> {
  const child = spawn(process.execPath, [built("test/process/host-drill-process.js"), func], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const coordinator = child.pid as number;
  started.push(coordinator);
  const [line] = await once(child.stdout, "data");
  const { workers, agents } = JSON.parse(String(line)) as Record<string, number[]>;
  const target = func === "stop_agent" ? agents[0] : workers[1];
  const state = (): string => stateOf(target);
  await until(() => state() === "T", 10_000, state);
  const all = [coordinator, ...descendantsOf(coordinator)];
  started.push(...all);
  return { coordinator, workers, agent: agents[0], all };
}

/** Nobody is left, whether stopped or not. */
async function expectNobody(all: readonly number[]): Promise<void> {
  const left = (): string =>
    stillRunning(all)
      .map((pid) => `${pid} ${stateOf(pid)}`)
      .join();
  await until(() => left() === "", LEFT_WITHIN_MS, left);
}

describe("a lease outlives who gave it", () => {
  it("of a stopped worker, when the coordinator is killed", async () => {
    const { coordinator, all } = await stoppedBy("stop_worker");
    // Coordinator, agent, three workers, and the keeper of the agent's leases.
    expect(all.length).toBe(6);
    process.kill(coordinator, "SIGKILL");
    await expectNobody(all);
  });

  it("of a stopped worker, when coordinator and agent are killed", async () => {
    const { coordinator, agent, all } = await stoppedBy("stop_worker");
    process.kill(agent, "SIGKILL");
    process.kill(coordinator, "SIGKILL");
    await expectNobody(all);
  });

  it("of a stopped worker, when its agent is killed: the run goes on without it", async () => {
    const { agent, workers } = await stoppedBy("stop_worker");
    process.kill(agent, "SIGKILL");
    await expectNobody([agent, ...workers]);
  });

  it("of a stopped agent, when the coordinator is killed", async () => {
    const { coordinator, all } = await stoppedBy("stop_agent");
    process.kill(coordinator, "SIGKILL");
    await expectNobody(all);
  });
});
