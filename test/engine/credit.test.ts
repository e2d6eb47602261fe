/**
 * Frames that went straight to a worker with nothing to do: when many bytes wait there, it takes
 * part in the next window, and so reads them. That changes windows and nothing else.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { makeLocalRun } from "../../src/engine/local-run.ts";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { randomScenario } from "../support/random-scenario.ts";
import { windowReport } from "../support/window-report.ts";

/** In 3 and 6 more than one window's frames wait somewhere if nobody has to read them. */
const SEEDS = [3, 6, 9, 12];

/** A run in which all frames go straight, and the most bytes that waited at a worker. */
function runWith(scenario: Scenario, creditBytes?: number) {
  /** By worker, bytes that no grant has named; the most, and the most that one window added. */
  const waiting: number[] = [];
  const most = { waiting: 0, added: 0 };
  let turn: readonly number[] = [];
  let place = 0;
  let added: number[] = [];
  const totals = makeLocalRun(scenario, {
    ...{ devices: makeDevice, placement: "pack", workers: 6, carriedBytesMax: 0 },
    ...(creditBytes !== undefined && { creditBytes }),
    order: (workers) => {
      turn = workers;
      place = 0;
      return workers;
    },
    wire: {
      grant: (grant) => {
        if (place === 0) added = [];
        if (grant.frames.length > 0) waiting[turn[place]] = 0;
        place += 1;
        return grant;
      },
      report: (report) => {
        for (const { peer, sizeBytes } of report.sent) {
          added[peer] = (added[peer] ?? 0) + sizeBytes;
          most.added = Math.max(most.added, added[peer]);
        }
        return report;
      },
    },
    committed: () => {
      for (const [peer, bytes = 0] of added.entries()) {
        waiting[peer] = (waiting[peer] ?? 0) + bytes;
        most.waiting = Math.max(most.waiting, waiting[peer]);
      }
      added = [];
      return true;
    },
  }).run();
  return { totals, most };
}

describe("credit", () => {
  it("bounds what waits at a worker, and no result depends on it", () => {
    let isFelt = false;
    for (const seed of SEEDS) {
      const scenario = randomScenario(seed);
      const free = runWith(scenario);
      for (const creditBytes of [0, 3_000]) {
        const { totals, most } = runWith(scenario, creditBytes);
        expect(totals.digest, `seed ${seed}`).toBe(free.totals.digest);
        expect(totals.assignments, `seed ${seed}`).toEqual(free.totals.assignments);
        expect(most.waiting, `seed ${seed}`).toBeLessThanOrEqual(creditBytes + most.added);
        isFelt ||= free.most.waiting > creditBytes + most.added;
      }
    }
    expect(isFelt).toBe(true);
  });

  it("has a worker take part when more than that went straight to it, and then not at once", () => {
    const protocol = new WindowProtocol({
      ...{ workers: 2, lookaheadPs: 10, gpus: 2, timeLimitPs: 1e12, creditBytes: 2_500 },
    });
    const straight = { peer: 1, earliestPs: 1e9, sizeBytes: 1_000, carried: null };
    const carried = { ...straight, carried: new Uint8Array(1_000) };
    for (const worker of [0, 1]) {
      protocol.accept(worker, windowReport({ nextEventPs: worker === 0 ? 10 : 1e9 }));
    }
    const granted: number[][] = [];
    for (let window = 1; window <= 9; window += 1) {
      protocol.commit();
      const step = protocol.next();
      const workers = step.type === "grants" ? step.grants.map(({ worker }) => worker) : [];
      granted.push(workers);
      // Every second frame is carried, and those do not count.
      const sent = [window % 2 === 0 ? carried : straight];
      const nextPs = 10 * (window + 1);
      for (const worker of workers) {
        protocol.accept(
          worker,
          windowReport({
            window,
            nextEventPs: worker === 0 ? nextPs : 1e9,
            sent: worker === 0 ? sent : [],
          }),
        );
      }
    }
    expect(granted.map((workers) => workers.length)).toEqual([1, 1, 1, 1, 1, 2, 1, 1, 1]);
  });
});
