/**
 * The two layers of faults in a report, each labelled: *emulated*, of the fleet, in virtual time;
 * and *host*, of the processes and connections of the run itself.
 */
import { hostFaultText } from "../model/host-fault.ts";
import { formatTime } from "../model/time.ts";
import type { DrillReport } from "./drill-report.ts";
import type { TextTable } from "./drill-tables.ts";
import { hostRunText } from "./story.ts";
import { listed } from "./words.ts";

/** Real faults for a terminal, with their virtual instants. */
export function hostFaultLines({ hostFaults = [] }: DrillReport): string[] {
  return hostFaults.map((run) => `host fault at ${formatTime(run.atPs)}: ${hostRunText(run)}`);
}

/** Every fault of both layers, in the order of virtual time. */
export function layersTable({ faults, hostFaults = [] }: DrillReport): TextTable {
  const causes = new Map(
    hostFaults.flatMap(({ fault, followedBy }) =>
      followedBy.map((name) => [name, fault.action] as const),
    ),
  );
  const emulated = faults.map(({ name, kind, targets, atPs }) => {
    const cause = causes.get(name);
    const what = `${kind} of ${listed(targets)}`;
    const why = cause === undefined ? "" : `, since '${cause}'`;
    return { atPs, row: ["emulated", name, formatTime(atPs), "", `${what}${why}`] };
  });
  const host = hostFaults.map((run) => ({
    atPs: run.atPs,
    row: [
      "host",
      run.fault.action,
      formatTime(run.atPs),
      `${run.wallSeconds.toFixed(2)} s`,
      `${hostFaultText(run.fault)}: ${run.done ? "" : "not carried out: "}${run.detail}`,
    ],
  }));
  const sorted = [...host, ...emulated].sort((left, right) => left.atPs - right.atPs);
  return {
    heads: ["layer", "fault", "virtual time", "wall time", "what"],
    rows: sorted.map(({ row }) => row),
  };
}
