/**
 * The report of a run that has none of its own, since it was cut off or is up: made of its event
 * log, as far as that goes. Nothing of it is judged, and nothing of the host is known.
 */
import type { Scenario } from "../src/model/scenario.ts";
import type { Journal } from "./journal.ts";
import { faultsOf } from "./journal-orders.ts";
import { makeReport, type RunReport } from "./report.ts";
import type { ReportFacts } from "./report-facts.ts";
import type { RunOutcome } from "./run-cluster.ts";

export interface CutReportInput {
  readonly scenario: Scenario;
  readonly journal: Journal;
  /** Has taken every fact of the event log. */
  readonly watch: ReportFacts;
  readonly runDir: string;
  /** Title of the drill or scenario. */
  readonly title: string;
  /** Why there is no report: a sentence. */
  readonly why: string;
}

/** The report; its verdict is INVALID. */
export function makeCutReport(input: CutReportInput): RunReport {
  const { scenario, journal, watch, title, why } = input;
  const { header, end, orders } = journal;
  const figures = watch.figures();
  const ordered = faultsOf(orders).filter(({ name }) => {
    return !scenario.faults.some((fault) => fault.name === name);
  });
  const { samples } = watch.forPage();
  const lastPs = Math.max(samples.endPs, journal.commit?.atPs ?? 0, end?.virtualTimePs ?? 0);
  const none = { dispatched: 0, combined: 0, masked: 0, lost: 0 };
  const outcome: RunOutcome = {
    // As when nobody is left to ask: the accounts are those of completed layers.
    end: "worker-lost",
    digest: end?.digest ?? journal.epochs.at(-1)?.digest ?? "none",
    virtualTimePs: lastPs,
    wallSeconds: 0,
    maxLagSeconds: 0,
    events: 0,
    windows: 0,
    processes: 0,
    peakRssBytes: 0,
    assignments: none,
    byFault: [],
    mismatches: 0,
    corrupted: 0,
    unexplained: 0,
    violations: [],
    faultsBegun: [],
    fabric: {},
    epochsClosed: [],
    traffic: [],
  };
  const report = makeReport({
    scenario: { ...scenario, faults: [...scenario.faults, ...ordered] },
    outcome,
    faultplane: header.faultplane,
    runId: header.runId,
    scenarioHash: header.scenarioHash,
    runDir: input.runDir,
    ...figures,
  });
  const wrong =
    report.mismatches === 0 ? [] : [`${report.mismatches} results differ from the oracle`];
  return {
    ...report,
    title,
    verdict: wrong.length > 0 ? "FAIL" : "INVALID",
    reasons: [...wrong, why],
    end: end?.end ?? "cut off",
    isCut: true,
  };
}
