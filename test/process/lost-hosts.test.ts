/**
 * Runs over several hosts, with loopback between them, that lose one: kill -9 of a host's `join`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import type { HostRecord } from "../../cluster/journal-orders.ts";
import type { HostStart, RunOptions, RunStart } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import { buildFingerprint } from "../../scripts/commands/package-files.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { atWindow, built, descendantsOf, freePort, runScenario } from "./child-processes.ts";

const TOKEN = "5a".repeat(32);
const joins: Join[] = [];

/** A `join` of another host, and what becomes of it. */
interface Join {
  readonly child: ChildProcess;
  /** Exit code and the last line that it said. */
  readonly end: Promise<readonly [code: number | null, last: string | undefined]>;
}

function startJoin(port: number): Join {
  const args = [built("scripts/faultplane.js"), "join", `127.0.0.1:${port}`];
  const env = { ...process.env, FAULTPLANE_TOKEN: TOKEN };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += String(text);
  });
  const end = new Promise<readonly [number | null, string | undefined]>((done) => {
    child.on("close", (code) => done([code, said.trimEnd().split("\n").at(-1)]));
  });
  return { child, end };
}

afterEach(() => {
  for (const { child } of joins.splice(0)) child.kill("SIGKILL");
});

/** A run over `count` hosts, in which `harm` is done when window 9 has been committed. */
async function runOverHosts(
  scenario: Scenario,
  count: number,
  harm: (hosts: readonly HostStart[]) => void,
  settings: Partial<RunOptions> & { readonly begun?: (start: RunStart) => void } = {},
): Promise<{ readonly outcome: RunOutcome; readonly notes: readonly HostRecord[] }> {
  const port = await freePort();
  const notes: HostRecord[] = [];
  let hosts: readonly HostStart[] = [];
  for (let joined = 1; joined < count; joined += 1) {
    joins.push(startJoin(port));
  }
  const outcome = await runScenario(scenario, {
    build: buildFingerprint(),
    hosts: {
      count,
      address: { host: "127.0.0.1", port },
      token: Buffer.from(TOKEN, "hex"),
      joinWithinMs: 30_000,
      security: { insecure: false },
    },
    observer: {
      started: (start) => {
        hosts = start.hosts;
        settings.begun?.(start);
      },
      committed: atWindow(9, () => harm(hosts)),
      observed: (records) => notes.push(...records),
    },
    ...settings,
  });
  return { outcome, notes };
}

const kill = ({ pid }: HostStart): boolean => process.kill(pid, "SIGKILL");

describe("a run that loses a host", () => {
  it.each([
    [3, 2, "that runs nobody", ["agent-lost"]],
    [2, 2, "with a worker", ["agent-lost", "worker-replaced"]],
  ])("on %i hosts with %i workers, one %s, ends as if nothing had been", async (...row) => {
    const [count, workers, , events] = row;
    const single = await runScenario(tinyScenario());
    const scenario = tinyScenario({ run: { placement: "pack", workers } });
    const { outcome, notes } = await runOverHosts(scenario, count, (hosts) =>
      kill(hosts.at(-1) as HostStart),
    );
    expect(notes.map(({ event }) => event)).toEqual(events);
    expect([outcome.end, outcome.digest]).toEqual(["finished", single.digest]);
    expect(
      descendantsOf(process.pid).filter((pid) => !joins.some(({ child }) => child.pid === pid)),
    ).toEqual([]);
  });
});

describe("a run that is told to end with all its hosts", () => {
  it("after it lost a worker ends with its totals", async () => {
    const stop = new AbortController();
    const scenario = tinyScenario({ run: { placement: "pack", workers: 4 } });
    let pids: readonly number[] = [];
    const { outcome } = await runOverHosts(
      scenario,
      3,
      (hosts) => {
        process.kill(pids[0], "SIGKILL");
        for (const { pid } of hosts.slice(1)) process.kill(pid, "SIGTERM");
        stop.abort();
      },
      { stop: stop.signal, begun: (start) => (pids = start.pids) },
    );
    expect([outcome.end, outcome.detail]).toEqual(["interrupted", undefined]);
    const left = await Promise.all(joins.map(({ end }) => end));
    expect(left).toEqual([
      [143, "left the run"],
      [143, "left the run"],
    ]);
  });
});

describe("a host whose run ends", () => {
  it("in a failure is told which, and says so with its exit code", async () => {
    const scenario = tinyScenario({ run: { placement: "pack", workers: 2 } });
    const failing = runOverHosts(scenario, 2, () => {
      throw new Error("the disk is full");
    });
    await expect(failing).rejects.toThrow("the disk is full");
    expect(await joins[0].end).toEqual([75, "the run failed: the disk is full"]);
  });

  it("as it should is told that, too", async () => {
    const scenario = tinyScenario({ run: { placement: "pack", workers: 2 } });
    await runOverHosts(scenario, 2, () => undefined);
    expect(await joins[0].end).toEqual([0, "the run is over"]);
  });
});
