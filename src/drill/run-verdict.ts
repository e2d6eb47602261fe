/**
 * What can be said of any run, with or without a drill: whether its results are right, and whether
 * it went far enough to say so.
 */
import type { Scenario } from "../model/scenario.ts";
import type { Verdict } from "./drill.ts";
import type { RunEnd } from "./run-end.ts";

const END_WORDS: Readonly<Record<string, string>> = {
  interrupted: "interrupted",
  stopped: "stopped",
  "time-limit": "time limit reached",
  "worker-lost": "a worker process was lost",
};

/**
 * PASS: the accounts balance, every combine equals the oracle, no invariant broke. FAIL: one of
 * these does not hold. INVALID: the run cannot say (cut short, a fault that never began, late,
 * nothing done). FAIL goes before INVALID: a wrong result is wrong however the run ended.
 */
export function judgeRun(
  scenario: Scenario,
  end: RunEnd,
): { readonly verdict: Verdict; readonly reasons: readonly string[] } {
  const failures = [...runFailures(end), ...accountProblems(end)];
  if (failures.length > 0) return { verdict: "FAIL", reasons: failures };
  const doubts = [...endDoubts(end), ...runDoubts(scenario, end)];
  return { verdict: doubts.length > 0 ? "INVALID" : "PASS", reasons: doubts };
}

/** Results that are wrong, and ends that only a bug can bring about. */
export function runFailures(end: RunEnd): readonly string[] {
  const failures: string[] = [];
  if (end.mismatches > 0) {
    failures.push(`${end.mismatches} combined results differ from the oracle`);
  }
  // What has to hold at the end cannot hold in the middle: frames on their way, packets in use.
  if (end.end === "finished") failures.push(...end.violations);
  if (end.end === "stuck") failures.push(`stuck: ${end.detail ?? "nothing left to do"}`);
  return failures;
}

/** Accounts that do not add up; of a run that was cut short they need not. */
export function accountProblems({ end, assignments }: RunEnd): readonly string[] {
  const { dispatched, combined, masked, lost } = assignments;
  const sum = combined + masked + lost;
  if (end !== "finished" || dispatched === sum) return [];
  return [`accounts do not balance: ${dispatched} dispatched, ${sum} ended`];
}

/** An end that nobody planned. */
export function endDoubts({ end, detail }: RunEnd): readonly string[] {
  if (end === "finished" || end === "stuck") return [];
  return [`${END_WORDS[end] ?? end}${detail === undefined ? "" : `: ${detail}`}`];
}

/** Why a run that ended as planned cannot say much. */
export function runDoubts({ faults, run }: Scenario, end: RunEnd): readonly string[] {
  const doubts: string[] = [];
  if (end.end === "finished") {
    const begun = new Set(end.faultsBegun);
    for (const { name } of faults) {
      if (!begun.has(name)) doubts.push(`fault '${name}' never began: the run was over before`);
    }
  }
  if (run.speed !== "max" && end.maxLagSeconds > run.lagBudgetSeconds) {
    const late = end.maxLagSeconds.toFixed(3);
    doubts.push(`ran ${late} s late; the lag budget is ${run.lagBudgetSeconds} s`);
  }
  if (end.unexplained > 0) {
    doubts.push(
      `${end.unexplained} assignments were masked without a fault: the ACK timeout ` +
        "(transport.ackTimeoutExponent) or the wait is shorter than the queues of this network",
    );
  }
  if (end.assignments.dispatched === 0 && end.end !== "worker-lost") {
    doubts.push("nothing was dispatched");
  }
  return doubts;
}
