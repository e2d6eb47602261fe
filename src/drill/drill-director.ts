/**
 * Carries a drill out: at its own instants of virtual time it checks the hypothesis, orders faults
 * and heals, asks probes, and ends the run where a stop condition or the time limit says so. It
 * sees facts only, so it orders the same under every placement.
 */
import type { Director, Orders } from "../model/director.ts";
import type { FactRecord } from "../model/fact.ts";
import type { FaultHeal, FaultSpec } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { ask, type Moment } from "./ask.ts";
import type { Activity, Control, Drill } from "./drill.ts";
import { DrillLog, funcOf, missedActivity } from "./drill-log.ts";
import type {
  ActivityRun,
  DrillRecord,
  DrillStatus,
  HypothesisCheck,
  ProbeResult,
  TimelineEntry,
} from "./drill-record.ts";
import { type MethodClock, methodClock } from "./method-clock.ts";
import { performAct } from "./perform-act.ts";
import type { RunEnd } from "./run-end.ts";
import { RunSeries } from "./run-series.ts";
import { describeResult, quoted } from "./story.ts";

export interface DrillDirectorOptions {
  readonly drill: Drill;
  readonly topology: Topology;
  /** The facts of the scenario without faults; undefined: nothing is compared with it. */
  readonly healthy?: RunSeries | undefined;
}

/** Instants of an open list of activities: those of the method, then those of the rollbacks. */
interface Agenda {
  readonly activities: readonly Activity[];
  readonly clock: MethodClock;
  /** What the clock counts from, ps. */
  readonly fromPs: number;
  next: number;
}

export class DrillDirector implements Director {
  readonly #drill: Drill;
  readonly #healthy: RunSeries | undefined;
  readonly #run: RunSeries;
  readonly #log = new DrillLog();
  readonly #method: Agenda;
  #rollbacks: Agenda | undefined;
  #faults: FaultSpec[] = [];
  #heals: FaultHeal[] = [];
  #isBegun = false;
  #isMethodOver = false;
  /** Why the method was cut short. */
  #cut: "deviated" | "failed" | "aborted" | undefined;
  #deviated = false;
  #checkPs = NEVER_PS;
  #guardPs = NEVER_PS;
  #stop: { readonly atPs: number; readonly reason: string } | undefined;
  #nextPs: number;

  constructor({ drill, topology, healthy }: DrillDirectorOptions) {
    this.#drill = drill;
    this.#healthy = healthy;
    this.#run = new RunSeries(drill.scenario, topology);
    const clock = methodClock(drill.method);
    this.#method = { activities: drill.method, clock, fromPs: 0, next: 0 };
    this.#isMethodOver = drill.method.length === 0;
    if (drill.stop.when.length > 0) this.#guardPs = drill.strategies.frequencyPs;
    this.#log.tell(0, "drill", drill.title, "begins");
    this.#control("before", "experiment", 0);
    this.#nextPs = this.#earliest();
  }

  /** See {@link Director}. */
  get nextPs(): number {
    return this.#nextPs;
  }

  /** What the drill has done and found so far. */
  get timeline(): readonly TimelineEntry[] {
    return this.#log.timeline;
  }

  take(facts: readonly FactRecord[]): void {
    this.#run.take(facts);
  }

  at(atPs: number): Orders {
    this.#faults = [];
    this.#heals = [];
    this.#begin(atPs);
    this.#checkDuring(atPs);
    this.#guard(atPs);
    if (this.#cut === undefined) this.#carryOut(this.#method, atPs, this.#log.activities);
    this.#endMethod(atPs);
    this.#carryOut(this.#rollbacks, atPs, this.#log.rollbacks);
    if (atPs >= this.#drill.stop.afterPs) this.#stopAt(atPs, "stop.after is reached");
    this.#nextPs = this.#stop === undefined ? this.#earliest() : NEVER_PS;
    const stop = this.#stop === undefined ? {} : { stop: this.#stop.reason };
    return { faults: this.#faults, heals: this.#heals, ...stop };
  }

  /** The drill's record; asks the hypothesis a last time. Call it once, after the last facts. */
  finish(end: RunEnd): DrillRecord {
    const log = this.#log;
    const endPs = this.#stop?.atPs ?? end.virtualTimePs;
    const { method, strategies } = this.#drill;
    const isDone = this.#cut === undefined && this.#method.next === method.length;
    const asksAfter = ["default", "after-method-only", "continuously"];
    const isCut = this.#cut === "failed" || this.#cut === "aborted";
    if (!isCut && asksAfter.includes(strategies.hypothesis)) this.#check("after", endPs, end);
    const missed = this.#cut === undefined ? "never-due" : "skipped";
    for (let place = log.activities.length; place < method.length; place += 1) {
      const duePs = this.#method.clock.duePs[place];
      log.activities.push(missedActivity(method[place], duePs, missed));
    }
    const status = this.#status(end, isDone);
    this.#control("after", "experiment", endPs, end);
    log.tell(endPs, "drill", this.#drill.title, `ends: ${status}`);
    const firstFaultPs = this.#run.onsetPs();
    return {
      status,
      deviated: this.#deviated,
      checks: log.checks,
      activities: log.activities,
      rollbacks: log.rollbacks,
      rollbacksRun: this.#rollbacks !== undefined,
      timeline: log.timeline,
      faults: log.faults,
      methodEndPs: this.#method.clock.endPs,
      methodDone: isDone,
      ...(firstFaultPs === undefined ? {} : { firstFaultPs }),
      trafficBefore: this.#run.combined.between(0, firstFaultPs ?? Infinity),
      ...(this.#stop === undefined ? {} : { stopReason: this.#stop.reason }),
      endPs,
    };
  }

  /** The hypothesis before the method, at its first action. */
  #begin(atPs: number): void {
    if (this.#isBegun || atPs !== this.#method.clock.beginsAtPs) return;
    this.#isBegun = true;
    const { hypothesis: strategy, frequencyPs } = this.#drill.strategies;
    if (["default", "before-method-only", "continuously"].includes(strategy)) {
      if (!this.#check("before", atPs)) {
        this.#cut = "failed";
        this.#stopAt(atPs, "the hypothesis does not hold before the method");
        return;
      }
    }
    this.#control("before", "method", atPs);
    const isWatched = strategy === "continuously" || strategy === "during-method-only";
    if (isWatched && this.#drill.hypothesis !== undefined) this.#checkPs = atPs + frequencyPs;
  }

  #checkDuring(atPs: number): void {
    if (this.#checkPs !== atPs) return;
    const { frequencyPs, failFast } = this.#drill.strategies;
    this.#checkPs = atPs + frequencyPs;
    if (!this.#check("during", atPs) && failFast) this.#cut = "deviated";
  }

  /** Stop conditions: the first one outside its tolerance aborts the drill. */
  #guard(atPs: number): void {
    if (this.#guardPs !== atPs) return;
    this.#guardPs = atPs + this.#drill.strategies.frequencyPs;
    for (const probe of this.#drill.stop.when) {
      const result = ask(probe, this.#moment(atPs));
      if (result.met !== false) continue;
      this.#cut = "aborted";
      this.#stopAt(atPs, `stop condition ${quoted(probe.name)}: ${describeResult(result)}`);
      return;
    }
  }

  /** Activities that are due now. */
  #carryOut(agenda: Agenda | undefined, atPs: number, runs: ActivityRun[]): void {
    if (agenda === undefined) return;
    const { activities, clock, fromPs } = agenda;
    while (agenda.next < activities.length && fromPs + clock.duePs[agenda.next] <= atPs) {
      const activity = activities[agenda.next];
      agenda.next += 1;
      if (agenda === this.#method) this.#control("before", "activity", atPs);
      runs.push(this.#perform(activity, atPs, agenda !== this.#method));
      if (agenda === this.#method) this.#control("after", "activity", atPs);
      if (agenda.next === activities.length && agenda === this.#rollbacks) {
        this.#control("after", "rollback", atPs);
      }
    }
  }

  #perform(activity: Activity, atPs: number, isRollback: boolean): ActivityRun {
    const { name, type } = activity;
    const run = { name, type, func: funcOf(activity), duePs: atPs };
    if (activity.type === "probe") {
      const output = ask(activity, this.#moment(atPs));
      this.#log.tell(atPs, "probe", name, describeResult(output));
      if (output.met === false) this.#deviated = true;
      return { ...run, output, status: output.met === false ? "failed" : "succeeded" };
    }
    const { text, fault, heals } = performAct(activity.act, atPs);
    if (fault !== undefined) {
      this.#faults.push(fault);
      this.#log.faults.push(fault);
    }
    if (heals !== undefined) this.#heals.push({ fault: heals, atPs });
    this.#log.tell(atPs, isRollback ? "rollback" : "action", name, text);
    const done = { ...(fault && { fault }), ...(heals === undefined ? {} : { heals }) };
    return { ...run, status: "succeeded", ...done };
  }

  /** When the method's clock has run out, or it was cut: are there rollbacks? */
  #endMethod(atPs: number): void {
    if (this.#isMethodOver) return;
    const isOver = this.#method.next === this.#drill.method.length;
    if (this.#cut === undefined && !(isOver && atPs >= this.#method.clock.endPs)) return;
    this.#isMethodOver = true;
    this.#checkPs = NEVER_PS;
    this.#control("after", "method", atPs);
    if (!this.#wantsRollbacks(atPs) || this.#drill.rollbacks.length === 0) return;
    this.#control("before", "rollback", atPs);
    const clock = methodClock(this.#drill.rollbacks);
    this.#rollbacks = { activities: this.#drill.rollbacks, clock, fromPs: atPs, next: 0 };
  }

  #wantsRollbacks(atPs: number): boolean {
    switch (this.#drill.strategies.rollbacks) {
      case "always":
        return true;
      case "never":
        return false;
      case "deviated":
        if (this.#deviated || this.#cut !== undefined) return this.#deviated;
        return !this.#check("method-end", atPs);
      default:
        return this.#cut !== "failed" && this.#cut !== "aborted";
    }
  }

  /** Asks the hypothesis; returns whether it is met. One that fails is a deviation. */
  #check(when: HypothesisCheck["when"], atPs: number, end?: RunEnd): boolean {
    const { hypothesis } = this.#drill;
    if (hypothesis === undefined) return true;
    this.#control("before", "hypothesis", atPs, end);
    const isMet = this.#log.check(when, atPs, hypothesis.title, this.#probe(atPs, end));
    // What is asked to decide about rollbacks is not yet what the drill is judged by.
    if (!isMet && when !== "method-end") this.#deviated = true;
    this.#control("after", "hypothesis", atPs, end);
    return isMet;
  }

  /** The hypothesis' probes, now. */
  #probe(atPs: number, end?: RunEnd): readonly ProbeResult[] {
    const probes = this.#drill.hypothesis?.probes ?? [];
    return probes.map((probe) => ask(probe, this.#moment(atPs, end)));
  }

  #moment(atPs: number, end?: RunEnd): Moment {
    // A run that was not stopped has facts at its very last instant.
    const nowPs = end === undefined || this.#stop !== undefined ? atPs : atPs + 1;
    const { beginsAtPs, endPs } = this.#method.clock;
    const method = beginsAtPs === undefined ? undefined : { fromPs: beginsAtPs, toPs: endPs };
    const { frequencyPs: windowPs } = this.#drill.strategies;
    return { run: this.#run, healthy: this.#healthy, nowPs, method, windowPs, end };
  }

  #control(when: Control["when"], what: Control["what"], atPs: number, end?: RunEnd): void {
    for (const control of this.#drill.controls) {
      if (control.when !== when || control.what !== what) continue;
      const results = control.func === "snapshot" ? this.#probe(atPs, end) : [];
      this.#log.control(control, atPs, results);
    }
  }

  #stopAt(atPs: number, reason: string): void {
    if (this.#stop !== undefined) return;
    this.#stop = { atPs, reason };
    this.#log.tell(atPs, "stop", "stop", reason);
  }

  /** The next instant at which there is something to do. */
  #earliest(): number {
    const { clock, next } = this.#method;
    let nextPs = Math.min(this.#drill.stop.afterPs, this.#checkPs, this.#guardPs);
    if (!this.#isMethodOver) nextPs = Math.min(nextPs, clock.duePs[next] ?? clock.endPs);
    const rollbacks = this.#rollbacks;
    if (rollbacks === undefined || rollbacks.next === rollbacks.activities.length) return nextPs;
    return Math.min(nextPs, rollbacks.fromPs + rollbacks.clock.duePs[rollbacks.next]);
  }

  #status(end: RunEnd, isDone: boolean): DrillStatus {
    if (this.#cut === "failed" || this.#cut === "aborted") return this.#cut;
    const isOurs = end.end === "finished" || (end.end === "stopped" && this.#stop !== undefined);
    if (!isOurs) return "interrupted";
    if (this.#deviated) return "deviated";
    return isDone ? "completed" : "interrupted";
  }
}
