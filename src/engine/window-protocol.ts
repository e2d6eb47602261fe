/**
 * The coordinator's side of virtual time, as a state machine without I/O. It grants windows
 * [LBTS, LBTS + lookahead), where LBTS is the lower bound on the time stamp of anything that can
 * still happen, and commits a window when every worker that took part has reported it. Workers with
 * nothing to do before a window's end are left out of it: their state cannot change.
 */
import { violated } from "../base/assert.ts";
import { compareFacts, type FactRecord } from "../model/fact.ts";
import { NEVER_PS, PS_PER_MS } from "../model/time.ts";
import {
  type Grant,
  type GroupStates,
  NO_CHANGES,
  type RunChanges,
  type WindowReport,
  type WorkerSummary,
} from "../model/window.ts";
import { EPOCH_PS } from "./actor-digest.ts";
import { type ClosedEpoch, DigestChain } from "./digest-chain.ts";
import { NO_GROUPS } from "./group-watch.ts";
import { isRunOver, type Outlook, outlookOf, type ReportedState } from "./outlook.ts";
import { addSummaries, type RunTotals } from "./run-totals.ts";

export interface WindowProtocolOptions {
  readonly workers: number;
  /** Smallest latency of any lane between two workers; NEVER_PS for one worker. */
  readonly lookaheadPs: number;
  /** GPUs of the whole run. */
  readonly gpus: number;
  readonly timeLimitPs: number;
  /** Longest window, so that a run in one process can be watched and stopped. Default 1 ms. */
  readonly sliceMaxPs?: number;
}

export interface CommittedWindow {
  readonly window: number;
  /** The window's facts in the order of the log. */
  readonly facts: readonly FactRecord[];
  /** Nothing can happen before this instant any more (NEVER_PS: nothing can happen at all). */
  readonly floorPs: number;
  /** Events handled since the run began. */
  readonly events: number;
  readonly epochsClosed: readonly ClosedEpoch[];
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

interface WorkerState extends ReportedState {
  reported: boolean;
  nextPs: number;
  faultPs: number;
  events: number;
  finishedGpus: number;
  groups: GroupStates;
  /** Data frames sent to it so far, by sender. */
  readonly framesTo: Int32Array;
  /** Senders of frames that no grant has named yet; by sender, what reports carried. */
  readonly unnamed: number[];
  readonly carried: (Uint8Array[] | undefined)[];
}

export class WindowProtocol {
  readonly #options: WindowProtocolOptions;
  readonly #workers: WorkerState[];
  readonly #chain = new DigestChain();
  #facts: FactRecord[] = [];
  #inFlight: { to: number; earliestPs: number }[] = [];
  #window = 0;
  #endPs = 0;
  #lastEventPs = 0;
  #awaited: number;
  /** Learnt, and not yet granted. */
  #changes: RunChanges = NO_CHANGES;

  constructor(options: WindowProtocolOptions) {
    this.#options = options;
    this.#awaited = options.workers;
    this.#workers = Array.from({ length: options.workers }, () => ({
      reported: false,
      nextPs: 0,
      faultPs: NEVER_PS,
      events: 0,
      finishedGpus: 0,
      groups: NO_GROUPS,
      framesTo: new Int32Array(options.workers),
      unnamed: [],
      carried: [],
    }));
  }

  /** Windows granted so far. */
  get windows(): number {
    return this.#window;
  }

  /** Every worker that takes part in the current window has reported it. */
  get complete(): boolean {
    return this.#awaited === 0;
  }

  /** Takes a worker's report on the current window. */
  accept(worker: number, report: WindowReport): void {
    const state = this.#workers[worker];
    if (state === undefined || state.reported || report.window !== this.#window) {
      violated(
        "one-report-a-window",
        `worker ${worker}, window ${report.window}, now ${this.#window}`,
      );
    }
    if (report.nextEventPs < this.#endPs || report.events < state.events) {
      violated(
        "window-run-whole",
        `worker ${worker} has an event at ${report.nextEventPs} ps left`,
      );
    }
    state.reported = true;
    state.nextPs = report.nextEventPs;
    state.faultPs = report.nextFaultPs;
    state.events = report.events;
    if (report.lastEventPs > this.#lastEventPs) this.#lastEventPs = report.lastEventPs;
    state.finishedGpus = report.finishedGpus;
    state.groups = report.groups;
    for (const { peer, earliestPs, carried } of report.sent) {
      if (earliestPs < this.#endPs) {
        violated(
          "lookahead",
          `worker ${worker} sent ${earliestPs} ps in a window to ${this.#endPs} ps`,
        );
      }
      const to = this.#workers[peer];
      to.framesTo[worker] += 1;
      if (to.carried[worker] === undefined) {
        to.carried[worker] = [];
        to.unnamed.push(worker);
      }
      if (carried !== null) to.carried[worker].push(carried);
      this.#inFlight.push({ to: peer, earliestPs });
    }
    for (const fact of report.facts) this.#facts.push(fact);
    if (report.epochs.length > 0) this.#chain.add(report.epochs);
    this.#awaited -= 1;
  }

  /** Commits the current window: what it did is final. The caller writes it down before `next`. */
  commit(): CommittedWindow {
    if (!this.complete) violated("commit-when-complete", `window ${this.#window}`);
    for (const { to, earliestPs } of this.#inFlight) {
      const state = this.#workers[to];
      if (earliestPs < state.nextPs) state.nextPs = earliestPs;
    }
    this.#inFlight.length = 0;
    const facts = this.#facts;
    if (facts.length > 1) facts.sort(compareFacts);
    this.#facts = [];
    let floorPs = NEVER_PS;
    let events = 0;
    for (const state of this.#workers) {
      floorPs = Math.min(floorPs, state.nextPs, state.faultPs);
      events += state.events;
    }
    // An order may still take effect right after the window: its epoch stays open.
    const isOpen = floorPs < NEVER_PS;
    const epochsClosed = isOpen ? this.#chain.closeBefore(Math.floor(this.#endPs / EPOCH_PS)) : [];
    return { window: this.#window, facts, floorPs, events, epochsClosed };
  }

  /** When the next thing happens that is known of; NEVER_PS: the run is over, or stuck. */
  get outlookPs(): number {
    const ahead = outlookOf(this.#workers, this.#options.gpus);
    const { eventPs, faultPs } = ahead;
    return this.#isOver(ahead, faultPs) ? NEVER_PS : Math.min(eventPs, faultPs);
  }

  /** The earliest instant at which a change can still take effect. */
  get floorPs(): number {
    return this.#endPs;
  }

  /**
   * Decides what comes after a committed window. `changes` are new ones, none before `floorPs`. No
   * window crosses `stopPs`: when nothing before it is left, the step is `stop-reached`, and who
   * wanted to look there says in another call what is to change from there on, and when to stop
   * next. A run that is over before does not wait for it, but ranks that may come back do.
   */
  next(changes: RunChanges = NO_CHANGES, stopPs = NEVER_PS): NextStep {
    const learntPs = this.#learn(changes);
    const ahead = outlookOf(this.#workers, this.#options.gpus);
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
      return { type: "stop-reached", atPs: stopPs };
    }
    const endPs = Math.min(this.#spanEnd(startPs, faultPs), this.#options.timeLimitPs, stopPs);
    return { type: "grants", startPs, endPs, grants: this.#grant(endPs) };
  }

  #isOver(ahead: Outlook, changePs: number): boolean {
    const { timeLimitPs } = this.#options;
    return isRunOver(this.#workers, ahead, { changePs, timeLimitPs });
  }

  /** Keeps changes for the next grants; returns the first instant of all that are kept. */
  #learn({ faults, heals }: RunChanges): number {
    const kept = this.#changes;
    if (faults.length > 0 || heals.length > 0) {
      this.#changes = { faults: [...kept.faults, ...faults], heals: [...kept.heals, ...heals] };
    }
    let firstPs = NEVER_PS;
    for (const { atPs } of [...this.#changes.faults, ...this.#changes.heals]) {
      if (atPs < this.#endPs) violated("change-in-the-past", `${atPs} ps, now ${this.#endPs} ps`);
      firstPs = Math.min(firstPs, atPs);
    }
    return firstPs;
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
    return this.#lastEventPs;
  }

  /** Adds up the workers' summaries and closes the digest. */
  finish(summaries: readonly WorkerSummary[]): RunTotals {
    for (const summary of summaries) this.#chain.add(summary.epochs);
    const epochsClosed = this.#chain.closeBefore(NEVER_PS);
    return {
      ...addSummaries(
        summaries,
        this.#workers.every((state) => state.nextPs === NEVER_PS),
      ),
      digest: this.#chain.digest,
      virtualTimePs: this.virtualTimePs,
      events: this.#workers.reduce((total, state) => total + state.events, 0),
      windows: this.#window,
      epochsClosed,
    };
  }

  #grant(endPs: number): { worker: number; grant: Grant }[] {
    this.#window += 1;
    this.#endPs = endPs;
    const { faults, heals } = this.#changes;
    const isNews = this.#changes !== NO_CHANGES;
    this.#changes = NO_CHANGES;
    const grants: { worker: number; grant: Grant }[] = [];
    for (let worker = 0; worker < this.#workers.length; worker += 1) {
      const state = this.#workers[worker];
      const isIdle = state.nextPs >= endPs && state.faultPs >= endPs && !isNews;
      if (isIdle) continue;
      state.reported = false;
      const frames = framesFor(state);
      grants.push({ worker, grant: { window: this.#window, endPs, frames, faults, heals } });
    }
    this.#awaited = grants.length;
    return grants;
  }
}

/** Names the frames that a worker has not been told of; hands over those that reports carried. */
function framesFor(state: WorkerState): Grant["frames"] {
  const frames = state.unnamed.map((peer) => ({
    peer,
    count: state.framesTo[peer],
    carried: state.carried[peer] as Uint8Array[],
  }));
  for (const peer of state.unnamed) state.carried[peer] = undefined;
  state.unnamed.length = 0;
  return frames;
}
