/**
 * The cap on how many ranks one fault of a drill may hit: an operator's belt, off by default. What
 * real faults may hit is capped in any case, by processes (host-reach.ts).
 */
import { EffectFinder } from "../fault/effects.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { escapeText } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import { BlastFinder } from "./blast.ts";
import type { Drill } from "./drill.ts";
import {
  HostReachFinder,
  hostFaultsOf,
  WORKER_CAP_PERCENT,
  workerCapProblems,
} from "./host-reach.ts";

/**
 * Adds a problem for each action or fault of the scenario on more than that share of all ranks,
 * percent, and for real faults on too many of the run's processes.
 */
export function blastProblems(
  drill: Drill,
  { topology, hosts }: { readonly topology: Topology; readonly hosts: number },
  capPercent: number | undefined,
  problems: ProblemList,
): void {
  const all = topology.actors.filter(({ kind }) => kind === "gpu").length;
  const lookAt = (name: string, ranks: number, path: DocumentPath): void => {
    if (capPercent === undefined || ranks * 100 <= capPercent * all) return;
    const message =
      `'${escapeText(name)}' hits ${ranks} of ${all} ranks; ` +
      `cap ${capPercent} %; raise with --max-blast`;
    problems.add("E027", path, message);
  };
  const real = hostFaultsOf(drill);
  if (real.length > 0) {
    const processes = new HostReachFinder(drill.scenario, topology, hosts);
    workerCapProblems(drill, processes, capPercent ?? WORKER_CAP_PERCENT, problems);
    for (const { index, fault } of real) {
      const { ranks, isLoss } = processes.reachOf(fault);
      if (isLoss) lookAt(fault.action, ranks.length, ["method", index]);
    }
  }
  if (capPercent === undefined) return;
  const finder = new BlastFinder(drill.scenario, topology, new EffectFinder(topology));
  const look = (name: string, fault: FaultSpec, path: DocumentPath): void =>
    lookAt(name, finder.of(fault).ranks.length, path);
  for (const fault of drill.scenario.faults) look(fault.name, fault, ["scenario"]);
  for (const [index, { type, name, ...activity }] of drill.method.entries()) {
    if (type !== "action" || !("act" in activity)) continue;
    const { act } = activity;
    if ("since" in act) look(name, act.fault, ["method", index]);
  }
}
