/** The cap on how many ranks one fault of a drill may hit: an operator's belt, off by default. */
import { EffectFinder } from "../fault/effects.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { escapeText } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import { BlastFinder } from "./blast.ts";
import type { Drill } from "./drill.ts";

/** Adds a problem for each action or fault of the scenario on more than that share of all ranks. */
export function blastProblems(
  drill: Drill,
  topology: Topology,
  capPercent: number,
  problems: ProblemList,
): void {
  const finder = new BlastFinder(drill.scenario, topology, new EffectFinder(topology));
  const all = topology.actors.filter(({ kind }) => kind === "gpu").length;
  const look = (name: string, fault: FaultSpec, path: DocumentPath): void => {
    const { ranks } = finder.of(fault);
    if (ranks.length * 100 <= capPercent * all) return;
    const message =
      `'${escapeText(name)}' hits ${ranks.length} of ${all} ranks; ` +
      `cap ${capPercent} %; raise with --max-blast`;
    problems.add("E027", path, message);
  };
  for (const fault of drill.scenario.faults) look(fault.name, fault, ["scenario"]);
  for (const [index, { type, name, ...activity }] of drill.method.entries()) {
    if (type !== "action" || !("act" in activity)) continue;
    const { act } = activity;
    if ("since" in act) look(name, act.fault, ["method", index]);
  }
}
