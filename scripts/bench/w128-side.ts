/** W128 as a side of a comparison: the first run of a process, a warm one, and one with jitter. */
import { saveTrace, TraceRecorder } from "./event-trace.ts";
import { type SideFigures, timed } from "./measure.ts";
import { makeW128, type W128Result } from "./w128.ts";

/** Times W128; building the topology is left out, as it is for others. */
export function runW128(): SideFigures {
  const cold = timedRun(false);
  const jitter = timedRun(true);
  const warm = timedRun(false);
  return {
    events: warm.result.events,
    packets: warm.result.packets,
    completionPs: warm.result.completionPs,
    jitterCompletionPs: jitter.result.completionPs,
    coldCpuSeconds: cold.cpuSeconds,
    cpuSeconds: warm.cpuSeconds,
    wallSeconds: warm.wallSeconds,
  };
}

function timedRun(jitter: boolean): {
  readonly result: W128Result;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
} {
  const { run } = makeW128({ jitter });
  let result: W128Result | undefined;
  const duration = timed(() => {
    result = run();
  });
  return { result: result as W128Result, ...duration };
}

/** Writes the events of W128 to a file. */
export function recordW128Trace(path: string): SideFigures {
  const recorder = new TraceRecorder();
  const { events } = makeW128({ jitter: false, wrap: (actor) => recorder.wrap(actor) }).run();
  const trace = recorder.trace();
  saveTrace(path, trace);
  return { events, recorded: trace.events };
}
