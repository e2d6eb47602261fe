/**
 * What a plan says of a real fault before it is carried out: which processes of the run it hits,
 * which actors and ranks would go with them, what the run makes of a loss, and when it ends.
 */
import { type HostFault, hostFaultText } from "../model/host-fault.ts";
import type { Topology } from "../model/topology.ts";
import type { Drill } from "./drill.ts";
import { type HostReach, HostReachFinder } from "./host-reach.ts";
import { counted, listed, share } from "./words.ts";

/** A real fault as it would come. */
export interface PlannedHostFault extends HostReach {
  readonly layer: "host";
  readonly fault: HostFault;
  /** All of the run, to compare with. */
  readonly workersOfRun: number;
  readonly ranksOfRun: number;
  readonly onWorkerLoss: "fault" | "recover";
  /** Paced runs are late by it, and judged by their lag budget, seconds; missing: not paced. */
  readonly lagBudgetSeconds?: number;
}

/** Plans a real fault of a drill over so many hosts. */
export function planHostFault(
  fault: HostFault,
  { scenario }: Drill,
  topology: Topology,
  hosts: number,
): PlannedHostFault {
  const finder = new HostReachFinder(scenario, topology, hosts);
  const { onWorkerLoss, speed, lagBudgetSeconds } = scenario.run;
  return {
    layer: "host",
    fault,
    ...finder.reachOf(fault),
    workersOfRun: finder.workers,
    ranksOfRun: topology.actors.filter(({ kind }) => kind === "gpu").length,
    onWorkerLoss,
    ...(speed === "max" ? {} : { lagBudgetSeconds }),
  };
}

/** The plan of a real fault in lines. */
export function hostLines(plan: PlannedHostFault): string[] {
  const { fault, workers, actors, ranks, isLoss, onWorkerLoss } = plan;
  const lines = [`host fault, of real processes: ${hostFaultText(fault)}`];
  if (workers.length === 0) lines.push("nobody is lost by it: the run waits");
  else {
    const part = share(workers.length, plan.workersOfRun);
    const processes = workers.length === 1 ? "worker process" : "worker processes";
    lines.push(
      `hits ${workers.length} ${processes} of ${plan.workersOfRun} (${part}): ${listed(workers)}`,
    );
    const what = `${counted(actors, "actor")}, ${counted(ranks.length, "rank")} among them`;
    const ofRanks = `${share(ranks.length, plan.ranksOfRun)} of the ranks`;
    const when = isLoss ? "takes along" : "would take along";
    lines.push(`${when} ${what} (${ofRanks})`);
    if (!isLoss) lines.push("who is silent for as long as the silence limit is lost");
    lines.push(
      onWorkerLoss === "fault"
        ? "a loss is a fault (run.onWorkerLoss): these actors are dead from then on"
        : "a loss is recovered from (run.onWorkerLoss): the fleet does not notice",
    );
  }
  if (fault.forMs !== undefined) lines.push("a lease: it ends by itself, and when the run ends");
  if (plan.lagBudgetSeconds !== undefined) {
    lines.push(`makes a paced run late; its lag budget is ${plan.lagBudgetSeconds} s`);
  }
  lines.push("needs --allow-real-faults");
  return lines;
}
