/**
 * What a real fault takes along: worker processes, the actors they hold, the ranks among these; and
 * the cap on how many of a run's processes one drill may hit.
 */
import type { HostFault, HostFaultFunc } from "../model/host-fault.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { escapeText } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { hostOfWorker, type Placement, placeActors } from "../topology/placement.ts";
import type { Drill } from "./drill.ts";

/** Share of a run's worker processes that one drill may hit when nobody has said more, percent. */
export const WORKER_CAP_PERCENT = 25;

/** Does a real fault take a process away, whatever the silence limit is? */
export function isLossFunc(func: HostFaultFunc): boolean {
  return ["kill_worker", "kill_agent", "lose_host", "cut_connection"].includes(func);
}

/** How far a real fault reaches. */
export interface HostReach {
  /** Labels of the worker processes that it hits. */
  readonly workers: readonly string[];
  /** Of those, the ones that are lost by it whatever the silence limit is. */
  readonly isLoss: boolean;
  /** What goes with them, if they are lost. */
  readonly actors: number;
  /** Ids of the GPUs among those. */
  readonly ranks: readonly string[];
}

/** Finds out about real faults of one scenario over so many hosts. */
export class HostReachFinder {
  readonly #topology: Topology;
  readonly #placement: Placement;
  readonly #hosts: number;

  constructor({ run }: Scenario, topology: Topology, hosts: number) {
    this.#topology = topology;
    this.#placement = placeActors(topology, run.placement, run.workers);
    this.#hosts = hosts;
  }

  /** Worker processes of the run. */
  get workers(): number {
    return this.#placement.workers.length;
  }

  reachOf(fault: HostFault): HostReach {
    const { workers } = this.#placement;
    const hit = this.#hitBy(fault);
    const actors = hit.flatMap((number) => workers[number].actors);
    const ids = actors.map((actor) => this.#topology.actors[actor]);
    return {
      workers: hit.map((number) => workers[number].label),
      isLoss: isLossFunc(fault.func),
      actors: actors.length,
      ranks: ids.filter(({ kind }) => kind === "gpu").map(({ id }) => id),
    };
  }

  /** Numbers of the workers that a fault hits; what only slows hits none. */
  #hitBy({ func, target }: HostFault): number[] {
    const { workers } = this.#placement;
    const numberOf = (label: string): number => workers.findIndex((one) => one.label === label);
    if (func === "slow_worker") return [];
    if ("worker" in target) return [numberOf(target.worker)];
    if ("between" in target) {
      // Data links have no heartbeat: one that is held back is waited for, one that is cut takes
      // the end that listens.
      return func === "cut_connection" ? [Math.max(...target.between.map(numberOf))] : [];
    }
    const numbers = workers.map((_, number) => number);
    return numbers.filter(
      (number) => `host${hostOfWorker(number, workers.length, this.#hosts)}` === target.host,
    );
  }
}

/** The real faults of a drill's method, with the places of their actions. */
export function hostFaultsOf({ method }: Pick<Drill, "method">): readonly {
  readonly index: number;
  readonly fault: HostFault;
}[] {
  return method.flatMap((activity, index) =>
    activity.type === "action" && "host" in activity.act
      ? [{ index, fault: activity.act.host }]
      : [],
  );
}

/**
 * Adds a problem for the action with which a drill has hit more than the allowed share of the run's
 * worker processes.
 */
export function workerCapProblems(
  drill: Drill,
  finder: HostReachFinder,
  capPercent: number,
  problems: ProblemList,
): void {
  const hit = new Set<string>();
  for (const { index, fault } of hostFaultsOf(drill)) {
    const before = hit.size;
    for (const label of finder.reachOf(fault).workers) hit.add(label);
    if (hit.size === before || hit.size * 100 <= capPercent * finder.workers) continue;
    const message =
      `'${escapeText(fault.action)}' makes it ${hit.size} of ${finder.workers} worker ` +
      `processes; cap ${capPercent} %; raise with --max-blast`;
    problems.add("E027", ["method", index], message);
  }
}
