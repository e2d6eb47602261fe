/**
 * Drills with real faults for tests of real processes: performed by the real director over the
 * built processes, with everything that is written down about them.
 */
import { readFileSync } from "node:fs";
import type { HostRecord, JournalOrder } from "../../cluster/journal-orders.ts";
import type { RealFaultsOptions, RunOptions } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { Activity } from "../../src/drill/drill.ts";
import { DrillDirector } from "../../src/drill/drill-director.ts";
import { hostFaultsOf } from "../../src/drill/host-reach.ts";
import { type Judgement, judgeDrill } from "../../src/drill/verdict.ts";
import type { HostFault } from "../../src/model/host-fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { drillWith } from "../drill/drills.ts";
import { built, runScenario } from "./child-processes.ts";

/** Halfway through the tiny scenario, ps. */
export const MIDDLE_PS = 19_000_000;

/** A real fault that is due `afterPs` after what came before it; named after its function. */
export function act(fault: Omit<HostFault, "action">, afterPs = MIDDLE_PS): Activity {
  const { func } = fault;
  const host = { ...fault, action: func };
  return {
    type: "action",
    name: func,
    act: { func, host },
    pauseBeforePs: afterPs,
    pauseAfterPs: 0,
  };
}

/** A drill that was performed. */
export interface Performed extends Judgement {
  readonly outcome: RunOutcome;
  readonly orders: readonly JournalOrder[];
  readonly notes: readonly HostRecord[];
  /** Of workers, by number. */
  readonly workers: readonly number[];
  /** Of agents. */
  readonly agents: readonly number[];
}

/** What a test may change of a run, and what it does when all processes are up. */
export interface PerformSettings extends Partial<RunOptions> {
  readonly up?: (workers: readonly number[], agents: readonly number[]) => void;
  readonly isAllowed?: boolean;
  readonly before?: RealFaultsOptions["before"];
}

/** Performs a drill of `scenario`. */
export async function performHostDrill(
  scenario: Scenario,
  method: readonly Activity[],
  { up, isAllowed = true, before = [], ...settings }: PerformSettings = {},
): Promise<Performed> {
  const drill = drillWith(scenario, { method });
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const director = new DrillDirector({ drill, topology });
  const orders: JournalOrder[] = [];
  const notes: HostRecord[] = [];
  let workers: readonly number[] = [];
  let agents: readonly number[] = [];
  const outcome = await runScenario(scenario, {
    director,
    realFaults: {
      planned: hostFaultsOf(drill).map(({ fault }) => fault),
      isAllowed,
      before,
      keeperMain: built("scripts/keeper-main.js"),
    },
    observer: {
      started: (start) => {
        workers = start.pids;
        agents = start.hosts.map(({ pid }) => pid);
        up?.(workers, agents);
      },
      committed: () => undefined,
      ordered: (given) => orders.push(...given),
      observed: (records) => notes.push(...records),
    },
    ...settings,
  });
  const judgement = judgeDrill(drill, director.finish(outcome), outcome);
  return { ...judgement, outcome, orders, notes, workers, agents };
}

/** State of a process as /proc has it: `T` is stopped; `gone` when there is none. */
export function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  } catch {
    return "gone";
  }
}
