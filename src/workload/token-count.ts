/** How many assignments a token comes to: what throughput in tokens is counted with. */
import type { Scenario } from "../model/scenario.ts";
import { makeSchedule } from "./schedules.ts";

/** (token, expert) assignments of one token in a step, through all its layers and passes. */
export function assignmentsInStep(scenario: Scenario): number {
  const { model, workload } = scenario;
  const dispatches = makeSchedule(scenario).ops.filter(({ kind }) => kind === "dispatch").length;
  // Training: a step trains the tokens of one micro-batch, there and back; others finish all.
  const batches = workload.phase === "training" ? 1 : workload.microBatches;
  return (model.num_experts_per_tok * dispatches) / batches;
}

/** The same over the tokens that a step accepts (multi-token prediction). */
export function assignmentsPerToken(scenario: Scenario): number {
  return assignmentsInStep(scenario) / scenario.workload.acceptedTokensPerStep;
}
