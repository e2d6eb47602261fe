/**
 * What a drill's probes found against what was allowed, with what the same probe finds in the
 * healthy twin: the check of the hypothesis that failed first, else the last one, and the probes of
 * the method that have a tolerance. Gathered afterwards; it judges nothing.
 */
import { ask, type Moment } from "./ask.ts";
import type { MeasuredRun } from "./comparison.ts";
import type { Drill, Probe } from "./drill.ts";
import type { DrillRecord, HypothesisCheck, ProbeResult } from "./drill-record.ts";

/** A probe that has a tolerance, and when it was asked. */
export interface ThresholdRow extends ProbeResult {
  /** Whose probe it is: of the hypothesis, with the check, or of the method. */
  readonly when: HypothesisCheck["when"] | "method";
  readonly atPs: number;
  /** What it finds in the twin, over the same part; missing: nothing. */
  readonly healthy?: number;
}

/** The rows, those of the hypothesis first. */
export function thresholdsOf(drill: Drill, record: DrillRecord, twin: MeasuredRun): ThresholdRow[] {
  const check = record.checks.find(({ met, when }) => !met && when !== "method-end");
  const shown = check ?? record.checks.at(-1);
  const probes = drill.hypothesis?.probes ?? [];
  const own = (shown?.probes ?? []).map((result, place): ThresholdRow => {
    const { when, atPs } = shown as HypothesisCheck;
    const moment = twinAt(drill, record, twin, { when, atPs });
    return { ...result, when, atPs, ...valueIn(moment, probes[place]) };
  });
  const asked = record.activities.flatMap(({ duePs: atPs, output }, place): ThresholdRow[] => {
    const activity = drill.method[place];
    if (output?.tolerance === undefined || activity?.type !== "probe") return [];
    const moment = twinAt(drill, record, twin, { when: "during", atPs });
    return [{ ...output, when: "method", atPs, ...valueIn(moment, activity) }];
  });
  return [...own, ...asked];
}

/** The healthy twin at the instant of a check, with the parts that this run had. */
function twinAt(
  drill: Drill,
  { activities, methodEndPs }: DrillRecord,
  { series, end }: MeasuredRun,
  { when, atPs }: Pick<HypothesisCheck, "when" | "atPs">,
): Moment {
  const twinEndPs = end.virtualTimePs + 1;
  const begin = activities.find(
    ({ type, status }) => type === "action" && status !== "never-due" && status !== "skipped",
  );
  return {
    run: series,
    healthy: series,
    // At the end of the run the whole twin is meant, whenever it was over.
    nowPs: when === "after" ? twinEndPs : Math.min(atPs, twinEndPs),
    method: begin === undefined ? undefined : { fromPs: begin.duePs, toPs: methodEndPs },
    windowPs: drill.strategies.frequencyPs,
    end: when === "after" ? end : undefined,
  };
}

function valueIn(moment: Moment, probe: Probe | undefined): { readonly healthy?: number } {
  if (probe === undefined) return {};
  const { value } = ask(probe, moment);
  return value === undefined ? {} : { healthy: value };
}
