/**
 * A worker as the coordinator knows it: what it said in its last committed report, its report of
 * the open window, which does not count before the commit, and the frames on their way to it.
 */
import { violated } from "../base/assert.ts";
import { NEVER_PS } from "../model/time.ts";
import type { GroupStates, WindowReport } from "../model/window.ts";
import { FramesToWorker } from "./frames-to-worker.ts";
import { NO_GROUPS } from "./group-watch.ts";
import type { ReportedState } from "./outlook.ts";
import { checkReport, type ReportFrame } from "./report-rules.ts";

export class WorkerStanding implements ReportedState {
  nextPs = 0;
  faultPs = NEVER_PS;
  finishedGpus = 0;
  hungGpus = 0;
  groups: GroupStates = NO_GROUPS;
  /** When the bin in which it counts traffic ends; NEVER_PS: it has none. */
  trafficDuePs = NEVER_PS;
  /** It has said all bins that ended by then. */
  trafficSaidPs = 0;
  /** Events that it has handled. */
  events = 0;
  /** Instant of the last of them, ps. */
  lastEventPs = 0;
  /** Does it take part in the open window? Everybody does in the first one. */
  takesPart = true;
  report: WindowReport | undefined;
  readonly frames: FramesToWorker;

  /** `workers`: of the run. */
  constructor(workers: number) {
    this.frames = new FramesToWorker(workers);
  }

  get owesReport(): boolean {
    return this.takesPart && this.report === undefined;
  }

  /** Keeps its report of the open window. Throws, and then has not kept it. */
  accept(report: WindowReport, window: number, frame: ReportFrame): void {
    if (!this.owesReport || report.window !== window) {
      const what = `worker ${frame.worker}, window ${report.window}, now ${window}`;
      violated("one-report-a-window", what);
    }
    checkReport(report, this, frame);
    this.report = report;
  }

  /** The open window, which ends at `endPs`, is committed: all but the frames of the report. */
  settle(endPs: number): void {
    const { report } = this;
    this.takesPart = false;
    this.report = undefined;
    if (report === undefined) return;
    this.nextPs = report.nextEventPs;
    this.faultPs = report.nextFaultPs;
    this.events = report.events;
    this.lastEventPs = report.lastEventPs;
    this.finishedGpus = report.finishedGpus;
    this.hungGpus = report.hungGpus;
    this.groups = report.groups;
    this.trafficDuePs = report.trafficDuePs;
    this.trafficSaidPs = endPs;
  }
}
