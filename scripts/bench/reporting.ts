/**
 * Part (f): what a window costs the coordinator when workers report through their host's agent, and
 * when each reports to it directly. Two runs of one scenario over real processes take turns, one
 * standing still while the other runs.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { processMains } from "../commands/package-files.ts";
import { windowScenario } from "./bench-scenarios.ts";
import { cpuSecondsOf, median, type SideFigures } from "./measure.ts";
import { Turns } from "./turns.ts";

/** Workers of the runs that are compared, and how many windows are warm-up and one turn. */
export const REPORTING_AMOUNTS: Readonly<Record<number, { warmUp: number; turn: number }>> = {
  2: { warmUp: 10_000, turn: 4_000 },
  12: { warmUp: 5_000, turn: 1_500 },
  40: { warmUp: 2_500, turn: 500 },
  76: { warmUp: 1_500, turn: 250 },
};

type ReportsTo = "agent" | "coordinator";

interface Side {
  readonly turns: Turns;
  readonly ended: Promise<RunOutcome>;
  /** Wall and CPU seconds of a turn; of the coordinator alone, and of all processes. */
  readonly wall: number[];
  readonly own: number[];
  readonly all: number[];
}

/** Lets runs with both ways of reporting take turns; medians over the turns, per window. */
export async function compareReporting(workers: number, rounds: number): Promise<SideFigures> {
  const { warmUp, turn } = REPORTING_AMOUNTS[workers];
  const stop = new AbortController();
  const sides: Record<ReportsTo, Side> = {
    agent: await startSide(workers, "agent", warmUp, stop.signal),
    coordinator: await startSide(workers, "coordinator", warmUp, stop.signal),
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of Object.values(sides)) {
      const before = cpuSecondsOf(process.pid);
      const { wallSeconds, cpuSeconds } = await side.turns.take(turn);
      side.wall.push(wallSeconds / turn);
      side.own.push((cpuSecondsOf(process.pid) - before) / turn);
      side.all.push(cpuSeconds / turn);
    }
  }
  stop.abort();
  for (const side of Object.values(sides)) {
    side.turns.release();
    await side.ended;
  }
  const figures: Record<string, number> = {};
  for (const [name, side] of Object.entries(sides)) {
    figures[`${name}WallSeconds`] = median(side.wall);
    figures[`${name}OwnCpuSeconds`] = median(side.own);
    figures[`${name}AllCpuSeconds`] = median(side.all);
  }
  return figures;
}

/** Starts a run and waits until its warm-up is over. */
async function startSide(
  workers: number,
  reportsTo: ReportsTo,
  warmUp: number,
  stop: AbortSignal,
): Promise<Side> {
  const turns = new Turns(warmUp);
  const ended = runCluster({
    scenario: windowScenario(workers),
    runId: `bench-reporting-${reportsTo}`,
    ...processMains(),
    devices: makeDevice,
    stop,
    reportsTo,
    observer: {
      started: ({ pids, hosts }) => {
        turns.watch([process.pid, ...hosts.map(({ pid }) => pid), ...pids]);
      },
      committed: () => turns.over(),
    },
  });
  await Promise.race([turns.warm, ended.then(unexpectedEnd)]);
  return { turns, ended, wall: [], own: [], all: [] };
}

function unexpectedEnd(outcome: RunOutcome): never {
  throw new Error(`the run ended: ${outcome.end} ${outcome.detail ?? ""}`);
}
