/** What a drill writes down while it goes on: its timeline, its activities, its checks. */
import type { FaultSpec } from "../model/fault.ts";
import type { Activity, Control, Probe } from "./drill.ts";
import type { ActivityRun, HypothesisCheck, ProbeResult, TimelineEntry } from "./drill-record.ts";
import { describeResult, quoted } from "./story.ts";

export class DrillLog {
  readonly timeline: TimelineEntry[] = [];
  readonly activities: ActivityRun[] = [];
  readonly rollbacks: ActivityRun[] = [];
  readonly checks: HypothesisCheck[] = [];
  readonly faults: FaultSpec[] = [];

  tell(atPs: number, what: TimelineEntry["what"], name: string, text: string): void {
    this.timeline.push({ atPs, what, name, text });
  }

  /** A check of the hypothesis; returns whether it is met. */
  check(
    when: HypothesisCheck["when"],
    atPs: number,
    title: string,
    probes: readonly ProbeResult[],
  ): boolean {
    const failed = probes.filter(({ met }) => met === false);
    const isMet = failed.length === 0;
    this.checks.push({ when, atPs, met: isMet, probes });
    // Checks during the method are many: only changes are news.
    const last = this.checks.at(-2);
    if (when === "during" && last?.when === "during" && last.met === isMet) return isMet;
    const why = failed.map((result) => `${quoted(result.name)}: ${describeResult(result)}`);
    const text = isMet ? `holds (${when})` : `does not hold (${when}): ${why.join("; ")}`;
    this.tell(atPs, "hypothesis", title, text);
    return isMet;
  }

  /** What a control does: a note, or the values of all probes. */
  control(control: Control, atPs: number, results: readonly ProbeResult[]): void {
    const values = results.map((result) => `${quoted(result.name)}: ${describeResult(result)}`);
    const parts = [...(control.text === "" ? [] : [control.text]), ...values];
    this.tell(atPs, "control", control.name, parts.join("; "));
  }
}

/** An activity that did not come to pass. */
export function missedActivity(
  activity: Activity,
  duePs: number,
  status: "skipped" | "never-due",
): ActivityRun {
  const { name, type } = activity;
  return { name, type, func: funcOf(activity), duePs, status };
}

/** `inject`, `heal`, ..., or the measure of a probe. */
export function funcOf(activity: Activity | Probe): string {
  return activity.type === "probe" ? activity.measure : activity.act.func;
}
