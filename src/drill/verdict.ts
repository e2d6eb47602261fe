/**
 * The verdict of a drill. FAIL: results are wrong, or the hypothesis did not hold. INVALID: the
 * drill cannot say, since what it promised did not come to pass: a fault that never began, too
 * little traffic before it, pacing missed, accounts that do not add up, an end before its time.
 * PASS: it did all, and the hypothesis held.
 */
import { formatTime } from "../model/time.ts";
import type { Drill, Verdict } from "./drill.ts";
import type { DrillRecord, HypothesisCheck } from "./drill-record.ts";
import { isHostFunc } from "./host-acts.ts";
import type { RunEnd } from "./run-end.ts";
import { accountProblems, endDoubts, runDoubts, runFailures } from "./run-verdict.ts";
import { describeResult, quoted } from "./story.ts";

export interface Judgement {
  readonly verdict: Verdict;
  /** Why it is not PASS; empty when it is. */
  readonly reasons: readonly string[];
}

/**
 * Judges a drill. A wrong result fails it whatever else happened. Then doubts go before deviations:
 * a hypothesis that fails for another reason than the drill's own faults teaches nothing. Only an
 * end before its time does not excuse a deviation that was seen before.
 */
export function judgeDrill(drill: Drill, record: DrillRecord, end: RunEnd): Judgement {
  const failures = runFailures(end);
  if (failures.length > 0) return { verdict: "FAIL", reasons: failures };
  const doubts = drillDoubts(drill, record, end);
  if (doubts.length > 0) return { verdict: "INVALID", reasons: doubts };
  if (record.deviated) return { verdict: "FAIL", reasons: deviations(drill, record) };
  const early = earlyEnds(record, end);
  const unsaid = early.length > 0 ? early : unjudged(drill, record);
  return { verdict: unsaid.length > 0 ? "INVALID" : "PASS", reasons: unsaid };
}

/** What a drill promised to judge, and no check or probe ever did. */
function unjudged({ hypothesis, method }: Drill, record: DrillRecord): readonly string[] {
  const reasons: string[] = [];
  const checks = record.checks.filter(({ when }) => when !== "method-end");
  if (hypothesis !== undefined && checks.length === 0) {
    reasons.push(`${quoted(hypothesis.title)} was never checked`);
  }
  hypothesis?.probes.forEach(({ name }, place) => {
    if (checks.length === 0) return;
    if (checks.some(({ probes }) => probes[place]?.met !== undefined)) return;
    reasons.push(`probe ${quoted(name)} was never judged: it had no value at any check`);
  });
  record.activities.forEach(({ name, output }, place) => {
    const activity = method[place];
    const isJudged = activity?.type === "probe" && activity.tolerance !== undefined;
    if (isJudged && output !== undefined && output.met === undefined) {
      reasons.push(`probe ${quoted(name)} was not judged: it had no value yet when it was asked`);
    }
  });
  return reasons;
}

/** What makes a drill say nothing, whatever its probes found. */
function drillDoubts(drill: Drill, record: DrillRecord, end: RunEnd): readonly string[] {
  const doubts = [...accountProblems(end)];
  const { status, checks, trafficBefore, firstFaultPs } = record;
  if (status === "failed") {
    const [check] = checks;
    const why = check === undefined ? "" : `: ${failuresOf(check)}`;
    return [...doubts, `the hypothesis does not hold before the method: no steady state${why}`];
  }
  doubts.push(...runDoubts(drill.scenario, end));
  const begun = new Set(end.faultsBegun);
  for (const { name, func, status: came } of record.activities) {
    const isAct = !record.deviated || came === "never-due";
    if (came === "never-due" && isAct && (func === "inject" || isHostFunc(func))) {
      doubts.push(`action ${quoted(name)} never came: the run was over before`);
    }
  }
  doubts.push(...hostDoubts(record, end));
  for (const { name } of record.faults) {
    if (!begun.has(name) && end.end !== "worker-lost") {
      doubts.push(`fault '${name}' never began: the run was over before`);
    }
  }
  if (firstFaultPs !== undefined && trafficBefore < drill.leastTraffic) {
    doubts.push(
      `only ${trafficBefore} assignments were combined before the first fault, at ` +
        `${formatTime(firstFaultPs)}; the drill wants ${drill.leastTraffic} (leastTraffic)`,
    );
  }
  return doubts;
}

/** Real faults that were ordered and did not come about. */
function hostDoubts({ activities }: DrillRecord, { hostFaults = [] }: RunEnd): readonly string[] {
  const ordered = activities.filter(({ host }) => host !== undefined);
  return ordered.flatMap(({ name }, place) => {
    const run = hostFaults[place];
    if (run?.done === true) return [];
    const why = run?.detail ?? "nobody was there to do it";
    return [`real fault ${quoted(name)} could not be carried out: ${why}`];
  });
}

/** Ends before the drill was through. */
function earlyEnds(record: DrillRecord, end: RunEnd): readonly string[] {
  if (record.status === "aborted") return [`aborted: ${record.stopReason ?? "stop condition"}`];
  const isOwnStop = end.end === "stopped" && record.stopReason !== undefined;
  if (!isOwnStop) {
    const doubts = endDoubts(end);
    if (doubts.length > 0) return doubts;
  }
  if (record.methodDone) return [];
  const missed = record.activities.filter(({ status }) => status === "never-due");
  const names = missed.map(({ name }) => quoted(name)).join(", ");
  const why = record.stopReason ?? "the run was over";
  return [`the method was not done when ${why}: ${names} never came`];
}

/** Checks and probes that failed: the first of each sort, and how many more. */
function deviations(drill: Drill, record: DrillRecord): readonly string[] {
  const reasons: string[] = [];
  for (const when of ["before", "during", "after"] as const) {
    const failed = record.checks.filter((check) => check.when === when && !check.met);
    const [first] = failed;
    if (first === undefined) continue;
    const more = failed.length > 1 ? `; so in ${failed.length} checks` : "";
    const title = quoted(drill.hypothesis?.title ?? "");
    const place = when === "after" ? "at the end" : `${when} the method`;
    const at = formatTime(first.atPs);
    reasons.push(`${title} does not hold ${place} (${at}): ${failuresOf(first)}${more}`);
  }
  for (const { name, output } of record.activities) {
    if (output?.met === false) reasons.push(`probe ${quoted(name)}: ${describeResult(output)}`);
  }
  return reasons;
}

function failuresOf({ probes }: HypothesisCheck): string {
  const failed = probes.filter(({ met }) => met === false);
  return failed.map((result) => `${quoted(result.name)}: ${describeResult(result)}`).join("; ");
}
