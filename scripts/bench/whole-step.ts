/** Side of part (e): a scenario run once to its end, in a process that has done nothing else. */
import { makeDevice } from "../../actors/catalogue.ts";
import { expectWhole, makeLocalRun } from "../../src/engine/local-run.ts";
import type { RunTotals } from "../../src/engine/run-totals.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { type SideFigures, timed } from "./measure.ts";

export function runStep(scenario: Scenario): SideFigures {
  const { run } = makeLocalRun(scenario, { devices: makeDevice });
  let totals: RunTotals | undefined;
  const { wallSeconds, cpuSeconds } = timed(() => {
    totals = run();
  });
  const { events, virtualTimePs, assignments } = totals as RunTotals;
  expectWhole(totals as RunTotals);
  return {
    events,
    dispatched: assignments.dispatched,
    combined: assignments.combined,
    virtualPs: virtualTimePs,
    wallSeconds,
    cpuSeconds,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
