/**
 * Runs over real processes and sockets: the same digest as in one process, ends of every kind, and
 * nothing left behind. These run the compiled entry points.
 */
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { atWindow, descendantsOf, runScenario } from "./child-processes.ts";

const PACK = { placement: "pack", workers: 2 } as const;

describe("a run over processes", () => {
  it("has the digest and the totals of the run in one process, paced or slowed too", async () => {
    const single = await runScenario(tinyScenario());
    const pack = await runScenario(tinyScenario({ run: PACK }));
    const slowed = await runScenario(tinyScenario({ run: PACK }), {
      delays: new Map([["pack1", 2]]),
    });
    const paced = await runScenario(tinyScenario({ run: { ...PACK, speed: 0.01 } }));
    expect(single.end).toBe("finished");
    for (const run of [pack, slowed, paced]) {
      expect(run.end).toBe("finished");
      expect([run.digest, run.events]).toEqual([single.digest, single.events]);
      expect(run.assignments).toEqual(single.assignments);
      expect(run.violations).toEqual([]);
    }
    expect([single.processes, pack.processes]).toEqual([1, 4]);
    expect(pack.peakRssBytes).toBeGreaterThan(single.peakRssBytes);
    expect(slowed.windows).toBe(pack.windows);
    const pacedFor = paced.virtualTimePs / 1e12 / 0.01;
    expect(paced.wallSeconds).toBeGreaterThan(pacedFor * 0.9);
    expect(descendantsOf(process.pid)).toEqual([]);
  });

  it("commits windows in order, and waits for the observer", async () => {
    const windows: number[] = [];
    let writing = false;
    await runScenario(tinyScenario({ run: PACK }), {
      observer: {
        started: () => undefined,
        committed: async ({ window }) => {
          expect(writing).toBe(false);
          writing = true;
          await new Promise((resolve) => setImmediate(resolve));
          windows.push(window);
          writing = false;
        },
      },
    });
    expect(windows).toEqual(windows.map((_, place) => place));
    expect(windows.length).toBeGreaterThan(10);
  });

  it.each(["pack", "single"] as const)(
    "stops after the current window when asked to, with the totals so far: %s",
    async (placement) => {
      const stop = new AbortController();
      const windows: number[] = [];
      const outcome = await runScenario(
        tinyScenario({ run: { ...PACK, placement }, workload: { steps: 40 } }),
        {
          stop: stop.signal,
          observer: {
            started: () => undefined,
            committed: ({ window }) => {
              windows.push(window);
              if (window === 20) stop.abort();
            },
          },
        },
      );
      expect([outcome.end, windows.at(-1)]).toEqual(["interrupted", 20]);
      expect(outcome.assignments.dispatched).toBeGreaterThan(0);
      expect(descendantsOf(process.pid)).toEqual([]);
    },
  );

  it("stops while a paced window is held back", async () => {
    const stop = new AbortController();
    const outcome = await runScenario(tinyScenario({ run: { ...PACK, speed: 1e-9 } }), {
      stop: stop.signal,
      observer: {
        started: () => undefined,
        committed: atWindow(0, () => setImmediate(() => stop.abort())),
      },
    });
    expect([outcome.end, outcome.windows]).toEqual(["interrupted", 0]);
  });

  it("ends before it has begun when it was stopped meanwhile", async () => {
    const outcome = await runScenario(tinyScenario({ run: PACK }), { stop: AbortSignal.abort() });
    expect([outcome.end, outcome.windows]).toEqual(["interrupted", 0]);
    expect(descendantsOf(process.pid)).toEqual([]);
  });

  it("ends at the time limit", async () => {
    const run = { ...PACK, timeLimitPs: PS_PER_MS / 100 };
    const outcome = await runScenario(tinyScenario({ run }));
    expect(outcome.end).toBe("time-limit");
    expect(outcome.virtualTimePs).toBeLessThan(PS_PER_MS / 100);
  });

  it("is an error, with the worker's name, when an actor breaks a rule", async () => {
    // No such scenario passes the parser: a rank cannot own experts that do not divide over the
    // ranks.
    const scenario = tinyScenario({ run: PACK, workload: { epSize: 3 } });
    const error = await runScenario(scenario).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InvariantError);
    expect((error as Error).message).toMatch(/worker pack\d \(pid \d+\): /);
    expect(descendantsOf(process.pid)).toEqual([]);
  });

  it("lets an error of the observer through after everybody has left", async () => {
    const failing = runScenario(tinyScenario({ run: PACK }), {
      observer: {
        started: () => undefined,
        committed: () => Promise.reject(new Error("no space left")),
      },
    });
    await expect(failing).rejects.toThrow("no space left");
    expect(descendantsOf(process.pid)).toEqual([]);
  });
});
