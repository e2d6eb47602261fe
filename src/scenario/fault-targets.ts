/** Selectors of a file as targets of the cluster, and what is wrong with them in words. */
import { streamOf } from "../base/random.ts";
import { didYouMean } from "../base/suggest.ts";
import { targetKindsOf } from "../fault/catalogue.ts";
import type { TargetKind } from "../fault/catalogue-entry.ts";
import { messageOf, type SelectionFailure, type Selector } from "../fault/selectors.ts";
import type { FaultKind } from "../model/fault.ts";
import type { FaultContext } from "./fault-context.ts";
import { escapeText } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Streams of one fault: draws of its targets do not shift the draw of its onset. */
export const FaultStream = { targets: 0, onset: 1 } as const;

/** The stream of a fault, by its name and what is drawn. */
export function faultStream(
  { seed }: FaultContext,
  name: string,
  what: keyof typeof FaultStream,
): ReturnType<typeof streamOf> {
  return streamOf(seed, `fault:${name}`, FaultStream[what]);
}

/**
 * Targets of a fault or an intervention: ids in the order of the selector, each once. Undefined,
 * with a problem at or below `path`, when a selector matches nothing.
 */
export function resolveTargets(
  kind: FaultKind,
  selector: Selector,
  name: string,
  path: DocumentPath,
  context: FaultContext,
  problems: ProblemList,
): readonly string[] | undefined {
  if (context.targets === undefined) return undefined;
  const random = faultStream(context, name, "targets");
  const selection = context.targets.find(kind, selector, random);
  if (selection.ok) {
    const stuck = kind === "rerouted" ? selection.targets.find(hasNoWayRound) : undefined;
    if (stuck === undefined) return selection.targets;
    const said = `there is no way round ${escapeText(stuck)}: nothing but it joins its two ends`;
    const hint = "reroute takes a link between a leaf and a spine, or a spine";
    problems.add("E026", path, said, { hint });
    return undefined;
  }
  const isDraw = typeof selector === "object" && "draw" in selector;
  const list = isDraw && selection.why !== "draw" ? [...path, "from"] : path;
  const here = selection.place === undefined ? list : [...list, selection.place];
  const message = messageOf(selection, escapeText(selection.selector));
  problems.add("E026", here, message, { hint: hintOf(targetKindsOf(kind)[0], selection) });
  return undefined;
}

/** A link that ends at a NIC or inside a node. */
function hasNoWayRound(target: string): boolean {
  return target.includes("--") && !target.includes("spine");
}

/** What to try, where something near is known. */
function hintOf(
  wanted: TargetKind,
  { selector, why, words }: SelectionFailure,
): string | undefined {
  const meant = didYouMean(selector, words);
  if (meant !== undefined || why !== "another-kind") return meant;
  const group = /^(node|plane)(\d+)$/.exec(selector);
  if (group !== null) return `${group[1]}=${group[2]} is every ${wanted} of it`;
  return wanted === "direction" && selector.includes("--")
    ? `write one direction of the link: ${selector.replace("--", "->")}`
    : undefined;
}
