/**
 * The report of a run: verdict, where every assignment ended, and what the host saw. The object is
 * what `--json` prints and report.json holds; report-text.ts says the same for people. Pure: it
 * reads no clock and writes nothing.
 */

import type { Verdict } from "../src/drill/drill.ts";
import { judgeRun } from "../src/drill/run-verdict.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { AssignmentTotals, FaultTotals } from "../src/model/window.ts";
import type { RunOutcome } from "./run-cluster.ts";
import {
  type Percentiles,
  type StepFigures,
  type StepWorkload,
  stepFigures,
  stepWorkload,
} from "./run-figures.ts";
import type { FaultStory, RunStory } from "./run-story.ts";

/** What `--json` prints. Durations in the unit that the name ends in. */
export interface RunReport {
  readonly format: "faultplane-report";
  readonly version: 1;
  readonly faultplane: string;
  readonly title: string;
  readonly runId: string;
  readonly verdict: Verdict;
  /** Why the verdict is not PASS; empty when it is. */
  readonly reasons: readonly string[];
  /** How the run ended: finished, interrupted, time-limit, worker-lost or stuck. */
  readonly end: string;
  readonly digest: string;
  readonly seed: string;
  readonly scenarioHash: string;
  readonly placement: string;
  readonly speed: number | "max";
  readonly assignments: AssignmentTotals;
  /**
   * Assignments that had not ended when the run did: 0 unless it was cut short. Missing when a
   * worker was lost, since nobody was left to ask.
   */
  readonly open?: number;
  /**
   * What `assignments` are of: the whole run (`final`), or, when a worker was lost and nobody could
   * be asked, the layers that ranks had completed by the last committed window.
   */
  readonly totals: "final" | "completed-layers";
  readonly byFault: readonly FaultTotals[];
  /** Combined results that differ from the oracle, and no fault explains it. */
  readonly mismatches: number;
  /**
   * Combined results that a fault corrupted and nobody noticed. A plain run may PASS with some: the
   * emulation is right, and says so. Drills judge them by their hypothesis.
   */
  readonly corrupted: number;
  /** Masked assignments that no fault explains; the run is INVALID then. */
  readonly unexplained: number;
  readonly violations: readonly string[];
  /** Packets that NICs sent again, by timeout or on a NAK. */
  readonly retransmittedPackets: number;
  readonly ranks: { readonly total: number; readonly finished: number };
  /** Over all layers and ranks: the middle and the longest time from start to end of a layer. */
  readonly layers: { readonly medianNs: number; readonly slowestNs: number };
  /** What a step is, for the figures of `steps`. */
  readonly workload: StepWorkload;
  /** Missing when no rank completed a step, and for phase all-to-all. */
  readonly steps?: StepFigures;
  /** Over ranks, layers, steps and chains; missing when none was completed. */
  readonly allToAll?: ExchangeFigures;
  readonly faults: readonly FaultReport[];
  /** Counters of the kernel, by their names there. */
  readonly fabric: Readonly<Record<string, number>>;
  /**
   * Bytes that NICs sent for one token and MoE layer, there and back: all of them (with headers of
   * acknowledgements and resends) over the tokens that the gates assigned. 8t against Mt is here.
   */
  readonly networkBytesPerToken?: number;
  readonly virtualTimeNs: number;
  /**
   * Virtual time of the run over its steps; missing unless the run finished, and for phase
   * all-to-all, whose exchanges wait for a common moment.
   */
  readonly stepTimeNs?: number;
  /** Tokens of the whole cluster per virtual second; missing where `stepTimeNs` is. */
  readonly tokensPerSecond?: number;
  readonly wallSeconds: number;
  /** Most that a paced run was late. */
  readonly lagSeconds: number;
  readonly events: number;
  readonly windows: number;
  readonly processes: number;
  /** Sum of every process's own peak. */
  readonly peakRssBytes: number;
  readonly runDir: string;
  /**
   * The run made no report: it was cut off, or is up. This one is made of its event log; nothing in
   * it is of the host.
   */
  readonly isCut?: true;
}

/** How long the all-to-alls took; no rank may have completed a combine. */
export interface ExchangeFigures {
  readonly dispatch: Percentiles;
  readonly combine?: Percentiles;
}

/** One fault, and when the fleet felt it; virtual time. */
export interface FaultReport {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atNs: number;
  /** When the scenario has it end. */
  readonly healAtNs?: number;
  readonly hasBegun: boolean;
  readonly healedAtNs?: number;
  /** It was ordered while the run was up. */
  readonly isOrdered: boolean;
  readonly firstTimeoutNs?: number;
  readonly firstMaskNs?: number;
}

/** What a report is made of. */
export interface ReportInput {
  readonly scenario: Scenario;
  readonly outcome: RunOutcome;
  readonly faultplane: string;
  readonly runId: string;
  readonly scenarioHash: string;
  readonly runDir: string;
  readonly retransmittedPackets: number;
  readonly story: RunStory;
  /** When the last rank finished, ps; without it the last event counts. */
  readonly finishedAtPs?: number;
}

/** Judges a run and gathers its figures. */
export function makeReport(input: ReportInput): RunReport {
  const { scenario, story } = input;
  const outcome = committedTotals(input.outcome, story);
  const { verdict, reasons } = judgeRun(scenario, outcome);
  const work = stepWorkload(scenario);
  const steps = stepFigures(story.steps, work);
  const spanPs = input.finishedAtPs ?? outcome.virtualTimePs;
  const isTimed = outcome.end === "finished" && spanPs > 0 && work.phase !== "all-to-all";
  return {
    format: "faultplane-report",
    version: 1,
    faultplane: input.faultplane,
    title: scenario.title,
    runId: input.runId,
    verdict,
    reasons,
    end: outcome.end,
    digest: outcome.digest,
    seed: scenario.run.seed,
    scenarioHash: input.scenarioHash,
    placement: scenario.run.placement,
    speed: scenario.run.speed,
    assignments: outcome.assignments,
    ...(outcome.end === "worker-lost" ? {} : { open: openOf(outcome.assignments) }),
    totals: outcome.end === "worker-lost" ? "completed-layers" : "final",
    byFault: outcome.byFault,
    mismatches: outcome.mismatches,
    corrupted: outcome.corrupted,
    unexplained: outcome.unexplained,
    violations: outcome.end === "finished" ? outcome.violations : [],
    retransmittedPackets: input.retransmittedPackets,
    ranks: { total: story.ranks, finished: story.ranksFinished },
    layers: {
      medianNs: story.medianLayerPs / 1e3,
      slowestNs: story.slowestLayerPs / 1e3,
    },
    workload: work,
    ...(steps === undefined ? {} : { steps }),
    ...(story.dispatch === undefined ? {} : { allToAll: exchangesOf(story.dispatch, story) }),
    faults: story.faults.map(faultReport),
    fabric: outcome.fabric,
    ...networkCost(scenario, outcome),
    virtualTimeNs: outcome.virtualTimePs / 1e3,
    ...(isTimed
      ? {
          stepTimeNs: spanPs / scenario.workload.steps / 1e3,
          tokensPerSecond: (story.tokensFinished * 1e12) / spanPs,
        }
      : {}),
    wallSeconds: outcome.wallSeconds,
    lagSeconds: outcome.maxLagSeconds,
    events: outcome.events,
    windows: outcome.windows,
    processes: outcome.processes,
    peakRssBytes: outcome.peakRssBytes,
    runDir: input.runDir,
  };
}

/**
 * The outcome; when a worker was lost, with the totals of the layers that ranks had completed by
 * the last committed window: nobody was left to ask for more.
 */
export function committedTotals(outcome: RunOutcome, story: RunStory): RunOutcome {
  if (outcome.end !== "worker-lost") return outcome;
  const { combined, masked, mismatches, corrupted } = story.completed;
  const assignments = { dispatched: combined + masked, combined, masked, lost: 0 };
  return { ...outcome, assignments, mismatches, corrupted };
}

/** Assignments that were dispatched and have not ended. */
function openOf({ dispatched, combined, masked, lost }: AssignmentTotals): number {
  return dispatched - combined - masked - lost;
}

function exchangesOf(dispatch: Percentiles, { combine }: RunStory): ExchangeFigures {
  return { dispatch, ...(combine === undefined ? {} : { combine }) };
}

function faultReport(story: FaultStory): FaultReport {
  const { fault, kind, targets, atPs, healAtPs, healedAtPs, hasBegun, isOrdered } = story;
  const { firstTimeoutPs, firstMaskPs } = story;
  return {
    ...{ fault, kind, targets, atNs: atPs / 1e3, hasBegun, isOrdered },
    ...(healedAtPs === undefined ? {} : { healedAtNs: healedAtPs / 1e3 }),
    ...(healAtPs === undefined ? {} : { healAtNs: healAtPs / 1e3 }),
    ...(firstTimeoutPs === undefined ? {} : { firstTimeoutNs: firstTimeoutPs / 1e3 }),
    ...(firstMaskPs === undefined ? {} : { firstMaskNs: firstMaskPs / 1e3 }),
  };
}

/** Network bytes of a token; nothing when no token was assigned, or the totals are not whole. */
function networkCost(
  { model }: Scenario,
  { assignments, fabric, end }: RunOutcome,
): Pick<RunReport, "networkBytesPerToken"> {
  const tokens = assignments.dispatched / model.num_experts_per_tok;
  const { networkBytes } = fabric;
  if (tokens === 0 || networkBytes === undefined || end !== "finished") return {};
  return { networkBytesPerToken: networkBytes / tokens };
}
