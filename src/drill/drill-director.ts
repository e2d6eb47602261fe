/**
 * Carries a drill out: at its own instants of virtual time it checks the hypothesis, orders faults
 * and heals, asks probes, and ends the run where a stop condition or the time limit says so. It
 * sees facts only, so it orders the same under every placement.
 */
import type { Director, Orders } from "../model/director.ts";
import type { FactRecord } from "../model/fact.ts";
import type { FaultHeal, FaultSpec } from "../model/fault.ts";
import type { HostFault } from "../model/host-fault.ts";
import { formatTime, NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { Agenda } from "./agenda.ts";
import { ask, type Moment } from "./ask.ts";
import type { Activity, Control, Drill } from "./drill.ts";
import { DrillLog, funcOf } from "./drill-log.ts";
import type {
  ActivityRun,
  DrillRecord,
  HypothesisCheck,
  ProbeResult,
  TimelineEntry,
} from "./drill-record.ts";
import { isPlannedEnd, statusOf } from "./drill-status.ts";
import { performAct } from "./perform-act.ts";
import type { RunEnd } from "./run-end.ts";
import { RunSeries } from "./run-series.ts";
import { describeResult, quoted } from "./story.ts";
import { asksAfter, asksBefore, asksDuring } from "./strategies.ts";

export interface DrillDirectorOptions {
  readonly drill: Drill;
  readonly topology: Topology;
  /** The facts of the scenario without faults; undefined: nothing is compared with it. */
  readonly healthy?: RunSeries | undefined;
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
  #hostFaults: HostFault[] = [];
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
    this.#method = new Agenda(drill.method, 0);
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
    this.#hostFaults = [];
    this.#begin(atPs);
    this.#checkDuring(atPs);
    this.#guard(atPs);
    if (this.#cut === undefined) this.#carryOut(this.#method, atPs, this.#log.activities);
    this.#endMethod(atPs);
    this.#carryOut(this.#rollbacks, atPs, this.#log.rollbacks);
    if (atPs >= this.#drill.stop.afterPs) this.#stopAt(atPs, "stop.after is reached");
    this.#nextPs = this.#stop === undefined ? this.#earliest() : NEVER_PS;
    const stop = this.#stop === undefined ? {} : { stop: this.#stop.reason };
    const hostFaults = this.#hostFaults.length === 0 ? {} : { hostFaults: this.#hostFaults };
    return { faults: this.#faults, heals: this.#heals, ...hostFaults, ...stop };
  }

  /** The drill's record; asks the hypothesis a last time. Call it once, after the last facts. */
  finish(end: RunEnd): DrillRecord {
    const log = this.#log;
    const endPs = this.#stop?.atPs ?? end.virtualTimePs;
    const isPlanned = isPlannedEnd(end, this.#stop !== undefined);
    const isDone = this.#cut === undefined && this.#method.isThrough;
    const isCut = this.#cut === "failed" || this.#cut === "aborted" || !isPlanned;
    if (!isCut && asksAfter(this.#drill.strategies.hypothesis)) this.#check("after", endPs, end);
    else if (this.#checkPs !== NEVER_PS && !isCut) this.#check("during", endPs, end);
    log.activities.push(...this.#method.missed(this.#cut === undefined ? "never-due" : "skipped"));
    this.#missRollbacks(endPs);
    const status = statusOf({ cut: this.#cut, isPlanned, deviated: this.#deviated, isDone });
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
    if (asksBefore(strategy) && !this.#check("before", atPs)) {
      this.#cut = "failed";
      this.#stopAt(atPs, "the hypothesis does not hold before the method");
      return;
    }
    this.#control("before", "method", atPs);
    const isWatched = asksDuring(strategy) && this.#drill.hypothesis !== undefined;
    if (isWatched) this.#checkPs = atPs + frequencyPs;
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
    const isRollback = agenda !== this.#method;
    for (let one = agenda.take(atPs); one !== undefined; one = agenda.take(atPs)) {
      if (!isRollback) this.#control("before", "activity", atPs);
      runs.push(this.#perform(one, atPs, isRollback));
      if (!isRollback) this.#control("after", "activity", atPs);
      if (isRollback && agenda.isThrough) this.#control("after", "rollback", atPs);
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
    const { text, ...done } = performAct(activity.act, atPs);
    const { fault, heals, host } = done;
    if (fault !== undefined) {
      this.#faults.push(fault);
      this.#log.faults.push(fault);
    }
    if (heals !== undefined) this.#heals.push({ fault: heals, atPs });
    if (host !== undefined) this.#hostFaults.push(host);
    this.#log.tell(atPs, isRollback ? "rollback" : "action", name, text);
    return { ...run, status: "succeeded", ...done };
  }

  /** When the method's clock has run out, or it was cut: are there rollbacks? */
  #endMethod(atPs: number): void {
    if (this.#isMethodOver) return;
    const isOver = this.#method.isThrough && atPs >= this.#method.clock.endPs;
    if (this.#cut === undefined && !isOver) return;
    // What came since the last check, and a method shorter than the frequency, is seen, too.
    const isSeen = this.#log.checks.at(-1)?.atPs === atPs;
    if (this.#checkPs !== NEVER_PS && this.#cut === undefined && !isSeen)
      this.#check("during", atPs);
    this.#isMethodOver = true;
    this.#checkPs = NEVER_PS;
    this.#control("after", "method", atPs);
    if (!this.#wantsRollbacks(atPs) || this.#drill.rollbacks.length === 0) return;
    this.#control("before", "rollback", atPs);
    this.#rollbacks = new Agenda(this.#drill.rollbacks, atPs);
  }

  /** Rollbacks that were wanted, and the run was over before they were due. */
  #missRollbacks(endPs: number): void {
    const { rollbacks, strategies } = this.#drill;
    let agenda = this.#rollbacks;
    if (agenda === undefined) {
      const isWanted = strategies.rollbacks !== "deviated" || this.#deviated;
      if (this.#isMethodOver || strategies.rollbacks === "never" || !isWanted) return;
      agenda = new Agenda(rollbacks, this.#method.clock.endPs);
    }
    for (const missed of agenda.missed("never-due")) {
      this.#log.rollbacks.push(missed);
      const due = `never came: due at ${formatTime(missed.duePs)}, the run was over before`;
      this.#log.tell(endPs, "rollback", missed.name, due);
    }
  }

  #wantsRollbacks(atPs: number): boolean {
    const { rollbacks } = this.#drill.strategies;
    if (rollbacks === "always" || rollbacks === "never") return rollbacks === "always";
    if (rollbacks === "default") return this.#cut !== "failed" && this.#cut !== "aborted";
    if (this.#deviated || this.#cut !== undefined) return this.#deviated;
    return !this.#check("method-end", atPs);
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
    const { isThrough, nextPs, clock } = this.#method;
    const methodPs = isThrough ? clock.endPs : nextPs;
    return Math.min(
      this.#drill.stop.afterPs,
      this.#checkPs,
      this.#guardPs,
      this.#isMethodOver ? NEVER_PS : methodPs,
      this.#rollbacks?.nextPs ?? NEVER_PS,
    );
  }
}
