/** What a whole run comes to: the summaries of its workers, added up. */
import type { AssignmentTotals, FaultTotals, WorkerSummary } from "../model/window.ts";
import type { ClosedSums } from "./run-sums.ts";

/** What a run comes to; of one that was cut short the last bin of traffic is a part of one. */
export interface RunTotals extends ClosedSums {
  readonly digest: string;
  readonly virtualTimePs: number;
  readonly events: number;
  readonly windows: number;
  readonly assignments: AssignmentTotals;
  readonly byFault: readonly FaultTotals[];
  readonly mismatches: number;
  /** Combines that a fault made differ from the oracle, unseen by the fleet. */
  readonly corrupted: number;
  readonly unexplained: number;
  readonly violations: readonly string[];
  readonly fabric: Readonly<Record<string, number>>;
  readonly faultsBegun: readonly string[];
}

/** The part of {@link RunTotals} that the summaries hold; `isOver` when nothing is under way. */
export function addSummaries(
  summaries: readonly WorkerSummary[],
  isOver: boolean,
): Omit<RunTotals, "digest" | "virtualTimePs" | "events" | "windows" | keyof ClosedSums> {
  const fabric: Record<string, number> = {};
  for (const summary of summaries) {
    for (const [name, value] of Object.entries(summary.fabric)) {
      fabric[name] = (fabric[name] ?? 0) + value;
    }
  }
  const sum = (pick: (totals: AssignmentTotals) => number): number =>
    summaries.reduce((total, summary) => total + pick(summary.assignments), 0);
  return {
    assignments: {
      dispatched: sum((totals) => totals.dispatched),
      combined: sum((totals) => totals.combined),
      masked: sum((totals) => totals.masked),
      lost: sum((totals) => totals.lost),
    },
    byFault: addByFault(summaries),
    mismatches: summaries.reduce((total, summary) => total + summary.mismatches, 0),
    corrupted: summaries.reduce((total, summary) => total + summary.corrupted, 0),
    unexplained: summaries.reduce((total, summary) => total + summary.unexplained, 0),
    violations: [
      ...summaries.flatMap((summary) => summary.violations),
      ...(isOver ? [...summaries.flatMap(({ leftovers }) => leftovers), ...lostBytes(fabric)] : []),
    ],
    fabric,
    faultsBegun: [...new Set(summaries.flatMap((summary) => summary.faultsBegun))],
  };
}

/** What was sent and has neither arrived nor been dropped, once nothing is under way any more. */
function lostBytes(fabric: Readonly<Record<string, number>>): string[] {
  const { sentBytes = 0, deliveredBytes = 0, droppedBytes = 0 } = fabric;
  if (sentBytes === deliveredBytes + droppedBytes) return [];
  return [`links: ${sentBytes} bytes sent, ${deliveredBytes} delivered, ${droppedBytes} dropped`];
}

function addByFault(
  summaries: readonly WorkerSummary[],
): { fault: string; masked: number; lost: number }[] {
  const totals = new Map<string, { fault: string; masked: number; lost: number }>();
  for (const summary of summaries) {
    for (const { fault, masked, lost } of summary.byFault) {
      const total = totals.get(fault) ?? { fault, masked: 0, lost: 0 };
      total.masked += masked;
      total.lost += lost;
      totals.set(fault, total);
    }
  }
  return [...totals.values()];
}
