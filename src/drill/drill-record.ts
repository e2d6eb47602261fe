/**
 * What a drill did and found, in its order: activities, checks, faults, and how it ended. Plain
 * data; the verdict, the report and the journal are made of it.
 */
import type { FaultSpec } from "../model/fault.ts";
import type { HostFault } from "../model/host-fault.ts";
import type { ProbeSpan, Tolerance } from "./drill.ts";

/**
 * Chaos Toolkit's words. `deviated`: the hypothesis did not hold; `aborted`: by a stop condition;
 * `interrupted`: by an operator, or by an end that nobody asked for; `failed`: before the method,
 * since the hypothesis did not hold there.
 */
export type DrillStatus = "completed" | "deviated" | "interrupted" | "aborted" | "failed";

/** One line of the drill's own story. */
export interface TimelineEntry {
  readonly atPs: number;
  readonly what: "drill" | "hypothesis" | "action" | "probe" | "rollback" | "control" | "stop";
  readonly name: string;
  readonly text: string;
}

/** What a probe found. */
export interface ProbeResult {
  readonly name: string;
  readonly measure: string;
  readonly arguments: Readonly<Record<string, number | string>>;
  readonly over: ProbeSpan;
  readonly unit: string;
  /** Missing when there was none; `why` says why. */
  readonly value?: number;
  readonly why?: string;
  readonly tolerance?: Tolerance;
  /** Missing: it has no tolerance, or its value may still come. */
  readonly met?: boolean;
}

/** The hypothesis, asked at one instant. */
export interface HypothesisCheck {
  readonly when: "before" | "during" | "method-end" | "after";
  readonly atPs: number;
  /** No probe is outside its tolerance. */
  readonly met: boolean;
  readonly probes: readonly ProbeResult[];
}

/** An activity of the method or the rollbacks, as it went. */
export interface ActivityRun {
  readonly name: string;
  readonly type: "action" | "probe";
  /** `inject`, `heal`, ..., or the measure. */
  readonly func: string;
  readonly duePs: number;
  /**
   * `failed`: a probe outside its tolerance. `skipped`: the method was over by then (fail-fast,
   * stop condition, hypothesis). `never-due`: the run was over by then.
   */
  readonly status: "succeeded" | "failed" | "skipped" | "never-due";
  readonly output?: ProbeResult;
  /** What was injected, with instants of the run. */
  readonly fault?: FaultSpec;
  /** Name of the fault that was ended. */
  readonly heals?: string;
  /** The real fault that was ordered; what became of it is in the report's `hostFaults`. */
  readonly host?: HostFault;
}

export interface DrillRecord {
  readonly status: DrillStatus;
  /** Did a judged check of the hypothesis, or a probe of the method, fail? */
  readonly deviated: boolean;
  readonly checks: readonly HypothesisCheck[];
  readonly activities: readonly ActivityRun[];
  /** Those that came, and those that were wanted and never came. */
  readonly rollbacks: readonly ActivityRun[];
  /** Did the rollbacks begin? */
  readonly rollbacksRun: boolean;
  readonly timeline: readonly TimelineEntry[];
  /** What the method injected, with instants of the run, in the order in which it was ordered. */
  readonly faults: readonly FaultSpec[];
  /** When the method's clock runs out, ps; the run may be over before. */
  readonly methodEndPs: number;
  /** Did every activity of the method come? Its last pause need not be over. */
  readonly methodDone: boolean;
  /** The first onset of a fault, scenario's included; missing: none began. ps. */
  readonly firstFaultPs?: number;
  /** Assignments combined before that, or in the whole run. */
  readonly trafficBefore: number;
  /** Why the drill ended the run. */
  readonly stopReason?: string;
  /** Until when the run went, ps. */
  readonly endPs: number;
}
