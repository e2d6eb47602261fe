/**
 * Side of part (d): one MoE layer on 2,048 GPUs in one process; what it takes in time and memory.
 */

import type { RunTotals } from "../../src/engine/run-totals.ts";
import { fleetScenario } from "./bench-scenarios.ts";
import { type SideFigures, timed } from "./measure.ts";
import { expectWhole, makeRun } from "./one-process.ts";

/** Builds and runs the fleet in a process that has done nothing else. */
export function runFleet(): SideFigures {
  const scenario = fleetScenario();
  const bytesBefore = process.memoryUsage.rss();
  let fleet: ReturnType<typeof makeRun> | undefined;
  const built = timed(() => {
    fleet = makeRun(scenario);
  });
  const { actors, run } = fleet as ReturnType<typeof makeRun>;
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
