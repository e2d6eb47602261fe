/**
 * Sides of part (b): one MoE layer of DeepSeek-V3 over 128 ranks, 128 tokens each, in one process, with
 * transport, payloads and accounting; its trace for the yardstick; and what the heap does in the long run.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import type { RunTotals } from "../../src/engine/window-protocol.ts";
import { layerScenario } from "./bench-scenarios.ts";
import { saveTrace, TraceRecorder } from "./event-trace.ts";
import { type Duration, type SideFigures, timed } from "./measure.ts";
import { expectWhole, makeRun } from "./one-process.ts";

/** Steps before the heap is first measured, and the step after which it is measured last. */
const WARM_STEPS = 3;
const LAST_STEP = 8;

/** Times one layer after one to warm up. */
export function runLayer(): SideFigures {
  const cold = timedLayer();
  const warm = timedLayer();
  return {
    events: warm.totals.events,
    copies: warm.totals.assignments.dispatched + warm.totals.assignments.combined,
    virtualTimePs: warm.totals.virtualTimePs,
    coldCpuSeconds: cold.cpuSeconds,
    cpuSeconds: warm.cpuSeconds,
    wallSeconds: warm.wallSeconds,
  };
}

function timedLayer(): Duration & { readonly totals: RunTotals } {
  const { run } = makeRun(layerScenario(1));
  let totals: RunTotals | undefined;
  const duration = timed(() => {
    totals = run();
  });
  expectWhole(totals as RunTotals);
  return { totals: totals as RunTotals, ...duration };
}

/** Writes the events of one layer to a file. */
export function recordLayerTrace(path: string): SideFigures {
  const recorder = new TraceRecorder();
  const devices: typeof makeDevice = (actor, services) =>
    recorder.wrap(makeDevice(actor, services));
  const totals = makeRun(layerScenario(1), { devices }).run();
  expectWhole(totals);
  const trace = recorder.trace();
  saveTrace(path, trace);
  return { events: totals.events, recorded: trace.events };
}

/** Bytes that the heap and the buffers outside it grow by for an event, from one full collection to another. */
export function runHeapGrowth(): SideFigures {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("needs --expose-gc");
  const marks: { readonly bytes: number; readonly events: number }[] = [];
  let ranksDone = 0;
  const scenario = layerScenario(LAST_STEP + 1);
  const ranks = scenario.workload.epSize;
  const { run } = makeRun(scenario, {
    committed: ({ facts, events }) => {
      for (const { fact } of facts) if (fact.type === "layer.completed") ranksDone += 1;
      const steps = Math.floor(ranksDone / ranks);
      if (steps < WARM_STEPS + marks.length) return true;
      gc();
      const { heapUsed, external } = process.memoryUsage();
      marks.push({ bytes: heapUsed + external, events });
      return true;
    },
  });
  expectWhole(run());
  const first = marks[0];
  const last = marks[LAST_STEP - WARM_STEPS];
  const events = last.events - first.events;
  return {
    events,
    heapBytes: first.bytes,
    grownBytes: last.bytes - first.bytes,
    bytesPerEvent: (last.bytes - first.bytes) / events,
  };
}
