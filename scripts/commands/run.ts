/**
 * `faultplane run`: checks everything, creates the run folder, runs the cluster, and reports.
 * Nothing is created or spawned before all checks have passed.
 */

import { homedir } from "node:os";
import { relative } from "node:path";
import { makeDevice } from "../../actors/catalogue.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { makeHeader } from "../../cluster/journal.ts";
import { committedTotals, makeReport, type RunReport } from "../../cluster/report.ts";
import { reportMarkdown, reportText } from "../../cluster/report-text.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { formatResolved, planRunFolder, RunFile, RunFolder } from "../../cluster/run-folder.ts";
import { makeRunId } from "../../cluster/run-id.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { didYouMean } from "../../src/scenario/suggest.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { placeActors } from "../../src/topology/placement.ts";
import { escapeControls } from "../terminal/escape.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { type LoadedScenario, loadScenario, printProblems } from "./load-scenario.ts";
import { nextSteps } from "./next-steps.ts";
import { usageError } from "./option-values.ts";
import { defaultScenario, processMains } from "./package-files.ts";
import { RunRecorder } from "./run-recorder.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane run` after parsing. */
export interface RunCommandOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly speed?: number | "max";
  readonly out?: string;
  readonly logPackets?: true;
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
    const { seed, placement, workers, speed, logPackets } = options;
    const overrides = { seed, placement, workers, speed, logPackets };
    loaded = loadScenario(path ?? defaultScenario(), overrides);
  } catch (error) {
    return printProblems(error);
  }
  const { scenario } = loaded;
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  checkRelations(scenario, topology, options);
  const runId = makeRunId();
  const plan = planRunFolder({
    runId,
    ...(options.out === undefined ? {} : { out: options.out }),
    force: options.force === true,
    environment: process.env,
    home: homedir(),
  });

  const terminal = new Terminal(options.color);
  if (options.quiet !== true) {
    terminal.log(`${terminal.palette.bold(escapeControls(scenario.title))}`);
    for (const note of loaded.notes) terminal.log(`note: ${note}`);
  }
  const hash = scenarioHash(scenario);
  runContext.seed = scenario.run.seed;
  const folder = new RunFolder(plan);
  let recorder: RunRecorder | undefined;
  const undo = (): void => {
    if ((recorder?.commits ?? 0) === 0) folder.remove();
  };
  const signals = new StopSignals((text) => terminal.log(text), undo);
  terminal.onClosed = () => signals.abandon(Exit.pass);
  let outcome: RunOutcome;
  try {
    folder.write(RunFile.scenario, loaded.bytes);
    folder.write(RunFile.resolved, formatResolved(scenario, hash));
    const { seed, placement, speed } = scenario.run;
    recorder = new RunRecorder({
      folder,
      header: makeHeader({
        faultplane: version,
        runId,
        seed,
        scenarioHash: hash,
        node: process.versions.node,
        placement,
        speed,
      }),
      scenario,
      topology,
      terminal,
      loudness: options.quiet === true ? "quiet" : options.verbose === true ? "verbose" : "normal",
    });
    runContext.runDir = folder.path;
    outcome = await runCluster({
      scenario,
      runId,
      ...processMains(),
      devices: makeDevice,
      delays: options.delayWorker,
      observer: recorder,
      stop: signals.signal,
    });
    if (recorder.commits > 0) recorder.end(committedTotals(outcome, recorder.story));
  } catch (error) {
    undo();
    throw error;
  } finally {
    recorder?.close();
  }
  if (recorder.commits === 0) {
    undo();
    if (outcome.end === "worker-lost") {
      throw new OperatingError(
        "E063",
        `the run could not start: ${outcome.detail ?? "a worker was lost"}`,
        "run it again; with --placement single it needs no other process",
        Exit.unavailable,
      );
    }
    terminal.log("stopped before the first window; no run folder was kept");
    return signals.exitCode ?? Exit.unavailable;
  }
  const report = makeReport({
    scenario,
    outcome,
    faultplane: version,
    runId,
    scenarioHash: hash,
    runDir: folder.path,
    retransmittedPackets: recorder.retransmittedPackets,
    story: recorder.story,
    ...(recorder.finishedAtPs > 0 ? { finishedAtPs: recorder.finishedAtPs } : {}),
  });
  folder.write(RunFile.reportJson, `${JSON.stringify(report, undefined, 2)}\n`);
  folder.write(RunFile.reportMarkdown, reportMarkdown(report));
  await print(report, path, options, terminal);
  signals.close();
  return signals.exitCode !== undefined && outcome.end === "interrupted"
    ? signals.exitCode
    : exitCodeOf(report);
}

/** Relations between options and the scenario. */
function checkRelations(scenario: Scenario, topology: Topology, options: RunCommandOptions): void {
  const { placement, workers } = scenario.run;
  if (options.workers !== undefined && placement !== "pack") {
    throw usageError(
      "E040",
      `--workers goes with placement pack; this run has placement ${placement}`,
      "add --placement pack",
    );
  }
  const labels = placeActors(topology, placement, workers).workers.map(({ label }) => label);
  for (const label of options.delayWorker.keys()) {
    if (labels.includes(label)) continue;
    const meant = didYouMean(label, labels);
    throw usageError(
      "E040",
      `--delay-worker: no worker '${label}'${meant === undefined ? "" : `; ${meant}`}`,
      `workers of placement ${placement}: ${labels.slice(0, 20).join(", ")}`,
    );
  }
}

async function print(
  report: RunReport,
  path: string | undefined,
  options: RunCommandOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.json === true) {
    await terminal.result(`${JSON.stringify(report)}\n`);
    return;
  }
  const { resultPalette } = terminal;
  const steps = nextSteps(report, path === undefined ? undefined : relative(".", path));
  const text = reportText(report, steps).split("\n").map(escapeControls).join("\n");
  const paint = {
    PASS: resultPalette.green,
    FAIL: resultPalette.red,
    INVALID: resultPalette.yellow,
  };
  const verdict = `verdict: ${report.verdict}`;
  await terminal.result(
    text.replace(verdict, () => resultPalette.bold(paint[report.verdict](verdict))),
  );
}

/** Exit code of a run that no signal ended. */
export function exitCodeOf(report: Pick<RunReport, "verdict" | "end">): number {
  if (report.verdict === "PASS") return Exit.pass;
  if (report.verdict === "FAIL") return Exit.fail;
  return report.end === "time-limit" ? Exit.endedEarly : Exit.invalid;
}
