/**
 * A run in this process, window by window under the real protocol, without sockets, files and log:
 * for measurements, for experiments whose outcome is a few numbers, and for tests.
 */
import type { DeviceFactory } from "../model/device.ts";
import type { Director } from "../model/director.ts";
import type { PlacementName, Scenario } from "../model/scenario.ts";
import { NEVER_PS } from "../model/time.ts";
import { type Grant, NO_CHANGES, type RunChanges, type WindowReport } from "../model/window.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { lookaheadOf, placeActors } from "../topology/placement.ts";
import type { LaneWatch } from "./lane-watch.ts";
import { LogicalProcess } from "./logical-process.ts";
import type { RunTotals } from "./run-totals.ts";
import { type CommittedWindow, type NextStep, WindowProtocol } from "./window-protocol.ts";

/** Longest window of one worker, ps; as in a real run. */
const SLICE_PS = 1e7;

/** What grants and reports go through on their way; they arrive as copies. */
export interface Wire {
  grant(grant: Grant): Grant;
  report(report: WindowReport): WindowReport;
}

export interface LocalRunOptions {
  readonly devices: DeviceFactory;
  /** Instead of the scenario's. */
  readonly placement?: PlacementName;
  readonly workers?: number;
  /** Longest window, ps. */
  readonly sliceMaxPs?: number;
  /** Largest data frame that reports and grants carry, bytes; see LogicalProcessOptions. */
  readonly carriedBytesMax?: number;
  /** Bytes that may wait at an idle worker; see WindowProtocolOptions. */
  readonly creditBytes?: number;
  /**
   * Called after each window with the number of workers that took part; `false` ends the run there.
   */
  readonly committed?: (window: CommittedWindow, participants: number) => boolean;
  /** Decides at its instants what is done to the run. */
  readonly director?: Director;
  /** Default: they are handed over as they are. */
  readonly wire?: Wire;
  /**
   * Order in which the workers of a window run, and in which their frames arrive; default: the
   * workers' own.
   */
  readonly order?: (workers: readonly number[]) => readonly number[];
  /** Looks on while messages cross lanes; for runs of one worker. */
  readonly watch?: LaneWatch;
}

/** What a local run comes to, and how it ended; `cut`: by `committed`. */
export interface LocalRunTotals extends RunTotals {
  readonly end: Exclude<NextStep["type"], "grants" | "stop-reached"> | "stopped" | "cut";
  /** Why its director ended it. */
  readonly stopReason?: string;
}

/** Makes a run that has not begun; several workers, if the scenario asks for them, take turns. */
export function makeLocalRun(
  scenario: Scenario,
  options: LocalRunOptions,
): { readonly actors: number; run(): LocalRunTotals } {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const placement = placeActors(
    topology,
    options.placement ?? scenario.run.placement,
    options.workers ?? scenario.run.workers,
  );
  const { devices, carriedBytesMax, creditBytes, wire, order = asTheyAre, watch } = options;
  const carried = carriedBytesMax === undefined ? {} : { carriedBytesMax };
  const workers = placement.workers.map(
    (_, worker) => new LogicalProcess({ scenario, placement, worker, devices, watch, ...carried }),
  );
  const protocol = new WindowProtocol({
    workers: workers.length,
    workerOf: placement.workerOf,
    lookaheadPs: lookaheadOf(topology, placement),
    gpus: topology.actors.filter((actor) => actor.kind === "gpu").length,
    timeLimitPs: scenario.run.timeLimitPs,
    trafficEveryPs: scenario.run.trafficEveryPs,
    sliceMaxPs: options.sliceMaxPs ?? SLICE_PS,
    ...(creditBytes !== undefined && { creditBytes }),
  });
  const report = (worker: number, given: WindowReport): void => {
    protocol.accept(worker, wire === undefined ? given : wire.report(given));
  };
  const run = (): LocalRunTotals => {
    workers.forEach((worker, number) => {
      report(number, worker.start());
    });
    let participants = workers.map((_, number) => number);
    for (;;) {
      for (const number of order(participants)) {
        for (const { peer, bytes } of workers[number].takeFrames()) {
          workers[peer].accept(number, bytes);
        }
      }
      const window = protocol.commit();
      options.director?.take(window.facts);
      const goesOn = options.committed?.(window, participants.length) ?? true;
      const step = nextStep(protocol, options.director);
      if (step.type !== "grants" || !goesOn) {
        const totals = protocol.finish(workers.map((worker) => worker.summary()));
        if (step.type === "grants") return { ...totals, end: "cut" };
        const reason = step.type === "stopped" ? { stopReason: step.reason } : {};
        return { ...totals, end: step.type, ...reason };
      }
      const grants = new Map(step.grants.map(({ worker, grant }) => [worker, grant]));
      participants = [...grants.keys()];
      for (const number of order(participants)) {
        const grant = grants.get(number) as Grant;
        report(number, workers[number].run(wire === undefined ? grant : wire.grant(grant)));
      }
    }
  };
  return { actors: topology.actors.length, run };
}

function asTheyAre(workers: readonly number[]): readonly number[] {
  return workers;
}

/** How a run that its director ended stands. */
export interface StoppedStep {
  readonly type: "stopped";
  readonly virtualTimePs: number;
  readonly reason: string;
}

/**
 * What comes after a committed window, whose facts the director has taken: asks it at each of its
 * instants on the way. `learnt`: what the run has learnt besides.
 */
export function nextStep(
  protocol: WindowProtocol,
  director: Director | undefined,
  learnt = NO_CHANGES,
): Exclude<NextStep, { type: "stop-reached" }> | StoppedStep {
  let changes: RunChanges = learnt;
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
