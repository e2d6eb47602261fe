/**
 * The report of a drill: the verdict with its reasons, the faulted run beside its healthy twin,
 * whose fault each late, masked or lost assignment is, the dip, how far it reached, and what to
 * change. Pure: plain data from plain data; rendering is done elsewhere.
 */
import type { FaultSpec } from "../model/fault.ts";
import { NEVER_PS, PS_PER_MS } from "../model/time.ts";
import type { AssignmentTotals } from "../model/window.ts";
import { type Advice, adviceFor } from "./advice.ts";
import type { Attribution } from "./attribution.ts";
import { type ComparisonRow, compareRuns, type MeasuredRun } from "./comparison.ts";
import type { Diagnosis, DiagnosisScore } from "./diagnosis.ts";
import { type Dip, measureDip } from "./dip.ts";
import type { Drill, Verdict } from "./drill.ts";
import type { DrillRecord } from "./drill-record.ts";
import { measureReach, type Reach } from "./reach.ts";
import { recoveryMeasures } from "./recovery-measures.ts";
import type { RunSeries } from "./run-series.ts";
import type { TimelineLine } from "./timeline.ts";

/** A clock of the drill: how long after the first fault something came about. */
export interface DrillClock {
  readonly name: string;
  /** ps of virtual time; missing when it never did. */
  readonly spanPs?: number;
  readonly about: string;
}

/** What a responder of a blind drill named, and how right it was. */
export interface ScoredDiagnosis extends Diagnosis, DiagnosisScore {}

/** Who and what the run was. */
export interface DrillIdentity {
  readonly faultplane: string;
  readonly runId: string;
  readonly digest: string;
  readonly twinDigest: string;
  readonly scenarioHash: string;
  readonly seed: string;
  readonly placement: string;
  readonly speed: number | "max";
  readonly runDir: string;
}

/** What the host saw; no result rests on it. */
export interface DrillHost {
  readonly node: string;
  readonly platform: string;
  /** ISO 8601, wall clock. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly wallSeconds: number;
  /** Of those, for the healthy twin and for the runs between it and the drill. */
  readonly twinSeconds: number;
  readonly chainSeconds: number;
  readonly lagSeconds: number;
  readonly events: number;
  readonly windows: number;
  readonly processes: number;
  readonly peakRssBytes: number;
}

/** Our facts of a drill, under one key of the journal. */
export interface DrillReport {
  readonly format: "faultplane-drill";
  readonly version: 1;
  readonly title: string;
  readonly description: string;
  readonly verdict: Verdict;
  /** Why the verdict is not PASS; empty when it is. */
  readonly reasons: readonly string[];
  readonly expected: Verdict;
  readonly asExpected: boolean;
  /** How the run ended, and why if it was stopped. */
  readonly end: string;
  readonly endDetail?: string;
  readonly identity: DrillIdentity;
  readonly record: DrillRecord;
  /** In force in the run, from the scenario and from the drill. */
  readonly faults: readonly FaultSpec[];
  readonly assignments: AssignmentTotals;
  readonly comparison: readonly ComparisonRow[];
  readonly clocks: readonly DrillClock[];
  readonly dip: Dip;
  readonly reach: Reach;
  readonly attribution: Attribution;
  readonly timeline: readonly TimelineLine[];
  readonly advice: readonly Advice[];
  /** Of a blind drill: what was named, in order. */
  readonly diagnoses?: readonly ScoredDiagnosis[];
  readonly host: DrillHost;
}

export interface DrillReportInput {
  readonly drill: Drill;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly end: string;
  readonly endDetail?: string;
  readonly identity: DrillIdentity;
  readonly record: DrillRecord;
  readonly faults: readonly FaultSpec[];
  readonly run: MeasuredRun;
  readonly twin: MeasuredRun;
  readonly attribution: Attribution;
  readonly timeline: readonly TimelineLine[];
  readonly diagnoses?: readonly ScoredDiagnosis[];
  readonly host: DrillHost;
}

/** Gathers the figures of a drill that is over. */
export function makeDrillReport(input: DrillReportInput): DrillReport {
  const { drill, run, twin, attribution, faults, verdict } = input;
  const { scenario } = drill;
  const expected = drill.expects ?? "PASS";
  const reach = measureReach(run.trace, twin.trace, scenario);
  const onsetPs = faults.reduce((least, { atPs }) => Math.min(least, atPs), NEVER_PS);
  return {
    format: "faultplane-drill",
    version: 1,
    title: drill.title,
    description: drill.description,
    verdict,
    reasons: input.reasons,
    expected,
    asExpected: verdict === expected,
    end: input.end,
    ...(input.endDetail === undefined ? {} : { endDetail: input.endDetail }),
    identity: input.identity,
    record: input.record,
    faults,
    assignments: run.end.assignments,
    comparison: compareRuns(run, twin, scenario),
    clocks: faults.length === 0 ? [] : clocksOf(run, twin.series),
    dip: measureDip(run.trace, twin.trace, onsetPs),
    reach,
    attribution,
    timeline: input.timeline,
    advice: adviceFor({
      scenario,
      faults,
      trace: run.trace,
      twin: twin.trace,
      series: run.series,
      healthy: twin.series,
      attribution,
      reach,
    }),
    ...(input.diagnoses === undefined ? {} : { diagnoses: input.diagnoses }),
    host: input.host,
  };
}

/** The recovery measures as clocks, since the first fault; with the twin to compare. */
function clocksOf(run: MeasuredRun, healthy: RunSeries): DrillClock[] {
  return recoveryMeasures.map(({ name, about, read }): DrillClock => {
    const { series, end } = run;
    const toPs = end.virtualTimePs + 1;
    const { value } = read({ run: series, healthy, fromPs: 0, toPs, arguments: {}, end });
    const words = name.replace(/_ms$/, "").replaceAll("_", " ");
    return { name: words, about, ...(value === undefined ? {} : { spanPs: value * PS_PER_MS }) };
  });
}
