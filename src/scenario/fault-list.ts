/** The faults of a scenario: names that differ, and no fault that another one makes void. */
import type { FaultSpec } from "../model/fault.ts";
import type { FaultContext } from "./fault-context.ts";
import type { FaultFields } from "./fault-fields.ts";
import type { ProblemList } from "./problem-list.ts";
import { resolveFields } from "./resolve-fault.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Kinds that take all of their targets away: what hits those meanwhile hits nothing. */
const DEAD_KINDS: ReadonlySet<string> = new Set(["gpu-dead", "hbm-uncorrectable", "node-crash"]);

/** Faults of the file; `places` says where in the file's list each of them stands. */
export function readFaults(
  faults: readonly FaultFields[],
  places: readonly number[],
  context: FaultContext,
  problems: ProblemList,
): readonly FaultSpec[] {
  const lineOfName = new Map<string, number>();
  const found: { readonly fault: FaultSpec; readonly path: DocumentPath }[] = [];
  for (const [index, fields] of faults.entries()) {
    const path: DocumentPath = ["faults", places[index]];
    const defaultName = `f${places[index] + 1}`;
    const name = fields.name ?? defaultName;
    const { line } = problems.tree.valueMark(fields.name === undefined ? path : [...path, "name"]);
    const before = lineOfName.get(name);
    if (before !== undefined) {
      const message = `fault '${name}' defined twice (lines ${before}, ${line})`;
      problems.add("E021", [...path, "name"], message);
    } else lineOfName.set(name, line);
    const fault = resolveFields(fields, { path, defaultName }, context, problems);
    if (fault !== undefined) found.push({ fault, path });
  }
  for (const { fault, path } of found) addVoidProblem(fault, path, found, problems);
  return found.map(({ fault }) => fault);
}

/** A fault on what another one has dead for all of its time: it would break nothing. */
function addVoidProblem(
  fault: FaultSpec,
  path: DocumentPath,
  all: readonly { readonly fault: FaultSpec }[],
  problems: ProblemList,
): void {
  if (fault.moment !== undefined) return;
  for (const { fault: other } of all) {
    if (other === fault || !DEAD_KINDS.has(other.kind) || other.moment !== undefined) continue;
    const isEarlier = other.atPs < fault.atPs;
    const isLonger = (other.healAtPs ?? Infinity) >= (fault.healAtPs ?? Infinity);
    if (!isEarlier || !isLonger || other.levels !== undefined) continue;
    const isDead = (target: string): boolean =>
      other.targets.some((dead) => dead === target || target.startsWith(`${dead}.`));
    if (!fault.targets.every(isDead)) continue;
    const message = `${fault.name} breaks ${fault.targets[0]}, which ${other.name} has dead already`;
    const hint = `let ${other.name} heal first, or choose another target`;
    problems.add("E028", [...path, "target"], message, { hint });
    return;
  }
}
