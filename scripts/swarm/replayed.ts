/**
 * A run once more from its record alone: the scenario as a run folder has it, the orders as its
 * journal has them, both as text and read back by the readers of `faultplane replay`.
 */
import { checkOrders, makeHeader, parseJournal } from "../../cluster/journal.ts";
import { chainedText } from "../../cluster/journal-chain.ts";
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import { formatResolved, parseResolved } from "../../cluster/run-folder.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type RunByWire, runByWire } from "./by-wire.ts";

/** Runs a scenario as a replay does, with the orders that an earlier run was given. */
export function replayed(
  scenario: Scenario,
  orders: readonly JournalOrder[],
  hash: string,
  devices: DeviceFactory,
): RunByWire {
  const resolved = parseResolved(formatResolved({ scenario, scenarioHash: hash })).scenario;
  const journal = parseJournal(journalText(scenario, orders, hash));
  checkOrders(journal, resolved, makeFatTree(resolved.cluster, resolved.hardware));
  const director = makeJournalDirector(journal.orders);
  return runByWire(
    { ...resolved, faults: [...resolved.faults, ...faultsOf(journal.orders)] },
    { devices, placement: "single", ...(director !== undefined && { director }) },
  );
}

/** The journal of a run that was given `orders`. */
function journalText(scenario: Scenario, orders: readonly JournalOrder[], hash: string): string {
  const header = makeHeader({
    faultplane: "swarm",
    runId: scenario.title,
    seed: scenario.run.seed,
    scenarioHash: hash,
    node: "any",
    placement: scenario.run.placement,
    speed: "max",
  });
  return chainedText([header, ...orders]);
}
