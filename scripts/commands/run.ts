/**
 * `faultplane run`: checks everything, creates the run folder, runs the cluster, and reports.
 * Nothing is created or spawned before all checks have passed.
 */
import { relative } from "node:path";
import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { makeReport, type RunReport } from "../../cluster/report.ts";
import { reportMarkdown, reportText } from "../../cluster/report-text.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { escapeControls } from "../../src/base/escape.ts";
import type { Verdict } from "../../src/drill/drill.ts";
import type { PlacementName, RunSpec, Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { didYouMean } from "../../src/scenario/suggest.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { placeActors } from "../../src/topology/placement.ts";
import { settledText, withMoments } from "../resolve-moments.ts";
import type { Palette } from "../terminal/colour.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { type LoadedScenario, loadScenario, printProblems } from "./load-scenario.ts";
import { nextSteps } from "./next-steps.ts";
import { usageError } from "./option-values.ts";
import { defaultScenario } from "./package-files.ts";
import { placeOfRun, RecordedRun, startFailure } from "./recorded-run.ts";
import type { Loudness } from "./run-recorder.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane run` after parsing. */
export interface RunCommandOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly speed?: number | "max";
  readonly out?: string;
  readonly logPackets?: true;
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"];
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
  const recorded = new RecordedRun({
    scenario,
    topology,
    version,
    place,
    files: [[RunFile.scenario, loaded.bytes]],
    terminal,
    loudness: loudnessOf(options),
    delays: options.delayWorker,
    hosts: options.hosts,
  });
  const signals = new StopSignals((text) => terminal.log(text));
  signals.onQuit = () => recorded.undo();
  terminal.onClosed = () => signals.abandon(Exit.pass);
  const outcome = await recorded.run({ stop: signals.signal, operators: true });
  if (!recorded.hasBegun) {
    const failure = startFailure(outcome);
    if (failure !== undefined) throw failure;
    terminal.log("stopped before the first window; no run folder was kept");
    return signals.exitCode ?? Exit.unavailable;
  }
  const { recorder } = recorded;
  const report = makeReport({
    scenario,
    outcome,
    faultplane: version,
    runId: recorded.runId,
    scenarioHash: recorded.hash,
    runDir: recorded.path,
    retransmittedPackets: recorder.retransmittedPackets,
    story: recorder.story,
    ...(recorder.finishedAtPs > 0 ? { finishedAtPs: recorder.finishedAtPs } : {}),
  });
  recorded.write(RunFile.reportJson, `${JSON.stringify(report, undefined, 2)}\n`);
  recorded.write(RunFile.reportMarkdown, reportMarkdown(report));
  await print(report, path, options, terminal);
  signals.close();
  return signals.exitCode !== undefined && outcome.end === "interrupted"
    ? signals.exitCode
    : exitCodeOf(report);
}

/** How much of a run the terminal is told. */
export function loudnessOf(options: { readonly quiet?: true; readonly verbose?: true }): Loudness {
  return options.quiet === true ? "quiet" : options.verbose === true ? "verbose" : "normal";
}

/** Relations between options and the scenario. */
export function checkRelations(
  scenario: Scenario,
  topology: Topology,
  options: Pick<RunCommandOptions, "workers" | "hosts"> &
    Partial<Pick<RunCommandOptions, "delayWorker">>,
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
  await terminal.result(paintVerdict(text, report.verdict, resultPalette));
}

/** The line with the verdict in its colour. */
export function paintVerdict(text: string, verdict: Verdict, palette: Palette): string {
  const paint = { PASS: palette.green, FAIL: palette.red, INVALID: palette.yellow };
  const words = `verdict: ${verdict}`;
  return text.replace(words, () => palette.bold(paint[verdict](words)));
}

/** Exit code of a run that no signal ended. */
export function exitCodeOf(report: Pick<RunReport, "verdict" | "end">): number {
  if (report.verdict === "PASS") return Exit.pass;
  if (report.verdict === "FAIL") return Exit.fail;
  return report.end === "time-limit" ? Exit.endedEarly : Exit.invalid;
}
