/**
 * What a worker's report must be, beside its form: about the open window, about its own actors, and
 * in keeping with what it said before. Only looks: a worker whose report breaks a rule is replaced,
 * and nothing may have come of the report by then.
 */
import { violated } from "../base/assert.ts";
import type { WindowReport, WorkerSummary } from "../model/window.ts";
import { EPOCH_PS } from "./actor-digest.ts";

/** The window that a report is about, and whose it is. */
export interface ReportFrame {
  readonly worker: number;
  /** Workers of the run. */
  readonly workers: number;
  /** By actor: its worker; undefined: nobody asks. */
  readonly workerOf: Int32Array | undefined;
  /** Everything before is committed. */
  readonly fromPs: number;
  readonly endPs: number;
}

/** What the worker said in its last committed report. */
interface Before {
  readonly events: number;
  readonly lastEventPs: number;
}

/** Throws the InvariantError that says which rule a report breaks. */
export function checkReport(report: WindowReport, before: Before, frame: ReportFrame): void {
  const { worker, endPs } = frame;
  const { nextEventPs, nextFaultPs, events, lastEventPs } = report;
  if (nextEventPs < endPs || nextFaultPs < endPs) {
    const what = `an event at ${nextEventPs} ps and a fault at ${nextFaultPs} ps`;
    violated("window-run-whole", `worker ${worker} has ${what} left, the window ends at ${endPs}`);
  }
  const isBack = events < before.events || lastEventPs < before.lastEventPs;
  if (isBack || (lastEventPs >= endPs && lastEventPs !== before.lastEventPs)) {
    const what = `event ${events} at ${lastEventPs} ps`;
    const last = `${before.events} at ${before.lastEventPs} ps`;
    violated("events-go-forward", `worker ${worker} is at ${what} after ${last}, end ${endPs} ps`);
  }
  if (report.hungGpus > report.finishedGpus) {
    const what = `${report.hungGpus} of ${report.finishedGpus} finished GPUs hang`;
    violated("hung-are-finished", `worker ${worker} says that ${what}`);
  }
  checkSent(report.sent, frame);
  checkFacts(report.facts, frame);
  checkEpochs(report.epochs, frame);
  checkTraffic(report, frame);
}

/** Likewise for a worker's totals, after the last window. */
export function checkSummary(summary: WorkerSummary, frame: ReportFrame): void {
  checkEpochs(summary.epochs, frame);
}

function checkSent(sent: WindowReport["sent"], { worker, workers, endPs }: ReportFrame): void {
  for (let place = 0; place < sent.length; place += 1) {
    const { peer, earliestPs } = sent[place];
    if (earliestPs < endPs) {
      const what = `worker ${worker} sent ${earliestPs} ps in a window to ${endPs} ps`;
      violated("lookahead", what);
    }
    const isPeer = peer < workers && peer !== worker;
    let earlier = place - 1;
    while (earlier >= 0 && sent[earlier].peer !== peer) earlier -= 1;
    if (isPeer && earlier < 0) continue;
    violated("one-frame-a-peer", `worker ${worker} sent worker ${peer} a frame`);
  }
}

function checkFacts(facts: WindowReport["facts"], frame: ReportFrame): void {
  const { worker, workerOf, fromPs, endPs } = frame;
  for (const { actor, atPs } of facts) {
    if (workerOf !== undefined && workerOf[actor] !== worker) {
      violated("facts-of-its-own", `worker ${worker} has a fact of actor ${actor}`);
    }
    // In window 0 actors take their first step, at 0.
    if (atPs >= fromPs && (atPs < endPs || (atPs === 0 && endPs === 0))) continue;
    const window = `${fromPs} to ${endPs} ps`;
    violated("facts-of-the-window", `worker ${worker} has a fact at ${atPs} ps, not ${window}`);
  }
}

function checkTraffic({ traffic, trafficDuePs }: WindowReport, frame: ReportFrame): void {
  const { worker, endPs } = frame;
  const isWhole = traffic.every(({ lanes, bytes }) => lanes.length === bytes.length);
  if (isWhole && trafficDuePs > endPs) return;
  violated("traffic-of-whole-bins", `worker ${worker} counts traffic until ${trafficDuePs} ps`);
}

function checkEpochs(epochs: WindowReport["epochs"], { worker, fromPs, endPs }: ReportFrame): void {
  for (const { epoch } of epochs) {
    if (epoch >= Math.floor(fromPs / EPOCH_PS) && epoch <= Math.floor(endPs / EPOCH_PS)) continue;
    violated("epoch-is-open", `worker ${worker} has a part of epoch ${epoch}, end ${endPs} ps`);
  }
}
