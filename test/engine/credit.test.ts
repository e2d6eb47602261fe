/**
 * Frames that went straight to a worker with nothing to do: when many bytes wait there, it takes
 * part in the next window, and so reads them. That changes windows and nothing else.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { makeLocalRun } from "../../src/engine/local-run.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { randomScenario } from "../support/random-scenario.ts";

const SEEDS = 3;

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
    for (let seed = 0; seed < SEEDS; seed += 1) {
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
});
