/** Measures of the network's and the payloads' troubles: resends, failures, detours, bit flips. */
import { type Measure, numberOf, type Query, type Reading } from "./measure.ts";
import type { RunSeries } from "./run-series.ts";
import type { Counter } from "./series.ts";

/** Grows of a counter in the part of the run. */
const counter = (name: string, about: string, pick: (run: RunSeries) => Counter): Measure => ({
  name,
  unit: "",
  about,
  source: "count",
  known: "any time",
  arguments: [],
  read: ({ run, fromPs, toPs }) => ({ value: pick(run).between(fromPs, toPs) }),
});

/** Bytes that a plane carried, over those of all planes. */
function planeShare(query: Query): Reading {
  const { end } = query;
  if (end === undefined) return { why: "known when the run is over", isOpen: true };
  let all = 0;
  for (const [name, bytes] of Object.entries(end.fabric)) {
    if (/^networkBytes\.plane\d+$/.test(name)) all += bytes;
  }
  const plane = numberOf(query, "plane") ?? 0;
  if (all === 0) return { why: "the run has no bytes by plane", isOpen: false };
  return { value: (end.fabric[`networkBytes.plane${plane}`] ?? 0) / all };
}

/** See {@link MEASURES}. */
export const troubleMeasures: readonly Measure[] = [
  counter("timeouts", "ACK timeouts of queue pairs", (run) => run.timeouts),
  counter("retransmits", "packets that NICs sent again", (run) => run.retransmits),
  counter("qp_failures", "queue pairs that ran out of retries", (run) => run.queuePairFailures),
  counter("detours", "messages that went another way after theirs failed", (run) => run.detours),
  counter("reroutes", "changes of switches' routes", (run) => run.reroutes),
  counter("corrupted_unseen", "wrong results that nobody noticed", (run) => run.corruptedUnseen),
  counter("corrupted_caught", "token copies that a checksum refused", (run) => run.corruptedCaught),
  {
    name: "plane_share",
    unit: "share",
    about: "bytes that a network plane carried, over those of all planes",
    source: "count",
    known: "end",
    ignoresSpan: true,
    arguments: [
      { key: "plane", kind: "number", fallback: 0, least: 0, most: 71, about: "which; default: 0" },
    ],
    read: planeShare,
  },
  {
    name: "faults_in_force",
    unit: "",
    about: "faults that held at some time in the part of the run; what operators do is none",
    source: "count",
    known: "any time",
    arguments: [],
    read: ({ run, fromPs, toPs }) => ({ value: run.faults.during(fromPs, toPs).length }),
  },
];
