/**
 * What the tests of real processes share: where the built entry points are, who descends from whom
 * by /proc, and waiting with a deadline. Tests run what ships: the compiled files under dist.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { makeDevice } from "../../actors/catalogue.ts";
import type { RunOptions } from "../../cluster/prepared-run.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import type { CommittedWindow } from "../../src/engine/window-protocol.ts";
import type { Scenario } from "../../src/model/scenario.ts";

/** A file of the built package; tests run in the project's own folder. */
export function built(path: string): string {
  return resolve("dist", path);
}

/** Settings of a run of `scenario` with the built processes; `settings` replace some. */
export function runScenario(
  scenario: Scenario,
  settings: Partial<RunOptions> = {},
): Promise<RunOutcome> {
  return runCluster({
    scenario,
    runId: "test-run",
    agentMain: built("scripts/agent-main.js"),
    workerMain: built("scripts/worker-main.js"),
    devices: makeDevice,
    observer: { started: () => undefined, committed: () => undefined },
    stop: new AbortController().signal,
    ...settings,
  });
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise<void>((done) => server.close(() => done()));
  return port;
}

/** An observer's part that calls `act` once, after the window with that number. */
export function atWindow(number: number, act: () => void): (window: CommittedWindow) => void {
  return ({ window }) => {
    if (window === number) act();
  };
}

/**
 * Parent of every process of this host, by process id. Processes that have ended but were not
 * waited for do not count.
 */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (fields[0] !== "Z") found.set(Number(name), Number(fields[1]));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Process ids of everything that descends from `root`. */
export function descendantsOf(root: number): number[] {
  const parentOf = parents();
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parentOf) if (found.has(parent)) found.add(pid);
  }
  found.delete(root);
  return [...found];
}

/** Those of `pids` that still run. */
export function stillRunning(pids: readonly number[]): number[] {
  const alive = parents();
  return pids.filter((pid) => alive.has(pid));
}

/**
 * Polls until `condition` holds; throws, with what `describe` says, when it does not within
 * `withinMs`.
 */
export async function until(
  condition: () => boolean,
  withinMs: number,
  describe: () => string,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
