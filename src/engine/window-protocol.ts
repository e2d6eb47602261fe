/**
 * The coordinator's side of virtual time, as a state machine without I/O. It grants windows
 * [LBTS, LBTS + lookahead), where LBTS is the lower bound on the time stamp of anything that can
 * still happen, and commits a window when every worker that took part has reported it. Workers with
 * nothing to do before a window's end are left out of it: their state cannot change. Until the
 * commit reports are only kept: what a worker did in the open window goes with it when it is lost
 * (decision 0027).
 */
import { violated } from "../base/assert.ts";
import { compareFacts, type FactRecord } from "../model/fact.ts";
import { NEVER_PS, PS_PER_MS } from "../model/time.ts";
import {
  type Grant,
  NO_CHANGES,
  type Resumption,
  type RunChanges,
  type WindowReport,
  type WorkerSummary,
} from "../model/window.ts";
import { TRAFFIC_BIN_PS } from "./lane-traffic.ts";
import { LearntChanges } from "./learnt-changes.ts";
import { isRunOver, type Outlook, outlookOf } from "./outlook.ts";
import { checkSummary, type ReportFrame } from "./report-rules.ts";
import { type ClosedSums, RunSums } from "./run-sums.ts";
import { addSummaries, type RunTotals } from "./run-totals.ts";
import { WorkerStanding } from "./worker-standing.ts";

/**
 * Bytes of frames that wait straight at a worker from which on it takes part in the next window,
 * whether it has anything to do or not, so that it reads them (decision 0027).
 */
const CREDIT_BYTES = 4 * 1024 * 1024;

export interface WindowProtocolOptions {
  readonly workers: number;
  /** Smallest latency of any lane between two workers; NEVER_PS for one worker. */
  readonly lookaheadPs: number;
  /** GPUs of the whole run. */
  readonly gpus: number;
  readonly timeLimitPs: number;
  /** By actor: its worker; undefined: facts are taken from anybody. */
  readonly workerOf?: Int32Array;
  /** Longest window, so that a run in one process can be watched and stopped. Default 1 ms. */
  readonly sliceMaxPs?: number;
  /** Length of the bins in which traffic is counted, ps. */
  readonly trafficEveryPs?: number;
  /** Default {@link CREDIT_BYTES}; tests have links fill up sooner. */
  readonly creditBytes?: number;
}

export interface CommittedWindow extends ClosedSums {
  readonly window: number;
  /** The window's facts in the order of the log. */
  readonly facts: readonly FactRecord[];
  /** Nothing can happen before this instant any more (NEVER_PS: nothing can happen at all). */
  readonly floorPs: number;
  /** Events handled since the run began. */
  readonly events: number;
}

export type NextStep =
  | {
      readonly type: "grants";
      readonly startPs: number;
      readonly endPs: number;
      readonly grants: readonly { readonly worker: number; readonly grant: Grant }[];
    }
  /** Everything before the stop has happened: `next` is to be called again. */
  | { readonly type: "stop-reached"; readonly atPs: number }
  | { readonly type: "finished"; readonly virtualTimePs: number }
  | { readonly type: "time-limit"; readonly virtualTimePs: number }
  /** No event is left and some GPUs have not finished: a bug in an actor. */
  | { readonly type: "stuck"; readonly virtualTimePs: number; readonly unfinished: number };

export class WindowProtocol {
  readonly #options: WindowProtocolOptions;
  readonly #workers: WorkerStanding[];
  readonly #sums: RunSums;
  readonly #changes = new LearntChanges();
  #window = 0;
  /** Has the current window been granted and not been committed? */
  #isOpen = true;
  /** Everything before has happened and is committed; -1 before window 0 is. */
  #committedPs = -1;
  /** End of the current window. */
  #endPs = 0;
  #awaited: number;

  constructor(options: WindowProtocolOptions) {
    this.#options = options;
    const { workers } = options;
    this.#sums = new RunSums(options.trafficEveryPs ?? TRAFFIC_BIN_PS);
    this.#awaited = workers;
    this.#workers = Array.from({ length: workers }, () => new WorkerStanding(workers));
  }

  /** Windows granted so far. */
  get windows(): number {
    return this.#window;
  }

  /** Workers that take part in the current window and have not reported it. */
  get awaited(): number[] {
    return this.#workers.flatMap(({ owesReport }, worker) => (owesReport ? [worker] : []));
  }

  /** Every worker that takes part in the current window has reported it. */
  get complete(): boolean {
    return this.#awaited === 0;
  }

  /**
   * Takes a worker's report on the current window, which counts when that is committed. Throws the
   * InvariantError of the rule that it breaks; then nothing has changed.
   */
  accept(worker: number, report: WindowReport): void {
    const state = this.#workers[worker];
    if (state === undefined) violated("one-report-a-window", `there is no worker ${worker}`);
    state.accept(report, this.#window, this.#frameOf(worker));
    this.#awaited -= 1;
  }

  /** Throws the InvariantError of the rule that a worker's totals break. */
  judge(worker: number, summary: WorkerSummary): void {
    checkSummary(summary, this.#frameOf(worker));
  }

  /** Commits the current window: what it did is final. The caller writes it down before `next`. */
  commit(): CommittedWindow {
    if (!this.complete) violated("commit-when-complete", `window ${this.#window}`);
    const facts: FactRecord[] = [];
    const reports = this.#workers.map(({ report }) => report);
    for (const state of this.#workers) state.settle(this.#endPs);
    for (const [worker, report] of reports.entries()) {
      if (report === undefined) continue;
      for (const frame of report.sent) {
        const to = this.#workers[frame.peer];
        to.frames.add(worker, frame);
        if (frame.earliestPs < to.nextPs) to.nextPs = frame.earliestPs;
      }
      for (const fact of report.facts) facts.push(fact);
      this.#sums.add(report);
    }
    if (facts.length > 1) facts.sort(compareFacts);
    this.#changes.commit();
    this.#isOpen = false;
    this.#committedPs = this.#endPs;
    let floorPs = NEVER_PS;
    let events = 0;
    for (const state of this.#workers) {
      floorPs = Math.min(floorPs, state.nextPs, state.faultPs);
      events += state.events;
    }
    // An order may still take effect right after the window: its epoch stays open.
    const sums = this.#sums.closeUntil(this.#endPs, floorPs < NEVER_PS);
    return { window: this.#window, facts, floorPs, events, ...sums };
  }

  /** When the next thing happens that is known of; NEVER_PS: the run is over, or stuck. */
  get outlookPs(): number {
    const ahead = outlookOf(this.#workers, this.#options.gpus);
    return this.#isOver(ahead, ahead.faultPs) ? NEVER_PS : Math.min(ahead.eventPs, ahead.faultPs);
  }

  /**
   * The earliest instant at which a change can still take effect: the end of the open window, since
   * others may have run it without knowing. The actors of a worker that is lost now are lost then.
   */
  get floorPs(): number {
    return this.#endPs;
  }

  /**
   * A worker is gone, and with it what it did in the open window: if that has a part for it, its
   * report is awaited again. Returns where its replacement takes its place. All frames between it
   * and the others up to there are settled by the replacement and by what it hands over, so no
   * grant names them any more. No window may be committed before everybody has taken that over.
   */
  lose(worker: number): Resumption {
    const state = this.#workers[worker];
    if (state.report !== undefined) {
      state.report = undefined;
      this.#awaited += 1;
    }
    const frames = this.#workers.map((other, peer) => ({
      peer,
      sent: other.frames.countOf(worker),
      received: state.frames.countOf(peer),
    }));
    state.frames.forgetAll();
    for (const other of this.#workers) other.frames.forget(worker);
    return {
      atPs: this.#committedPs,
      window: this.#isOpen ? this.#window - 1 : this.#window,
      ...this.#changes.committed,
      trafficSaidPs: state.trafficSaidPs,
      frames: frames.filter(({ peer }) => peer !== worker),
    };
  }

  /**
   * The open window's grant for the replacement of a worker: it names no frames. Undefined when it
   * has no part in it, between windows, and in window 0, which begins without a grant.
   */
  grantOf(worker: number): Grant | undefined {
    if (!this.#isOpen || this.#window === 0 || !this.#workers[worker].takesPart) return undefined;
    return { window: this.#window, endPs: this.#endPs, frames: [], ...this.#changes.granted };
  }

  /**
   * Decides what comes after a committed window. `changes` are new ones, none before `floorPs`. No
   * window crosses `stopPs`: when nothing before it is left, the step is `stop-reached`, and who
   * wanted to look there says in another call what is to change from there on, and when to stop
   * next. A run that is over before does not wait for it, but ranks that may come back do.
   */
  next(changes: RunChanges = NO_CHANGES, stopPs = NEVER_PS): NextStep {
    const learntPs = this.#changes.learn(changes, this.#endPs);
    const ahead = outlookOf(this.#workers, this.#options.gpus, this.#changes.hasFaults);
    const { eventPs, unfinished } = ahead;
    const faultPs = Math.min(learntPs, ahead.faultPs);
    const { virtualTimePs } = this;
    const changePs = Math.min(faultPs, stopPs);
    if (this.#isOver(ahead, changePs)) return { type: "finished", virtualTimePs };
    const nextPs = Math.min(eventPs, changePs);
    if (nextPs === NEVER_PS) return { type: "stuck", virtualTimePs, unfinished };
    const startPs = Math.max(nextPs, this.#endPs);
    if (startPs >= this.#options.timeLimitPs) return { type: "time-limit", virtualTimePs };
    if (startPs >= stopPs) {
      if (stopPs < this.#endPs) violated("stop-in-the-past", `${stopPs} ps, now ${this.#endPs}`);
      this.#endPs = stopPs;
      this.#committedPs = stopPs;
      return { type: "stop-reached", atPs: stopPs };
    }
    const endPs = Math.min(this.#spanEnd(startPs, faultPs), this.#options.timeLimitPs, stopPs);
    return { type: "grants", startPs, endPs, grants: this.#grant(endPs) };
  }

  #frameOf(worker: number): ReportFrame {
    const { workers, workerOf } = this.#options;
    const fromPs = Math.max(0, this.#committedPs);
    return { worker, workers, workerOf, fromPs, endPs: this.#endPs };
  }

  #isOver(ahead: Outlook, changePs: number): boolean {
    const { timeLimitPs } = this.#options;
    return isRunOver(this.#workers, ahead, { changePs, timeLimitPs });
  }

  /**
   * A fault never lies inside a window: it starts one of its own. Otherwise a run that is over just
   * before a fault would see it in long windows and not in short ones.
   */
  #spanEnd(startPs: number, faultPs: number): number {
    if (faultPs <= startPs) return startPs + 1;
    const span = Math.min(this.#options.lookaheadPs, this.#options.sliceMaxPs ?? PS_PER_MS);
    return Math.min(startPs + span, faultPs);
  }

  /** Instant of the last event handled anywhere. */
  get virtualTimePs(): number {
    return this.#workers.reduce((last, { lastEventPs }) => Math.max(last, lastEventPs), 0);
  }

  /** Adds up the workers' summaries and closes the digest. */
  finish(summaries: readonly WorkerSummary[]): RunTotals {
    for (const summary of summaries) this.#sums.add(summary);
    const closed = this.#sums.closeUntil(NEVER_PS, true);
    return {
      ...addSummaries(
        summaries,
        this.#workers.every((state) => state.nextPs === NEVER_PS),
      ),
      digest: this.#sums.digest,
      virtualTimePs: this.virtualTimePs,
      events: this.#workers.reduce((total, state) => total + state.events, 0),
      windows: this.#window,
      ...closed,
    };
  }

  #grant(endPs: number): { worker: number; grant: Grant }[] {
    this.#window += 1;
    this.#endPs = endPs;
    this.#isOpen = true;
    this.#changes.grant();
    const { faults, heals } = this.#changes.granted;
    const { creditBytes = CREDIT_BYTES } = this.#options;
    const isNews = this.#changes.granted !== NO_CHANGES;
    const grants: { worker: number; grant: Grant }[] = [];
    for (const [worker, state] of this.#workers.entries()) {
      const isDue = state.nextPs < endPs || state.faultPs < endPs || state.trafficDuePs <= endPs;
      if (!isDue && !isNews && state.frames.straightBytes <= creditBytes) continue;
      state.takesPart = true;
      const frames = state.frames.name();
      grants.push({ worker, grant: { window: this.#window, endPs, frames, faults, heals } });
    }
    this.#awaited = grants.length;
    return grants;
  }
}
