/**
 * A drill's result in the layout of Chaos Toolkit's journal, so that what reads one reads ours. All
 * instants in it are virtual time, written as if it began at 1970-01-01; durations are virtual
 * seconds. Activities are shown as the drill's file has them. Our own facts, with exact instants
 * and what the host saw, are under `faultplane`.
 */
import { PS_PER_S } from "../model/time.ts";
import type { Tolerance } from "./drill.ts";
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
  const hypothesis = listIn(fieldOf(experiment, "steady-state-hypothesis"), "probes");
  const steadyState = ({ met, atPs, probes }: HypothesisCheck): SteadyState => ({
    steady_state_met: met,
    probes: probes.map((probe, place) => probeOf(probe, atPs, hypothesis[place])),
  });
  const carriedOut = (runs: readonly ActivityRun[], key: string): JournalActivity[] => {
    const given = listIn(experiment, key);
    return runs.map((run, place) => activityOf(run, given[place]));
  };
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
    // Chaos Toolkit has no status of its own for a hypothesis that failed: `deviated` tells it.
    status: record.status === "deviated" ? "failed" : record.status,
    deviated: record.deviated,
    steady_states: {
      before: before === undefined ? null : steadyState(before),
      during: of("during").map(steadyState),
      after: after === undefined ? null : steadyState(after),
    },
    run: carriedOut(record.activities, "method"),
    rollbacks: carriedOut(record.rollbacks, "rollbacks"),
    faultplane: report,
  };
}

function probeOf(probe: ProbeResult, atPs: number, given: unknown): JournalActivity {
  const { name, measure, tolerance, value, met } = probe;
  const provider = { type: "faultplane", func: measure, arguments: probe.arguments };
  const own = { ...(tolerance && { tolerance: toleranceOf(tolerance) }), provider };
  const at = virtualIso(atPs);
  return {
    activity: { type: "probe", name, ...own, ...sameName(given, name) },
    status: value === undefined ? "failed" : "succeeded",
    output: value ?? null,
    ...(met === undefined ? {} : { tolerance_met: met }),
    start: at,
    end: at,
    duration: 0,
  };
}

function activityOf(run: ActivityRun, given: unknown): JournalActivity {
  const { type, name, func } = run;
  const at = virtualIso(run.duePs);
  const own = { type, name, provider: { type: "faultplane", func } };
  return {
    activity: { ...own, ...sameName(given, name) },
    status: run.status,
    output: run.output ?? run.fault ?? run.heals ?? run.host ?? null,
    start: at,
    end: at,
    duration: 0,
  };
}

/** A tolerance in Chaos Toolkit's words. */
function toleranceOf(tolerance: Tolerance): unknown {
  if (tolerance.type === "exactly") return tolerance.value;
  return { type: "range", range: [tolerance.least, tolerance.most] };
}

/** An activity of the file, if it is the one of that name; otherwise nothing. */
function sameName(given: unknown, name: string): Readonly<Record<string, unknown>> {
  return fieldOf(given, "name") === name ? (given as Readonly<Record<string, unknown>>) : {};
}

function listIn(document: unknown, key: string): readonly unknown[] {
  const list = fieldOf(document, key);
  return Array.isArray(list) ? list : [];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
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
