/**
 * A drill after parsing: a scenario, what should hold of it (the hypothesis), what is done to it
 * (the method) and undone (the rollbacks), and when to stop. The layout is Chaos Toolkit's
 * experiment; our actions and probes are providers of type `faultplane`. Plain data.
 */
import type { FaultSpec } from "../model/fault.ts";
import type { HostFault, HostFaultFunc } from "../model/host-fault.ts";
import type { Scenario } from "../model/scenario.ts";

/** PASS: the hypothesis held. FAIL: it did not. INVALID: the run cannot say. */
export type Verdict = "PASS" | "FAIL" | "INVALID";

/** What a probe's value must satisfy; Chaos Toolkit's tolerances. */
export type Tolerance =
  | { readonly type: "exactly"; readonly value: number | boolean | string }
  | { readonly type: "range"; readonly least: number; readonly most: number };

/**
 * Part of the run that a probe looks at, up to the instant at which it is asked: all of it; before
 * the first action; from there to the end of the method; after that; the last check's length.
 */
export type ProbeSpan = "run" | "before" | "during" | "after" | "window";

/** The spans, in the order in which messages list them. */
export const PROBE_SPANS = ["run", "before", "during", "after", "window"] as const;

/** A question to the run. */
export interface Probe {
  readonly type: "probe";
  readonly name: string;
  /** A measure of the list in measures.ts, such as `tpot_ms` or `tokens_lost`. */
  readonly measure: string;
  /** By the measure's own keys; times in ps. */
  readonly arguments: Readonly<Record<string, number | string>>;
  readonly over: ProbeSpan;
  /** Undefined: asked and written down, not judged. */
  readonly tolerance?: Tolerance;
}

/** What an action does. An operator's act is a fault of kind masked, drained or rerouted. */
export type Act =
  /**
   * `since` says what the fault's instants count from: the moment at which the action is due, or
   * the beginning of the run.
   */
  | {
      readonly func: "inject" | "mask" | "drain" | "reroute";
      readonly fault: FaultSpec;
      readonly since: "due" | "run";
    }
  /** Ends the fault of that name. */
  | { readonly func: "heal" | "unmask" | "undrain"; readonly fault: string }
  /** Breaks a process or a connection of the run itself. */
  | { readonly func: HostFaultFunc; readonly host: HostFault }
  /** Does nothing; its pauses let time pass. */
  | { readonly func: "wait" }
  /** A line in the timeline. */
  | { readonly func: "note"; readonly text: string };

/** Something done to the run. */
export interface Action {
  readonly type: "action";
  readonly name: string;
  readonly act: Act;
}

/** A probe or an action with its pauses, ps of virtual time. */
export type Activity = (Probe | Action) & {
  readonly pauseBeforePs: number;
  readonly pauseAfterPs: number;
};

export interface Hypothesis {
  readonly title: string;
  /** Each has a tolerance. */
  readonly probes: readonly Probe[];
}

/** When the hypothesis is checked (Chaos Toolkit `runtime.hypothesis.strategy`). */
export type HypothesisStrategy =
  | "default"
  | "before-method-only"
  | "after-method-only"
  | "during-method-only"
  | "continuously";

/** When rollbacks run (Chaos Toolkit `runtime.rollbacks.strategy`). */
export type RollbackStrategy = "default" | "always" | "never" | "deviated";

/** Chaos Toolkit's controls: ours write a note or ask all probes around something. */
export interface Control {
  readonly name: string;
  readonly func: "note" | "snapshot";
  readonly text: string;
  readonly when: "before" | "after";
  readonly what: "experiment" | "hypothesis" | "method" | "rollback" | "activity";
}

export interface Drill {
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** What the drill's file expects; undefined: PASS. */
  readonly expects?: Verdict;
  /** Without what the method injects; may have faults of its own. */
  readonly scenario: Scenario;
  /** The scenario's file as the drill names it; undefined: it is part of the drill. */
  readonly scenarioFile?: string;
  readonly hypothesis?: Hypothesis;
  readonly method: readonly Activity[];
  readonly rollbacks: readonly Activity[];
  readonly controls: readonly Control[];
  readonly strategies: {
    readonly hypothesis: HypothesisStrategy;
    /** Virtual time between two checks of a continuous hypothesis and of stop conditions, ps. */
    readonly frequencyPs: number;
    /** A continuous hypothesis that fails once ends the method. */
    readonly failFast: boolean;
    readonly rollbacks: RollbackStrategy;
  };
  readonly stop: {
    /** Virtual time at which the drill is over at the latest, ps. */
    readonly afterPs: number;
    /** Ends the drill as soon as one of these is outside its tolerance: an abort. */
    readonly when: readonly Probe[];
  };
  /**
   * Assignments combined before the first fault below which the drill cannot say anything.
   */
  readonly leastTraffic: number;
}
