/** When each strategy of Chaos Toolkit checks the hypothesis. */
import type { HypothesisStrategy } from "./drill.ts";

/** At the first action? */
export function asksBefore(strategy: HypothesisStrategy): boolean {
  return ["default", "before-method-only", "continuously"].includes(strategy);
}

/** At a frequency during the method, and when it ends? */
export function asksDuring(strategy: HypothesisStrategy): boolean {
  return ["during-method-only", "continuously"].includes(strategy);
}

/** When the run is over? */
export function asksAfter(strategy: HypothesisStrategy): boolean {
  return ["default", "after-method-only", "continuously"].includes(strategy);
}
