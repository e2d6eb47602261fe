/**
 * A drill's result in the layout of Chaos Toolkit's journal, so that what reads one reads ours. All
 * instants in it are virtual time, written as if it began at 1970-01-01; durations are virtual
 * seconds. Our own facts, with exact instants and what the host saw, are under `faultplane`.
 */
import { PS_PER_S } from "../model/time.ts";
import type { ActivityRun, HypothesisCheck, ProbeResult } from "./drill-record.ts";
import type { DrillReport } from "./drill-report.ts";

/** A journal; `experiment` is the drill file's document as it was given. */
export interface ChaosJournal {
  readonly platform: string;
  readonly node: string;
  readonly experiment: unknown;
  readonly start: string;
  readonly end: string;
  readonly duration: number;
  readonly status: string;
  readonly deviated: boolean;
  readonly steady_states: {
    readonly before: SteadyState | null;
    readonly during: readonly SteadyState[];
    readonly after: SteadyState | null;
  };
  readonly run: readonly JournalActivity[];
  readonly rollbacks: readonly JournalActivity[];
  readonly faultplane: DrillReport;
}

/** A check of the hypothesis. */
export interface SteadyState {
  readonly steady_state_met: boolean;
  readonly probes: readonly JournalActivity[];
}

/** An action or a probe that was carried out. */
export interface JournalActivity {
  readonly activity: Readonly<Record<string, unknown>>;
  readonly status: string;
  readonly output: unknown;
  readonly tolerance_met?: boolean;
  readonly start: string;
  readonly end: string;
  readonly duration: number;
}

/** The journal of a drill. */
export function chaosJournal(report: DrillReport, experiment: unknown): ChaosJournal {
  const { record, host } = report;
  const of = (when: HypothesisCheck["when"]): HypothesisCheck[] =>
    record.checks.filter((check) => check.when === when);
  const before = of("before")[0];
  const after = [...of("method-end"), ...of("after")].at(-1);
  return {
    platform: host.platform,
    node: host.node,
    experiment,
    start: virtualIso(0),
    end: virtualIso(record.endPs),
    duration: record.endPs / PS_PER_S,
    status: record.status === "deviated" ? "completed" : record.status,
    deviated: record.deviated,
    steady_states: {
      before: before === undefined ? null : steadyState(before),
      during: of("during").map(steadyState),
      after: after === undefined ? null : steadyState(after),
    },
    run: record.activities.map(activityOf),
    rollbacks: record.rollbacks.map(activityOf),
    faultplane: report,
  };
}

function steadyState({ met, atPs, probes }: HypothesisCheck): SteadyState {
  return { steady_state_met: met, probes: probes.map((probe) => probeOf(probe, atPs)) };
}

function probeOf(probe: ProbeResult, atPs: number): JournalActivity {
  const { name, measure, tolerance, value, met } = probe;
  const provider = { type: "faultplane", func: measure, arguments: probe.arguments };
  const at = virtualIso(atPs);
  return {
    activity: { type: "probe", name, ...(tolerance && { tolerance }), provider },
    status: value === undefined ? "failed" : "succeeded",
    output: value ?? null,
    ...(met === undefined ? {} : { tolerance_met: met }),
    start: at,
    end: at,
    duration: 0,
  };
}

function activityOf(run: ActivityRun): JournalActivity {
  const at = virtualIso(run.duePs);
  return {
    activity: { type: run.type, name: run.name, provider: { type: "faultplane", func: run.func } },
    status: run.status,
    output: run.output ?? run.fault ?? run.heals ?? null,
    start: at,
    end: at,
    duration: 0,
  };
}

/** An instant of virtual time, ps, as ISO 8601 without a zone, to the microsecond. */
export function virtualIso(atPs: number): string {
  const micros = Math.floor(atPs / 1e6);
  const seconds = Math.floor(micros / 1e6);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(micros % 1e6).padStart(6, "0");
  return `1970-01-01T${two(hours)}:${two(minutes)}:${two(seconds % 60)}.${rest}`;
}
