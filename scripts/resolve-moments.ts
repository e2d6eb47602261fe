/**
 * Puts instants in the place of moments (`at: {step: 0, layer: 12, phase: dispatch}`) by running
 * the scenario in this process as far as needed. The instants depend on the scenario and its seed
 * alone, never on the placement of the run to come.
 */
import { makeDevice } from "../actors/catalogue.ts";
import { OperatingError } from "../cluster/errors.ts";
import { makeLocalRun } from "../src/engine/local-run.ts";
import { type SettledMoment, settleMoments } from "../src/fault/moments.ts";
import type { FaultMoment } from "../src/model/fault.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { formatTime } from "../src/model/time.ts";
import { makeFatTree } from "../src/topology/fat-tree.ts";
import { Exit } from "./commands/exit-codes.ts";

/**
 * The scenario with instants only, and what became of each moment. Throws OperatingError E025 for a
 * moment that the run never reaches.
 */
export function withMoments(scenario: Scenario): {
  readonly scenario: Scenario;
  readonly moments: readonly SettledMoment[];
} {
  if (scenario.faults.every(({ moment }) => moment === undefined)) return { scenario, moments: [] };
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  const result = settleMoments(
    scenario,
    actors.map(({ id }) => id),
    (part, see) => {
      const run = { ...part.run, placement: "single" as const, logPackets: false };
      makeLocalRun(
        { ...part, run },
        { devices: makeDevice, committed: ({ facts }) => see(facts) },
      ).run();
    },
  );
  if (result.ok) return result;
  const [fault] = result.unreached;
  const what = fault.moment === undefined ? "" : momentText(fault.moment);
  throw new OperatingError(
    "E025",
    `fault ${fault.name} at ${what}, which the run never reaches`,
    "its rank may be masked or dead by then, or the run over; name another rank, step or layer",
    Exit.configuration,
  );
}

/** `f1 begins at 6.123 ms: 50 % into dispatch of layer 12, step 0, of node2.gpu3`. */
export function settledText({ fault, moment, atPs }: SettledMoment): string {
  return `${fault} begins at ${formatTime(atPs)}: ${momentText(moment)}`;
}

function momentText({ step, layer, phase, fractionPerMillion, rank, chain }: FaultMoment): string {
  const share = fractionPerMillion / 1e4;
  const tokens = chain === undefined ? "" : `, ${chain}`;
  const whose = rank === undefined ? "the first rank there" : rank;
  return `${share} % into ${phase} of layer ${layer}, step ${step}${tokens}, of ${whose}`;
}
