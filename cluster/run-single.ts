/**
 * A run in this process alone: the same window protocol with one logical process, no sockets. For
 * replays, tests and debugging. It gives the event loop a turn every few milliseconds, so that the
 * live log is written and Ctrl-C is heard.
 */
import { performance } from "node:perf_hooks";
import { LogicalProcess } from "../src/engine/logical-process.ts";
import type { Grant } from "../src/model/window.ts";
import { peakRssBytes } from "./membership.ts";
import { type DriveResult, operatorsOf, type PreparedRun } from "./prepared-run.ts";
import { makeLoop } from "./run-loop.ts";
import type { LoopEnd } from "./window-loop.ts";

/** Wall ms of windows between two turns of the event loop. */
const TURN_MS = 10;

/** Drives a run whose placement has one worker. */
export async function driveSingle(run: PreparedRun): Promise<DriveResult> {
  const { options, placement, lookaheadPs } = run;
  const { scenario, devices, observer, watch } = options;
  const logicalProcess = new LogicalProcess({ scenario, placement, worker: 0, devices, watch });
  const workers = placement.workers.map((worker) => worker.label);
  observer.started({
    workers,
    pids: [],
    hosts: [],
    processes: 1,
    lookaheadPs,
    ...operatorsOf(run),
  });
  let granted: Grant | undefined;
  let driving = false;
  const end = await new Promise<{ ending: LoopEnd; maxLagSeconds: number }>((resolve, reject) => {
    const loop = makeLoop(run, {
      grant: (_worker, grant) => {
        granted = grant;
        if (!driving) drive();
      },
      ended: (ending) => resolve({ ending, maxLagSeconds: loop.maxLagSeconds }),
      failed: reject,
    });
    /** Runs windows for one turn of the event loop. */
    const drive = (): void => {
      driving = true;
      const turnEndsMs = performance.now() + TURN_MS;
      try {
        while (granted !== undefined) {
          if (performance.now() > turnEndsMs) {
            setImmediate(drive);
            return;
          }
          const grant = granted;
          granted = undefined;
          loop.report(0, logicalProcess.run(grant));
        }
      } catch (error) {
        loop.abandon();
        reject(error);
      }
      driving = false;
    };
    driving = true;
    try {
      loop.report(0, logicalProcess.start());
    } catch (error) {
      reject(error);
    }
    drive();
  });
  return {
    ...end,
    summaries: [logicalProcess.summary()],
    processes: 1,
    peakRssBytes: peakRssBytes(),
  };
}
