/**
 * The report of a drill: the verdict with its reasons, the faulted run beside its healthy twin,
 * whose fault each late, masked or lost assignment is, the dip, how far it reached, and what to
 * change. Pure: plain data from plain data; rendering is done elsewhere.
 */
import type { FaultSpec } from "../model/fault.ts";
import type { HostFaultRun } from "../model/host-fault.ts";
import { NEVER_PS } from "../model/time.ts";
import type { AssignmentTotals } from "../model/window.ts";
import { adviceFor } from "./advice.ts";
import type { Advice } from "./advice-rule.ts";
import type { Attribution } from "./attribution.ts";
import { clocksOf, type DrillClock } from "./clocks.ts";
import { type ComparisonRow, compareRuns, type MeasuredRun } from "./comparison.ts";
import type { Diagnosis, DiagnosisScore } from "./diagnosis.ts";
import { type Dip, measureDip } from "./dip.ts";
import type { Drill, Verdict } from "./drill.ts";
import type { DrillRecord } from "./drill-record.ts";
import { measureReach, type Reach } from "./reach.ts";
import { type ThresholdRow, thresholdsOf } from "./thresholds.ts";
import type { TimelineLine } from "./timeline.ts";

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
  /** Of a run that did not finish its work: until when it went, ps. */
  readonly cutAtPs?: number;
  readonly identity: DrillIdentity;
  readonly record: DrillRecord;
  /** What probes found against what was allowed, beside the healthy twin; older files lack it. */
  readonly thresholds?: readonly ThresholdRow[];
  /** In force in the run, from the scenario and from the drill. */
  readonly faults: readonly FaultSpec[];
  /** The other layer: what was done to processes of the run; missing: nothing. */
  readonly hostFaults?: readonly HostFaultRun[];
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
  readonly hostFaults?: readonly HostFaultRun[] | undefined;
  readonly run: MeasuredRun;
  readonly twin: MeasuredRun;
  readonly attribution: Attribution;
  readonly timeline: readonly TimelineLine[];
  readonly diagnoses?: readonly ScoredDiagnosis[];
  readonly host: DrillHost;
}

/** Gathers the figures of a drill that is over. */
export function makeDrillReport(input: DrillReportInput): DrillReport {
  const { drill, twin, attribution, faults, hostFaults = [], verdict } = input;
  const { scenario } = drill;
  const cutAtPs = input.run.end.end === "finished" ? undefined : input.record.endPs;
  const run = cutAtPs === undefined ? input.run : cutAt(input.run, cutAtPs);
  const expected = drill.expects ?? "PASS";
  const reach = measureReach(run, twin);
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
    ...(cutAtPs === undefined ? {} : { cutAtPs }),
    identity: input.identity,
    record: input.record,
    thresholds: thresholdsOf(drill, input.record, twin),
    faults,
    ...(hostFaults.length === 0 ? {} : { hostFaults }),
    assignments: run.end.assignments,
    comparison: compareRuns(run, twin, scenario, cutAtPs),
    clocks: run.series.onsetPs(undefined) === undefined ? [] : clocksOf(run, twin.series),
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

/** A run that was cut, up to there: nothing came after its last fact, and that is time, too. */
function cutAt(run: MeasuredRun, endPs: number): MeasuredRun {
  const { trace, end } = run;
  return { ...run, trace: { ...trace, endPs }, end: { ...end, virtualTimePs: endPs } };
}
