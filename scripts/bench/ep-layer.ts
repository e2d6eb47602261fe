/**
 * Sides of part (b): one MoE layer of DeepSeek-V3 over 128 ranks, 128 tokens each, in one process,
 * with transport, payloads and accounting; its trace for the yardstick; and what the heap does in
 * the long run.
 */

import { makeDevice } from "../../actors/catalogue.ts";
import { expectWhole, makeLocalRun } from "../../src/engine/local-run.ts";
import type { RunTotals } from "../../src/engine/run-totals.ts";
import type { CommittedWindow } from "../../src/engine/window-protocol.ts";
import { layerScenario } from "./bench-scenarios.ts";
import { saveTrace, TraceRecorder } from "./event-trace.ts";
import { type Duration, type SideFigures, startTimer } from "./measure.ts";

/** Steps of one layer each that warm a process up, and the step after which it is measured last. */
const WARM_STEPS = 3;
const LAST_STEP = 8;

/** Calls back when all ranks have done `WARM_STEPS` steps, and after each one that follows. */
function eachWarmStep(
  ranks: number,
  mark: (events: number) => void,
): (window: CommittedWindow) => boolean {
  let ranksDone = 0;
  let next = WARM_STEPS;
  return ({ facts, events }) => {
    for (const { fact } of facts) if (fact.type === "layer.completed") ranksDone += 1;
    if (ranksDone >= next * ranks) {
      next += 1;
      mark(events);
    }
    return true;
  };
}

/**
 * Times the layer: the first of a process, and the mean of those after the warm-up, each counted by
 * its events.
 */
export function runLayer(): SideFigures {
  const cold = timedRun(1);
  const warm = timedRun(LAST_STEP);
  const { events, assignments } = cold.totals;
  // Ranks drift apart, so what is measured begins in the middle of a layer of some.
  const layers = warm.events / events;
  return {
    events,
    copies: assignments.dispatched + assignments.combined,
    coldCpuSeconds: cold.cpuSeconds,
    coldWallSeconds: cold.wallSeconds,
    cpuSeconds: warm.cpuSeconds / layers,
    wallSeconds: warm.wallSeconds / layers,
  };
}

/** Runs some steps; a single one is timed whole, of several those after the warm-up. */
function timedRun(
  steps: number,
): Duration & { readonly totals: RunTotals; readonly events: number } {
  const scenario = layerScenario(steps);
  let firstEvents = 0;
  let stop = startTimer();
  const committed = eachWarmStep(scenario.workload.epSize, (events) => {
    if (firstEvents > 0) return;
    firstEvents = events;
    stop = startTimer();
  });
  const { run } = makeLocalRun(scenario, { devices: makeDevice, committed });
  stop = startTimer();
  const totals = run();
  const duration = stop();
  expectWhole(totals);
  return { ...duration, totals, events: totals.events - firstEvents };
}

/** Writes the events of one layer to a file. */
export function recordLayerTrace(path: string): SideFigures {
  const recorder = new TraceRecorder();
  const devices: typeof makeDevice = (actor, services) =>
    recorder.wrap(makeDevice(actor, services));
  const totals = makeLocalRun(layerScenario(1), { devices }).run();
  expectWhole(totals);
  const trace = recorder.trace();
  saveTrace(path, trace);
  return { events: totals.events, recorded: trace.events };
}

/**
 * Bytes that the heap and the buffers outside it grow by for an event, from one full collection to
 * another.
 */
export function runHeapGrowth(): SideFigures {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("needs --expose-gc");
  const marks: { readonly bytes: number; readonly events: number }[] = [];
  // One step more, since what a run keeps is measured while it still runs.
  const scenario = layerScenario(LAST_STEP + 1);
  const committed = eachWarmStep(scenario.workload.epSize, (events) => {
    // Twice: buffers outside the heap are given back after the collection that found them dead.
    gc();
    gc();
    const { heapUsed, external } = process.memoryUsage();
    marks.push({ bytes: heapUsed + external, events });
  });
  expectWhole(makeLocalRun(scenario, { devices: makeDevice, committed }).run());
  const first = marks[0];
  const last = marks[LAST_STEP - WARM_STEPS];
  const events = last.events - first.events;
  const grownBytes = last.bytes - first.bytes;
  return { events, heapBytes: first.bytes, grownBytes, bytesPerEvent: grownBytes / events };
}
