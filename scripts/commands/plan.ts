/**
 * `faultplane plan`: what a drill would do, without doing it: targets, blast radius, duration, and
 * what is undone.
 */

import { escapeControls } from "../../src/base/escape.ts";
import type { Drill } from "../../src/drill/drill.ts";
import { hostLines } from "../../src/drill/host-plan.ts";
import { type DrillPlan, type PlannedAction, planDrill } from "../../src/drill/plan.ts";
import { counted, listed } from "../../src/drill/words.ts";
import type { PlacementName, RunSpec } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadDrill } from "./load-drill.ts";
import { printProblems } from "./load-scenario.ts";

/** Options of `faultplane plan` after parsing. */
export interface PlanCommandOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"];
  readonly nnodes?: number;
  readonly maxBlast?: number;
  readonly json?: true;
  readonly color: boolean;
}

/** Prints the plan of a drill; returns the exit code. */
export async function planCommand(path: string, options: PlanCommandOptions): Promise<number> {
  const terminal = new Terminal(options.color);
  try {
    const { seed, placement, workers, onWorkerLoss, maxBlast, nnodes: hosts = 1 } = options;
    // A plan does nothing: it needs no consent.
    const chosen = { seed, placement, workers, onWorkerLoss, hosts };
    const overrides = { ...chosen, allowRealFaults: true, isPlan: true } as const;
    const { drill, notes } = loadDrill(path, { ...overrides, maxBlastPercent: maxBlast });
    const { scenario } = drill;
    const plan = planDrill(drill, makeFatTree(scenario.cluster, scenario.hardware), hosts);
    if (options.json === true) {
      const expects = drill.expects ?? "PASS";
      await terminal.result(`${JSON.stringify({ ...plan, expects, notes })}\n`);
      return Exit.pass;
    }
    for (const note of notes) terminal.log(`note: ${note}`);
    const text = planLines(plan, drill).map(escapeControls).join("\n");
    await terminal.result(`${text}\n`);
    return Exit.pass;
  } catch (error) {
    return printProblems(error);
  }
}

function planLines(plan: DrillPlan, drill: Drill): string[] {
  const { strategies, hypothesis } = drill;
  const lines = [plan.title, `  expects ${drill.expects ?? "PASS"}; nothing is done here`, ""];
  lines.push("Method");
  for (const action of plan.actions) lines.push(...actionLines(action));
  if (plan.actions.length === 0) lines.push("  nothing");
  lines.push("", "Duration");
  lines.push(`  the method's clock runs out at ${formatTime(plan.methodEndPs)} of virtual time`);
  lines.push(`  the run is over at ${formatTime(plan.stopAfterPs)} at the latest`);
  lines.push("", `Undone at the end (rollbacks: ${strategies.rollbacks})`);
  for (const { name, ends } of plan.rollbacks) {
    lines.push(`  ${name}${ends.length === 0 ? "" : `: ends ${ends.join(", ")}`}`);
  }
  if (plan.rollbacks.length === 0) lines.push("  no rollbacks; faults end with their leases");
  if (hypothesis !== undefined) {
    lines.push("", `Hypothesis (${strategies.hypothesis}): ${hypothesis.title}`);
    lines.push(`  ${counted(hypothesis.probes.length, "probe")}`);
  }
  return lines;
}

function actionLines({ name, func, duePs, fault, blast, host }: PlannedAction): string[] {
  const lines = [`  at ${formatTime(duePs)}  ${name} (${func})`];
  if (host !== undefined) lines.push(...hostLines(host).map((line) => `    ${line}`));
  if (fault !== undefined) {
    const ends = fault.endsAtPs === undefined ? "" : ` at ${formatTime(fault.endsAtPs)}`;
    lines.push(`    ${fault.name}: ${fault.kind} on ${listed(fault.targets)}`);
    lines.push(`    from ${formatTime(fault.atPs)}; ended by ${fault.endedBy}${ends}`);
    if (fault.about !== undefined && fault.about !== "") lines.push(`    ${fault.about}`);
  }
  if (blast === undefined) return lines;
  if (fault?.endsAtPs !== undefined && fault.endsAtPs <= fault.atPs) {
    return [...lines, "    it ends as it begins: it touches nothing"];
  }
  const { ranks, cutOff, expertsMissing, clock, controller, capacity, capacityWhy } = blast;
  lines.push(`    blast radius: ${counted(ranks.length, "rank")} (${listed(ranks)})`);
  if (clock !== undefined) lines.push(`    ${clock}`);
  if (cutOff.length > 0) lines.push(`    cut off, to be masked: ${listed(cutOff)}`);
  lines.push(
    expertsMissing.length === 0
      ? "    experts left with no replica: none"
      : `    experts left with no replica: ${listed(expertsMissing.map(String))}`,
  );
  if (controller !== undefined) lines.push(`    ${controller}`);
  lines.push(`    expected capacity: ${(100 * capacity).toFixed(1)} %, ${capacityWhy}`);
  return lines;
}
