/**
 * A run in this process, window by window under the real protocol, without sockets, files and log:
 * for measurements, and for experiments whose outcome is a few numbers.
 */
import type { DeviceFactory } from "../model/device.ts";
import type { Director } from "../model/director.ts";
import type { Scenario } from "../model/scenario.ts";
import { NEVER_PS } from "../model/time.ts";
import { NO_CHANGES, type RunChanges } from "../model/window.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { lookaheadOf, placeActors } from "../topology/placement.ts";
import { LogicalProcess } from "./logical-process.ts";
import type { RunTotals } from "./run-totals.ts";
import { type CommittedWindow, type NextStep, WindowProtocol } from "./window-protocol.ts";

/** Longest window of one worker, ps; as in a real run. */
const SLICE_PS = 1e7;

export interface LocalRunOptions {
  readonly devices: DeviceFactory;
  /**
   * Called after each window with the number of workers that took part; `false` ends the run there.
   */
  readonly committed?: (window: CommittedWindow, participants: number) => boolean;
  /** Decides at its instants what is done to the run. */
  readonly director?: Director;
}

/** Makes a run that has not begun; several workers, if the scenario asks for them, take turns. */
export function makeLocalRun(
  scenario: Scenario,
  options: LocalRunOptions,
): { readonly actors: number; run(): RunTotals } {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const placement = placeActors(topology, scenario.run.placement, scenario.run.workers);
  const { devices } = options;
  const workers = placement.workers.map(
    (_, worker) => new LogicalProcess({ scenario, placement, worker, devices }),
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
      const window = protocol.commit();
      options.director?.take(window.facts);
      const goesOn = options.committed?.(window, participants) ?? true;
      const step = nextStep(protocol, options.director);
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

/** How a run that its director ended stands. */
export interface StoppedStep {
  readonly type: "stopped";
  readonly virtualTimePs: number;
  readonly reason: string;
}

/**
 * What comes after a committed window, whose facts the director has taken: asks it at each of its
 * instants on the way.
 */
export function nextStep(
  protocol: WindowProtocol,
  director: Director | undefined,
): Exclude<NextStep, { type: "stop-reached" }> | StoppedStep {
  let changes: RunChanges = NO_CHANGES;
  for (;;) {
    const step = protocol.next(changes, director?.nextPs ?? NEVER_PS);
    if (step.type !== "stop-reached") return step;
    const orders = (director as Director).at(step.atPs);
    if (orders.stop !== undefined) {
      return { type: "stopped", virtualTimePs: protocol.virtualTimePs, reason: orders.stop };
    }
    changes = orders;
  }
}

/** Throws when a run that has no faults did not combine everything that it dispatched. */
export function expectWhole(totals: RunTotals): void {
  const { dispatched, combined } = totals.assignments;
  const troubles = totals.violations.length + totals.mismatches;
  if (dispatched !== combined || dispatched === 0 || troubles > 0) {
    throw new Error(`the run is not whole: ${JSON.stringify(totals)}`);
  }
}
