/**
 * `faultplane logs`: what happened in a run that is up or over, through a filter. From options to a
 * reading; what is read and printed is in log-reading.ts and log-printer.ts.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readControl } from "../../cluster/control-file.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { fleetPlanOf } from "../../cluster/fleet-plan.ts";
import { faultsOf } from "../../cluster/journal-orders.ts";
import { RunFile, readResolved } from "../../cluster/run-folder.ts";
import { readOrders } from "../../cluster/run-log.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { EventFilter } from "../../src/observe/event-filter.ts";
import { unknownName } from "../../src/observe/filter-names.ts";
import type { EventFilterSpec } from "../../src/observe/filter-terms.ts";
import type { FleetPlan } from "../../src/observe/layer-progress.ts";
import type { Detail } from "../../src/observe/live-log.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { findRecord, tellFolder } from "./find-run.ts";
import { filterOf, type LogsOptions } from "./log-options.ts";
import { LogOutput } from "./log-output.ts";
import { emptyNote, JsonPrinter, TextPrinter } from "./log-printer.ts";
import { expectFaults, hasBegun, isUp, readLog } from "./log-reading.ts";
import { usageError } from "./option-values.ts";
import { StopSignals } from "./signals.ts";

/**
 * Prints the log of a run; returns the exit code. Throws OperatingError E001 (no such run), E040 to
 * E042 (wrong options), E050 and E051 (damaged files), E065 (which run?).
 */
export async function logsCommand(
  given: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const { json, each, verbose } = options;
  if (json === true && (each ?? verbose) === true) {
    const flag = each === true ? "--each" : "--verbose";
    throw usageError("E040", `${flag} is for text; --json prints every line that passes`);
  }
  const spec = filterOf(options);
  const folder = findRecord(given);
  const signals = new StopSignals(() => {});
  const terminal = new Terminal(options.color);
  try {
    const wasUp = isUp(folder);
    if (wasUp) await hasBegun(folder, signals.signal);
    if (!existsSync(join(folder, RunFile.events))) throw noLog(folder);
    const isBlind = wasUp && readControl(folder)?.isBlind === true;
    const { scenario } = readResolved(folder);
    const plan = checkedPlan(folder, scenario, spec, wasUp);
    const filter = new EventFilter(spec, scenario.cluster);
    if (!isBlind) expectFaults(filter, folder, scenario);
    tellFolder(terminal, given, folder);
    const follows = wasUp && options.follow;
    const text = new TextPrinter(plan, filter, detailOf(options), terminal);
    const isTerminal = process.stdout.isTTY === true;
    const printer = json === true ? new JsonPrinter(filter, isTerminal) : text;
    const remarks = await readLog({
      ...{ folder, follows, isBlind, terminal, printer },
      output: new LogOutput(terminal, options.tail),
      layers: follows && isTerminal && json !== true ? () => text.progress : undefined,
      stop: signals.signal,
    });
    terminal.endStatus();
    const empty = signals.signal.aborted ? undefined : emptyNote(printer.tally);
    for (const remark of empty === undefined ? remarks : [empty, ...remarks])
      terminal.log(`note: ${remark}`);
  } finally {
    terminal.endStatus();
    signals.close();
  }
  return signals.exitCode ?? Exit.pass;
}

function noLog(folder: string): OperatingError {
  return new OperatingError(
    "E001",
    `'${folder}' is no run folder: it has no ${RunFile.events}`,
    "name a run folder, as a report prints it, or a run's id",
    Exit.noInput,
  );
}

function detailOf({ each, verbose }: LogsOptions): Detail {
  if (verbose === true) return "all";
  return each === true ? "each" : "grouped";
}

/** What the fleet is to do. Throws OperatingError E042 for a name that the run does not have. */
function checkedPlan(
  folder: string,
  scenario: Scenario,
  spec: EventFilterSpec,
  wasUp: boolean,
): FleetPlan {
  const { cluster, hardware, workload, faults } = scenario;
  const topology = makeFatTree(cluster, hardware);
  const { layers, steps } = workload;
  const namesFaults = spec.faults.length + spec.around.length > 0;
  const known = (): string[] => {
    const ordered = faultsOf(readOrders(folder));
    return [...faults, ...ordered].map(({ name }) => name);
  };
  const problem = unknownName(spec, {
    actors: topology.actors.map(({ id }) => id),
    ...{ nodes: cluster.nodes, planes: cluster.planes, layers, steps },
    // Of a run that is up others may come; and of a blind one nobody may know.
    faults: wasUp || !namesFaults ? undefined : known(),
  });
  if (problem !== undefined) {
    throw usageError("E042", `--${problem.key}: ${problem.message}`, problem.hint);
  }
  return fleetPlanOf(scenario, topology);
}
