/**
 * `faultplane run`: checks everything, creates the run folder, runs the cluster, and reports.
 * Nothing is created or spawned before all checks have passed.
 */
import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { didYouMean } from "../../src/base/suggest.ts";
import type { PlacementName, RunSpec, Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { placeActors } from "../../src/topology/placement.ts";
import { settledText, withMoments } from "../resolve-moments.ts";
import { Terminal } from "../terminal/terminal.ts";
import { type LoadedScenario, loadScenario, printProblems } from "./load-scenario.ts";
import type { WatchOptions } from "./open-watchers.ts";
import { usageError } from "./option-values.ts";
import { defaultScenario } from "./package-files.ts";
import { performRun } from "./perform-run.ts";
import { placeOfRun } from "./recorded-run.ts";

/** Options of `faultplane run` after parsing. */
export interface RunCommandOptions extends WatchOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly speed?: number | "max";
  readonly out?: string;
  readonly logPackets?: true;
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"];
  /** Seconds. */
  readonly silenceLimit?: number;
  /** Default: this host alone. */
  readonly hosts?: HostsOptions;
  readonly force?: true;
  readonly delayWorker: ReadonlyMap<string, number>;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly color: boolean;
}

/** Runs a scenario; returns the exit code. Throws OperatingError for what an operator can meet. */
export async function runCommand(
  path: string | undefined,
  options: RunCommandOptions,
  version: string,
): Promise<number> {
  if (options.quiet === true && options.verbose === true) {
    throw usageError("E040", "--quiet and --verbose cannot be used together");
  }
  let loaded: LoadedScenario;
  try {
    const { seed, placement, workers, speed, logPackets, onWorkerLoss } = options;
    const overrides = { seed, placement, workers, speed, logPackets, onWorkerLoss };
    loaded = loadScenario(path ?? defaultScenario(), overrides);
  } catch (error) {
    return printProblems(error);
  }
  const topology = makeFatTree(loaded.scenario.cluster, loaded.scenario.hardware);
  checkRelations(loaded.scenario, topology, options);
  const place = placeOfRun(options);
  const { scenario, moments } = withMoments(loaded.scenario);
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) {
    terminal.log(`${terminal.palette.bold(escapeControls(scenario.title))}`);
    const notes = [...loaded.notes, ...moments.map(settledText)];
    for (const note of notes) terminal.log(`note: ${note}`);
  }
  return await performRun({
    scenario,
    topology,
    version,
    place,
    files: [[RunFile.scenario, loaded.bytes]],
    terminal,
    options,
    path,
    watch: options,
  });
}

/** Relations between options and the scenario. */
export function checkRelations(
  scenario: Scenario,
  topology: Topology,
  options: Pick<RunCommandOptions, "workers" | "hosts"> &
    Partial<Pick<RunCommandOptions, "delayWorker" | "ui" | "metricsAs">>,
): void {
  const { placement, workers } = scenario.run;
  if (options.hosts !== undefined && placement === "single") {
    throw usageError(
      "E040",
      "placement single is one process: it has nothing for other hosts",
      "choose node, pack or actor with --placement",
    );
  }
  if (options.workers !== undefined && placement !== "pack") {
    throw usageError(
      "E040",
      `--workers goes with placement pack; this run has placement ${placement}`,
      "add --placement pack",
    );
  }
  if (options.metricsAs !== undefined && options.ui === undefined) {
    throw usageError(
      "E040",
      "--metrics-as goes with --ui, which serves the metrics",
      "add --ui 9464; they are at http://127.0.0.1:9464/metrics",
    );
  }
  const labels = placeActors(topology, placement, workers).workers.map(({ label }) => label);
  for (const label of options.delayWorker?.keys() ?? []) {
    if (labels.includes(label)) continue;
    const meant = didYouMean(label, labels);
    throw usageError(
      "E040",
      `--delay-worker: no worker '${label}'${meant === undefined ? "" : `; ${meant}`}`,
      `workers of placement ${placement}: ${labels.slice(0, 20).join(", ")}`,
    );
  }
}
