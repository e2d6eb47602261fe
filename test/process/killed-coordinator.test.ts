/**
 * The coordinator ended by kill -9 can clean nothing up: agent and workers have to notice by
 * themselves, whatever they are doing, and end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { built, descendantsOf, stillRunning, until } from "./child-processes.ts";

const started: number[] = [];

afterEach(() => {
  for (const pid of stillRunning(started.splice(0))) process.kill(pid, "SIGKILL");
});

/** Starts a coordinator; resolves with its process id and those of agent and workers. */
async function startCoordinator(): Promise<{ coordinator: number; members: number[] }> {
  const child = spawn(process.execPath, [built("test/process/coordinator-process.js")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const coordinator = child.pid as number;
  started.push(coordinator);
  const early = once(child, "exit").then(([code]) => Promise.reject(new Error(`ended: ${code}`)));
  early.catch(() => undefined);
  const [line] = await Promise.race([once(child.stdout, "data"), early]);
  const members = descendantsOf(coordinator);
  started.push(...members);
  const workers = JSON.parse(String(line)) as number[];
  expect(members).toEqual(expect.arrayContaining(workers));
  expect(members.length).toBe(4);
  return { coordinator, members };
}

describe("kill -9 of the coordinator", () => {
  it("leaves no process behind after 5 s", async () => {
    const { coordinator, members } = await startCoordinator();
    process.kill(coordinator, "SIGKILL");
    const left = (): number[] => stillRunning([coordinator, ...members]);
    await until(
      () => left().length === 0,
      5000,
      () => `left: ${left()}`,
    );
  });

  it("leaves no stopped worker behind either: the agent ends it", async () => {
    const { coordinator, members } = await startCoordinator();
    const worker = members.filter((pid) => descendantsOf(pid).length === 0)[0];
    process.kill(worker, "SIGSTOP");
    process.kill(coordinator, "SIGKILL");
    const left = (): number[] => stillRunning([coordinator, ...members]);
    await until(
      () => left().length === 0,
      5000,
      () => `left: ${left()}`,
    );
  });

  it("together with the agent leaves no worker behind", async () => {
    const { coordinator, members } = await startCoordinator();
    const agent = members.filter((pid) => descendantsOf(pid).length > 0);
    expect(agent.length).toBe(1);
    process.kill(agent[0], "SIGKILL");
    process.kill(coordinator, "SIGKILL");
    const left = (): number[] => stillRunning([coordinator, ...members]);
    await until(
      () => left().length === 0,
      5000,
      () => `left: ${left()}`,
    );
  });
});
