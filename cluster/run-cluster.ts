/**
 * A run from a resolved scenario to its totals: chooses between one process and many, drives the
 * window loop, and tears everything down whatever happened. It writes no file and prints nothing:
 * the observer does.
 */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { ClosedEpoch } from "../src/engine/digest-chain.ts";
import { WindowProtocol } from "../src/engine/window-protocol.ts";
import { formatTime } from "../src/model/time.ts";
import type { AssignmentTotals, FaultTotals, WorkerSummary } from "../src/model/window.ts";
import { makeFatTree } from "../src/topology/fat-tree.ts";
import { crossingPeers, lookaheadOf, placeActors } from "../src/topology/placement.ts";
import { encodeChecked } from "./codec.ts";
import { openControl } from "./control-server.ts";
import { Coordinator, type Failure } from "./coordinator.ts";
import { checkHost } from "./host-limits.ts";
import { peakRssBytes } from "./membership.ts";
import type { DriveResult, Ending, PreparedRun, RunOptions } from "./prepared-run.ts";
import { RunControl } from "./run-control.ts";
import { makeLoop } from "./run-loop.ts";
import { driveSingle } from "./run-single.ts";
import type { WindowLoop } from "./window-loop.ts";

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
}

/**
 * Longest window of a run in one process, ps: short enough to be watched, long enough to cost
 * nothing.
 */
const SINGLE_SLICE_PS = 1e7;

/** Wall ms that workers have to finish a window and say their totals once the run is to stop. */
const STOP_WITHIN_MS = 5000;

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
    lookaheadPs,
    gpus: topology.actors.filter((actor) => actor.kind === "gpu").length,
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
  const run = { options, placement, protocol, lookaheadPs, control, controlAddress };
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
  };
}

/** Drives a run over worker processes. */
async function driveProcesses(
  run: PreparedRun,
  pairs: readonly (readonly [number, number])[],
): Promise<DriveResult> {
  const { options, placement, protocol } = run;
  const workers = placement.workers.length;
  const { agentMain, workerMain } = options;
  const { controlAddress } = run;
  checkHost([agentMain, workerMain], workers, mostPeers(pairs, workers));
  const scenario = encodeChecked(options.scenario);
  let loop: WindowLoop | undefined;
  let failed: (failure: Failure) => void = () => undefined;
  const failure = new Promise<Failure>((resolve) => {
    failed = resolve;
  });
  const coordinator = new Coordinator({
    runId: options.runId,
    scenario,
    scenarioHash: createHash("sha256").update(scenario).digest("hex").slice(0, 16),
    placement,
    pairs,
    delays: options.delays ?? new Map(),
    agentMain,
    workerMain,
    port: options.port ?? 0,
    ...(options.silenceLimitSeconds === undefined
      ? {}
      : { silenceLimitSeconds: options.silenceLimitSeconds }),
    report: (worker, report) => loop?.report(worker, report),
    failed: (what) => {
      loop?.abandon();
      failed(what);
    },
  });
  const lost = failure.then((what): Ending => {
    if (what.kind === "error") throw what.error;
    const at = formatTime(protocol.virtualTimePs);
    return { end: "worker-lost", detail: `${what.detail}; at virtual time ${at}` };
  });
  const stopped = new Promise<Ending>((resolve) => {
    const interrupted = (): void => resolve({ end: "interrupted" });
    if (options.stop.aborted) interrupted();
    else options.stop.addEventListener("abort", interrupted, { once: true });
  });
  let patience: NodeJS.Timeout | undefined;
  const unanswered = stopped.then(
    () =>
      new Promise<Ending>((resolve) => {
        patience = setTimeout(() => {
          loop?.abandon();
          const detail = `${coordinator.quietest} did not stop within ${STOP_WITHIN_MS / 1000} s`;
          const at = formatTime(protocol.virtualTimePs);
          resolve({ end: "worker-lost", detail: `${detail}; at virtual time ${at}` });
        }, STOP_WITHIN_MS);
      }),
  );
  let summaries: readonly WorkerSummary[] = [];
  let ending: Ending;
  let inPeace = false;
  try {
    const early = await Promise.race([coordinator.start(), lost, stopped]);
    if (early !== undefined) {
      ending = early;
    } else {
      options.observer.started({
        workers: placement.workers.map((worker) => worker.label),
        pids: coordinator.workerPids,
        processes: workers + 2,
        lookaheadPs: run.lookaheadPs,
        ...(controlAddress === undefined ? {} : { control: controlAddress }),
      });
      const windows = new Promise<Ending>((resolve, reject) => {
        loop = makeLoop(run, {
          grant: (worker, grant) => coordinator.grant(worker, grant),
          ended: resolve,
          failed: reject,
        });
      });
      coordinator.begin();
      ending = await Promise.race([windows, lost, unanswered]);
      if (ending.end !== "worker-lost") {
        const collected = await Promise.race([coordinator.collect(), lost, unanswered]);
        if ("end" in collected) ending = collected;
        else {
          summaries = collected;
          inPeace = true;
        }
      }
    }
  } finally {
    clearTimeout(patience);
    await coordinator.leave(inPeace);
  }
  return {
    ending,
    summaries,
    maxLagSeconds: loop?.maxLagSeconds ?? 0,
    processes: workers + 2,
    peakRssBytes: coordinator.peakRssBytes + peakRssBytes(),
  };
}

/** Most peers that one worker has. */
function mostPeers(pairs: readonly (readonly [number, number])[], workers: number): number {
  const peers = new Int32Array(workers);
  for (const [low, high] of pairs) {
    peers[low] += 1;
    peers[high] += 1;
  }
  return peers.reduce((most, count) => Math.max(most, count), 0);
}
