/** The cap on how many ranks one fault of a drill may hit: an operator's belt, off by default. */
import { EffectFinder } from "../fault/effects.ts";
import type { Topology } from "../model/topology.ts";
import { escapeText } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { BlastFinder } from "./blast.ts";
import type { Drill } from "./drill.ts";

/** Adds a problem for each action that hits more than `capPercent` of all ranks. */
export function blastProblems(
  drill: Drill,
  topology: Topology,
  capPercent: number,
  problems: ProblemList,
): void {
  const finder = new BlastFinder(drill.scenario, topology, new EffectFinder(topology));
  const all = topology.actors.filter(({ kind }) => kind === "gpu").length;
  drill.method.forEach((activity, index) => {
    if (activity.type !== "action" || activity.act.func !== "inject") return;
    const { ranks } = finder.of(activity.act.fault);
    if (ranks.length * 100 <= capPercent * all) return;
    const message =
      `'${escapeText(activity.name)}' hits ${ranks.length} of ${all} ranks; ` +
      `cap ${capPercent} %; raise with --max-blast`;
    problems.add("E027", ["method", index], message);
  });
}
