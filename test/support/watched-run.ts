/** Runs that are watched for the tokens of one exchange, in the test's own process. */
import { makeDevice } from "../../actors/catalogue.ts";
import { makeCopiesIn } from "../../actors/gpu/copies-in.ts";
import { type LocalRunTotals, makeLocalRun } from "../../src/engine/local-run.ts";
import { RunView } from "../../src/explain/run-view.ts";
import { RunWatch } from "../../src/explain/run-watch.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { makeSchedule } from "../../src/workload/schedules.ts";

/** What is looked at; by default the first exchange of the run, of all ranks. */
export interface Wanted {
  readonly step?: number;
  readonly layer?: number;
  readonly chain?: number;
  /** Id of the home rank's GPU. */
  readonly home?: string;
  /** Stop at this instant, ps, whatever is not over. */
  readonly untilPs?: number;
  /** Run to the end, whatever is over. */
  readonly toTheEnd?: true;
}

export interface WatchedRun {
  readonly view: RunView;
  readonly totals: LocalRunTotals;
  readonly facts: readonly FactRecord[];
}

export function watchedRun(scenario: Scenario, wanted: Wanted = {}): WatchedRun {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const { layers } = scenario.workload;
  const first = scenario.model.first_k_dense_replace;
  const layer = wanted.layer ?? (layers.find((one) => one >= first) as number);
  const watch = new RunWatch({
    scenario,
    topology,
    schedule: makeSchedule(scenario),
    wanted: { step: wanted.step ?? 0, place: layers.indexOf(layer), chain: wanted.chain ?? 0 },
    copiesIn: makeCopiesIn(scenario),
    home: wanted.home === undefined ? undefined : topology.indexOf(wanted.home),
  });
  const facts: FactRecord[] = [];
  const run = makeLocalRun(scenario, {
    devices: watch.devices(makeDevice),
    placement: "single",
    watch: watch.lanes,
    committed: (window) => {
      facts.push(...window.facts);
      if (window.floorPs >= (wanted.untilPs ?? Number.POSITIVE_INFINITY)) return false;
      return wanted.toTheEnd === true || !watch.isOver;
    },
  });
  return { view: new RunView(watch), totals: run.run(), facts };
}
