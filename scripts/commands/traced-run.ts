/**
 * A run beside the one that counts: in this process, at full speed, without files, for its trace
 * and measures. It gives the event loop its turns, so Ctrl-C is heard.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import { TraceRecorder } from "../../src/drill/trace.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { processMains } from "./package-files.ts";

/** Listens to a run for its trace and its measures. */
export class RunListener {
  readonly series: RunSeries;
  readonly #trace: TraceRecorder;

  constructor(scenario: Scenario, topology: Topology) {
    this.series = new RunSeries(scenario, topology);
    this.#trace = new TraceRecorder(scenario, topology);
  }

  /** Takes facts in the order of the log. */
  take(facts: readonly FactRecord[]): void {
    this.series.take(facts);
    this.#trace.take(facts);
  }

  /** The run, which is over. */
  measured(end: RunOutcome): MeasuredRun {
    return { series: this.series, trace: this.#trace.trace(), end };
  }
}

/** A run that was traced. */
export interface TracedRun {
  readonly measured: MeasuredRun;
  readonly outcome: RunOutcome;
}

/** Runs a scenario; `told` is called now and then with how far it is, ps of virtual time. */
export async function tracedRun(
  scenario: Scenario,
  topology: Topology,
  stop: AbortSignal,
  told: (virtualTimePs: number, wallSeconds: number) => void,
): Promise<TracedRun> {
  const listener = new RunListener(scenario, topology);
  const run = { ...scenario.run, placement: "single", speed: "max", logPackets: false } as const;
  const outcome = await runCluster({
    scenario: { ...scenario, run },
    runId: "twin",
    ...processMains(),
    devices: makeDevice,
    observer: {
      started: () => undefined,
      committed: ({ facts }, status) => {
        listener.take(facts);
        told(status.virtualTimePs, status.wallSeconds);
      },
    },
    stop,
  });
  return { measured: listener.measured(outcome), outcome };
}
