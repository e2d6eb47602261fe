/**
 * Drives a run over worker processes: wires the coordinator, which knows processes, to the window
 * loop, which knows virtual time, and decides what the loss of a process means for the run.
 */
import { randomBytes } from "node:crypto";
import { actorsLost } from "../src/fault/actors-lost.ts";
import { formatTime } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import type { WorkerSummary } from "../src/model/window.ts";
import { scenarioHash } from "../src/scenario/scenario-hash.ts";
import { LOOPBACK } from "./addresses.ts";
import { encodeChecked } from "./codec.ts";
import { Coordinator, type Failure } from "./coordinator.ts";
import type { Loss } from "./crew-options.ts";
import { ExitCode, messageOf } from "./errors.ts";
import { identityOf, runTokenOf } from "./handshake.ts";
import { SILENCE_LIMIT_SECONDS } from "./heartbeat.ts";
import { HostFaultLedger } from "./host-fault-ledger.ts";
import { proxiesFor } from "./host-faults.ts";
import { checkHost } from "./host-limits.ts";
import { LOOPBACK_ONLY } from "./host-security.ts";
import type { HostEvent, JournalOrder } from "./journal-orders.ts";
import { peakRssBytes } from "./membership.ts";
import { shortened } from "./message-readers.ts";
import { type Farewell, NO_PROXIES } from "./messages.ts";
import {
  type DriveResult,
  type Ending,
  type HostsOptions,
  operatorsOf,
  type PreparedRun,
} from "./prepared-run.ts";
import { makeLoop } from "./run-loop.ts";
import { STALL_LIMIT_SECONDS } from "./stall-watch.ts";
import type { WindowLoop } from "./window-loop.ts";

/** Wall ms that workers have to finish a window and say their totals once the run is to stop. */
const STOP_WITHIN_MS = 5000;

/** Drives a run over worker processes; `pairs` are workers that share a lane. */
export async function driveProcesses(
  run: PreparedRun,
  pairs: readonly (readonly [number, number])[],
): Promise<DriveResult> {
  const { options, placement, protocol } = run;
  const { agentMain, workerMain, observer, scenario } = options;
  const workers = placement.workers.length;
  checkHost([agentMain, workerMain], workers, mostPeers(pairs, workers));
  const hosts = options.hosts ?? onLoopback();
  let loop: WindowLoop | undefined;
  let failed: (failure: Failure) => void = () => undefined;
  const failure = new Promise<Failure>((resolve) => {
    failed = resolve;
  });
  const { topology } = run;
  const hash = scenarioHash(scenario);
  const note = (event: HostEvent, detail: string, atPs = protocol.floorPs): void => {
    observer.observed?.([{ record: "host", event, atPs, detail }]);
  };
  const { realFaults } = options;
  const isAllowed = realFaults?.isAllowed === true;
  const labels = placement.workers.map(({ label }) => label);
  const isDead = (worker: number): boolean =>
    placement.workers[worker].actors.every((actor) =>
      run.lostActors.has(topology.actors[actor].id),
    );
  const coordinator = new Coordinator({
    identity: identityOf(
      runTokenOf(hosts.token, options.runId),
      options.runId,
      hash,
      options.build,
    ),
    address: hosts.address,
    hosts: hosts.count,
    joinWithinMs: hosts.joinWithinMs,
    security: hosts.security,
    scenario: encodeChecked(scenario),
    scenarioHash: hash,
    placement,
    pairs,
    delays: options.delays ?? new Map(),
    agentMain,
    // On one host an agent in between costs more than it saves (decision 0032).
    reportsTo: options.reportsTo ?? (hosts.count > 1 ? "agent" : "coordinator"),
    proxies: isAllowed ? proxiesFor(realFaults.planned, labels) : NO_PROXIES,
    realFaults: isAllowed ? { keeperMain: realFaults.keeperMain, isDead } : undefined,
    silenceLimitSeconds: options.silenceLimitSeconds ?? SILENCE_LIMIT_SECONDS,
    stallLimitSeconds: options.stallLimitSeconds ?? STALL_LIMIT_SECONDS,
    windows: {
      lose: (worker) => protocol.lose(worker),
      grantOf: (worker) =>
        protocol.windows === 0 && !protocol.complete ? "begin" : protocol.grantOf(worker),
      get windows() {
        return protocol.windows;
      },
      get awaited() {
        return protocol.awaited;
      },
    },
    report: (worker, report) => loop?.report(worker, report),
    judge: (worker, summary) => protocol.judge(worker, summary),
    lost: (loss) => {
      const event = loss.host === undefined ? "worker-lost" : "agent-lost";
      note(event, loss.detail);
      const isFault = scenario.run.onWorkerLoss === "fault" && loss.workers.length > 0;
      let fault: string | undefined;
      loop?.broken((atPs) => {
        if (!isFault) return [];
        const order = lossOrder(loss, run, topology, atPs);
        fault = order.name;
        return [order];
      });
      // When the run is over a loss is nothing to it.
      if (fault !== undefined || !isFault) ledger?.lost(loss, fault);
    },
    replaced: (detail) => note("worker-replaced", detail),
    whole: () => loop?.mended(),
    told: (text) => observer.told?.(text),
    failed: (what) => {
      loop?.abandon();
      failed(what);
    },
  });
  const ledger =
    realFaults &&
    new HostFaultLedger({
      ...realFaults,
      note: (atPs, detail) => note("host-fault", detail, atPs),
      perform: (fault) =>
        coordinator.hostFaults?.perform(fault) ?? Promise.resolve("nobody is there to do it"),
    });
  const lost = failure.then((what): Ending => {
    if (what.kind === "error") throw what.error;
    const at = formatTime(protocol.virtualTimePs);
    return { end: "worker-lost", detail: `${what.detail}; at virtual time ${at}` };
  });
  const stopped = new Promise<Ending>((resolve) => {
    const interrupted = (): void => {
      coordinator.hostFaults?.calm();
      resolve({ end: "interrupted" });
    };
    if (options.stop.aborted) interrupted();
    else options.stop.addEventListener("abort", interrupted, { once: true });
  });
  let patience: NodeJS.Timeout | undefined;
  const unanswered = stopped.then(
    () =>
      new Promise<Ending>((resolve) => {
        patience = setTimeout(() => {
          loop?.abandon();
          const detail = `${coordinator.owing} did not stop within ${STOP_WITHIN_MS / 1000} s`;
          const at = formatTime(protocol.virtualTimePs);
          resolve({ end: "worker-lost", detail: `${detail}; at virtual time ${at}` });
        }, STOP_WITHIN_MS);
      }),
  );
  let summaries: readonly WorkerSummary[] = [];
  let ending: Ending;
  let inPeace = false;
  let farewell = failedWith("it could not start", false);
  let hasBegun = false;
  try {
    const early = await Promise.race([coordinator.start(), lost, stopped]);
    if (early !== undefined) {
      ending = early;
    } else {
      observer.started({
        workers: placement.workers.map((worker) => worker.label),
        pids: coordinator.workerPids,
        hosts: coordinator.hosts,
        processes: workers + hosts.count + 1,
        lookaheadPs: run.lookaheadPs,
        ...operatorsOf(run),
      });
      const windows = new Promise<Ending>((resolve, reject) => {
        loop = makeLoop(run, {
          grant: (worker, grant) => coordinator.grant(worker, grant),
          ...(ledger && {
            disturb: (faults, atPs) => ledger.disturb(faults, atPs, loop?.wallSeconds ?? 0),
          }),
          ended: resolve,
          failed: reject,
        });
      });
      coordinator.begin();
      hasBegun = true;
      ending = await Promise.race([windows, lost, unanswered]);
      // Whoever stands still is to say its totals, too.
      coordinator.hostFaults?.calm();
      if (ending.end !== "worker-lost") {
        const collected = await Promise.race([coordinator.collect(), lost, unanswered]);
        if ("end" in collected) ending = collected;
        else {
          summaries = collected;
          inPeace = true;
        }
      }
    }
    farewell = farewellOf(ending, hasBegun);
  } catch (error) {
    farewell = failedWith(messageOf(error), hasBegun);
    throw error;
  } finally {
    clearTimeout(patience);
    await coordinator.leave(inPeace, farewell);
  }
  return {
    ending,
    summaries,
    maxLagSeconds: loop?.maxLagSeconds ?? 0,
    processes: workers + hosts.count + 1,
    peakRssBytes: coordinator.peakRssBytes + peakRssBytes(),
    ...(ledger && { hostFaults: ledger.runs }),
  };
}

/** What the hosts are told of a run that ended so. */
function farewellOf({ end, detail }: Ending, hasBegun: boolean): Farewell {
  if (end === "worker-lost") return failedWith(detail, hasBegun);
  if (!hasBegun) return failedWith("it was stopped before", false);
  return { exitCode: 0, text: "the run is over" };
}

/** What they are told of one that failed. */
function failedWith(why: string, hasBegun: boolean): Farewell {
  return hasBegun
    ? { exitCode: ExitCode.tryAgain, text: shortened(`the run failed: ${why}`) }
    : { exitCode: ExitCode.unavailable, text: shortened(`the run never began: ${why}`) };
}

/** A run of its own on this host: a token that nobody else has, and nobody to wait for. */
function onLoopback(): HostsOptions {
  return {
    count: 1,
    address: { host: LOOPBACK, port: 0 },
    token: randomBytes(32),
    joinWithinMs: 30_000,
    security: LOOPBACK_ONLY,
  };
}

/** The order that makes the actors of lost workers dead hardware from `atPs` on. */
function lossOrder(
  loss: Loss,
  run: PreparedRun,
  topology: Topology,
  atPs: number,
): JournalOrder & { readonly record: "fault" } {
  const { placement, faultNames } = run;
  const actors = loss.workers.flatMap(({ number }) => placement.workers[number].actors);
  const label = loss.host ?? loss.workers[0].label;
  const fault = actorsLost({ label, actors, atPs }, topology, (name) => faultNames.has(name));
  return { record: "fault", by: "host", ...fault };
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
