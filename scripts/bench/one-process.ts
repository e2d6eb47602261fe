/**
 * A run in this process, window by window under the real protocol, without sockets, files and log:
 * what `placement: single` does, for the bench to measure. Several workers are allowed, to count
 * who takes part.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { LogicalProcess } from "../../src/engine/logical-process.ts";
import type { RunTotals } from "../../src/engine/run-totals.ts";
import { type CommittedWindow, WindowProtocol } from "../../src/engine/window-protocol.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { lookaheadOf, placeActors } from "../../src/topology/placement.ts";

/** Longest window of one worker, ps; as in a real run. */
const SLICE_PS = 1e7;

export interface OneProcessOptions {
  readonly devices?: DeviceFactory;
  /**
   * Called after each window with the number of workers that took part; `false` ends the run there.
   */
  readonly committed?: (window: CommittedWindow, participants: number) => boolean;
}

/** Makes a run that has not begun; building it is no part of what is measured. */
export function makeRun(
  scenario: Scenario,
  options: OneProcessOptions = {},
): { readonly actors: number; run(): RunTotals } {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const placement = placeActors(topology, scenario.run.placement, scenario.run.workers);
  const workers = placement.workers.map(
    (_, worker) =>
      new LogicalProcess({ scenario, placement, worker, devices: options.devices ?? makeDevice }),
  );
  const protocol = new WindowProtocol({
    workers: workers.length,
    lookaheadPs: lookaheadOf(topology, placement),
    gpus: topology.actors.filter((actor) => actor.kind === "gpu").length,
    timeLimitPs: scenario.run.timeLimitPs,
    sliceMaxPs: SLICE_PS,
  });
  const run = (): RunTotals => {
    workers.forEach((worker, number) => {
      protocol.accept(number, worker.start());
    });
    let participants = workers.length;
    for (;;) {
      workers.forEach((worker, number) => {
        for (const { peer, bytes } of worker.takeFrames()) workers[peer].accept(number, bytes);
      });
      const goesOn = options.committed?.(protocol.commit(), participants) ?? true;
      const step = protocol.next();
      if (step.type !== "grants" || !goesOn) {
        return protocol.finish(workers.map((worker) => worker.summary()));
      }
      participants = step.grants.length;
      for (const { worker, grant } of step.grants) {
        protocol.accept(worker, workers[worker].run(grant));
      }
    }
  };
  return { actors: topology.actors.length, run };
}

/** Throws when a run that has no faults did not combine everything that it dispatched. */
export function expectWhole(totals: RunTotals): void {
  const { dispatched, combined } = totals.assignments;
  const troubles = totals.violations.length + totals.mismatches;
  if (dispatched !== combined || dispatched === 0 || troubles > 0) {
    throw new Error(`the run is not whole: ${JSON.stringify(totals)}`);
  }
}
