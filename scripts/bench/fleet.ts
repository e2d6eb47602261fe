/**
 * Side of part (d): one MoE layer on 2,048 GPUs in one process; what it takes in time and memory.
 */

import { makeDevice } from "../../actors/catalogue.ts";
import { expectWhole, makeLocalRun } from "../../src/engine/local-run.ts";
import type { RunTotals } from "../../src/engine/run-totals.ts";
import { fleetScenario } from "./bench-scenarios.ts";
import { type SideFigures, timed } from "./measure.ts";

/** Builds and runs the fleet in a process that has done nothing else. */
export function runFleet(): SideFigures {
  const scenario = fleetScenario();
  const bytesBefore = process.memoryUsage.rss();
  let fleet: ReturnType<typeof makeLocalRun> | undefined;
  const built = timed(() => {
    fleet = makeLocalRun(scenario, { devices: makeDevice });
  });
  const { actors, run } = fleet as ReturnType<typeof makeLocalRun>;
  const builtBytes = process.memoryUsage.rss() - bytesBefore;
  let totals: RunTotals | undefined;
  const ran = timed(() => {
    totals = run();
  });
  const peakBytes = process.resourceUsage().maxRSS * 1024 - bytesBefore;
  const { events, assignments } = totals as RunTotals;
  expectWhole(totals as RunTotals);
  return {
    actors,
    events,
    copies: assignments.dispatched + assignments.combined,
    buildSeconds: built.wallSeconds,
    wallSeconds: ran.wallSeconds,
    cpuSeconds: ran.cpuSeconds,
    builtBytesPerActor: builtBytes / actors,
    peakBytesPerActor: peakBytes / actors,
  };
}
