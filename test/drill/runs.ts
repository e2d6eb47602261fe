/** Runs of small scenarios with their traces, as a drill makes them: twin, chain and run. */

import { type Attribution, attribute, linksOf } from "../../src/drill/attribution.ts";
import { type RunTrace, TraceRecorder } from "../../src/drill/trace.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import {
  type InMemoryOptions,
  type InMemoryResult,
  runInMemory,
} from "../support/in-memory-run.ts";

/** A run and its trace. */
export interface Traced {
  readonly result: InMemoryResult;
  readonly trace: RunTrace;
}

/** Runs a scenario and traces it. */
export function traced(scenario: Scenario, options: InMemoryOptions = {}): Traced {
  const recorder = new TraceRecorder(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  const result = runInMemory(scenario, options);
  recorder.take(result.facts);
  return { result, trace: recorder.trace() };
}

/** Runs a scenario, its healthy twin and all that lies between, and attributes. */
export function attributed(scenario: Scenario): {
  readonly run: Traced;
  readonly twin: Traced;
  readonly attribution: Attribution;
} {
  const links = linksOf(scenario.faults);
  const upTo = (count: number): FaultSpec[] => links.slice(0, count).flat();
  const runs = [0, ...links.map((_, link) => link + 1)].map((count) =>
    traced({ ...scenario, faults: upTo(count) }),
  );
  const twin = runs[0];
  const run = runs[runs.length - 1];
  const attribution = attribute({
    links,
    chain: runs.map(({ trace }) => trace),
    assignments: run.result.assignments,
    twinAssignments: twin.result.assignments,
    byFault: run.result.byFault,
  });
  return { run, twin, attribution };
}
