/**
 * A run from a resolved scenario to its totals: chooses between one process and many, drives the
 * window loop, and tears everything down whatever happened. It writes no file and prints nothing:
 * the observer does.
 */
import { performance } from "node:perf_hooks";
import type { ClosedEpoch } from "../src/engine/digest-chain.ts";
import { WindowProtocol } from "../src/engine/window-protocol.ts";
import type { HostFaultRun } from "../src/model/host-fault.ts";
import type { AssignmentTotals, FaultTotals, TrafficBin } from "../src/model/window.ts";
import { makeFatTree } from "../src/topology/fat-tree.ts";
import { crossingPeers, lookaheadOf, placeActors } from "../src/topology/placement.ts";
import { openControl } from "./control-server.ts";
import type { DriveResult, PreparedRun, RunOptions } from "./prepared-run.ts";
import { RunControl } from "./run-control.ts";
import { driveProcesses } from "./run-processes.ts";
import { driveSingle } from "./run-single.ts";

/**
 * How a run ended, and its totals. For `worker-lost` totals of assignments are zero: nobody is left
 * to ask.
 */
export interface RunOutcome {
  readonly end: "finished" | "interrupted" | "time-limit" | "worker-lost" | "stuck" | "stopped";
  /** A sentence for the operator. */
  readonly detail?: string;
  /** Of a stopped run: everything before has happened, nothing at it or later. */
  readonly stoppedAtPs?: number;
  readonly digest: string;
  readonly virtualTimePs: number;
  readonly wallSeconds: number;
  readonly maxLagSeconds: number;
  readonly events: number;
  readonly windows: number;
  readonly processes: number;
  /** Each process's own peak, added up. */
  readonly peakRssBytes: number;
  readonly assignments: AssignmentTotals;
  readonly byFault: readonly FaultTotals[];
  /** Combined results that differ from the oracle, and no fault explains it. */
  readonly mismatches: number;
  /** Those that differ because a fault corrupted them, and nobody noticed. */
  readonly corrupted: number;
  /** Masked assignments that no fault explains. */
  readonly unexplained: number;
  readonly violations: readonly string[];
  readonly faultsBegun: readonly string[];
  readonly fabric: Readonly<Record<string, number>>;
  /** Epochs that no window closed, but the end of the run. */
  readonly epochsClosed: readonly ClosedEpoch[];
  /** The rest of the traffic. */
  readonly traffic: readonly TrafficBin[];
  /** Real faults in the order in which the run came to them; missing: its drill has none. */
  readonly hostFaults?: readonly HostFaultRun[];
}

/**
 * Longest window of a run in one process, ps: short enough to be watched, long enough to cost
 * nothing.
 */
const SINGLE_SLICE_PS = 1e7;

/**
 * Runs a scenario to its end. Throws an OperatingError for what an operator can mend and an
 * InvariantError for a broken rule; no process is left in either case.
 */
export async function runCluster(options: RunOptions): Promise<RunOutcome> {
  const startedMs = performance.now();
  const { scenario } = options;
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const placement = placeActors(topology, scenario.run.placement, scenario.run.workers);
  const lookaheadPs = lookaheadOf(topology, placement);
  const single = scenario.run.placement === "single";
  const protocol = new WindowProtocol({
    workers: placement.workers.length,
    workerOf: placement.workerOf,
    lookaheadPs,
    gpus: topology.actors.filter((actor) => actor.kind === "gpu").length,
    trafficEveryPs: scenario.run.trafficEveryPs,
    timeLimitPs: scenario.run.timeLimitPs,
    ...(single ? { sliceMaxPs: SINGLE_SLICE_PS } : {}),
  });
  const { runId, blind, planned } = options;
  const control =
    options.operators === true
      ? new RunControl({ runId, scenario, topology, blind, planned })
      : undefined;
  const server = control && (await openControl(runId, (request) => control.ask(request)));
  const controlAddress = server?.address;
  const faultNames = new Set([...scenario.faults.map(({ name }) => name), ...(planned ?? [])]);
  const run: PreparedRun = {
    options,
    topology,
    placement,
    protocol,
    lookaheadPs,
    faultNames,
    lostActors: new Set(),
    control,
    controlAddress,
  };
  let result: DriveResult;
  try {
    const pairs = crossingPeers(topology, placement);
    result = single ? await driveSingle(run) : await driveProcesses(run, pairs);
  } finally {
    control?.close();
    await server?.close();
  }
  const totals = protocol.finish(result.summaries);
  const { ending } = result;
  return {
    end: ending.end,
    ...(ending.detail === undefined ? {} : { detail: ending.detail }),
    ...(ending.stoppedAtPs === undefined ? {} : { stoppedAtPs: ending.stoppedAtPs }),
    digest: totals.digest,
    virtualTimePs: totals.virtualTimePs,
    wallSeconds: (performance.now() - startedMs) / 1000,
    maxLagSeconds: result.maxLagSeconds,
    events: totals.events,
    windows: totals.windows,
    processes: result.processes,
    peakRssBytes: result.peakRssBytes,
    assignments: totals.assignments,
    byFault: totals.byFault,
    mismatches: totals.mismatches,
    corrupted: totals.corrupted,
    unexplained: totals.unexplained,
    violations: totals.violations,
    faultsBegun: totals.faultsBegun,
    fabric: totals.fabric,
    epochsClosed: totals.epochsClosed,
    traffic: totals.traffic,
    ...(result.hostFaults === undefined ? {} : { hostFaults: result.hostFaults }),
  };
}
