/**
 * What `faultplane run` and `faultplane resume` have in common once all checks have passed: the run
 * in its folder, the report in its files and on the terminal, and the exit code.
 */
import { relative } from "node:path";
import type { Journal } from "../../cluster/journal.ts";
import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { makeReport, type RunReport } from "../../cluster/report.ts";
import { reportMarkdown, reportText } from "../../cluster/report-text.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { runPage } from "../../cluster/run-page.ts";
import { escapeControls } from "../../src/base/escape.ts";
import type { Verdict } from "../../src/drill/drill.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import type { Palette } from "../terminal/colour.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { nextSteps } from "./next-steps.ts";
import type { WatchOptions } from "./open-watchers.ts";
import { pageCommands } from "./page-commands.ts";
import { type FirstFile, RecordedRun, type RunPlace, startFailure } from "./recorded-run.ts";
import type { Loudness } from "./run-recorder.ts";
import { StopSignals } from "./signals.ts";

/** How a run is shown, and what it is given besides its scenario. */
export interface PerformRunOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly delayWorker?: ReadonlyMap<string, number>;
  readonly hosts?: HostsOptions | undefined;
  /** Seconds. */
  readonly silenceLimit?: number;
}

export interface PerformRun {
  /** Resolved: no moment is left in it. */
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** Version of Faultplane. */
  readonly version: string;
  readonly place: RunPlace;
  readonly files: readonly FirstFile[];
  readonly terminal: Terminal;
  readonly options: PerformRunOptions;
  /** The scenario's file, if the user named one. */
  readonly path: string | undefined;
  /** The journal of the run that is taken up again. */
  readonly resume?: Journal;
  /** Who looks on; default: nobody. */
  readonly watch?: WatchOptions;
}

/** Performs a run; returns the exit code. Throws OperatingError for what an operator can meet. */
export async function performRun(run: PerformRun): Promise<number> {
  const { scenario, topology, version, place, files, terminal, options, path, resume, watch } = run;
  const { delayWorker } = options;
  const recorded = new RecordedRun({
    scenario,
    topology,
    version,
    place,
    files,
    terminal,
    loudness: loudnessOf(options),
    ...(delayWorker === undefined ? {} : { delays: delayWorker }),
    hosts: options.hosts,
    silenceLimitSeconds: options.silenceLimit,
    resume,
    watch,
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
    ...recorder.watch.figures(),
  });
  recorded.write(RunFile.reportJson, `${JSON.stringify(report, undefined, 2)}\n`);
  recorded.write(RunFile.reportMarkdown, reportMarkdown(report));
  const commands = pageCommands(report.runDir);
  recorded.write(RunFile.reportHtml, runPage({ report, ...recorder.watch.forPage(), commands }));
  await print(report, path, options, terminal);
  await recorded.leavePage(signals.signal);
  signals.close();
  return signals.exitCode !== undefined && isStopped(outcome)
    ? signals.exitCode
    : exitCodeOf(report);
}

/** How much of a run the terminal is told. */
export function loudnessOf(options: { readonly quiet?: true; readonly verbose?: true }): Loudness {
  return options.quiet === true ? "quiet" : options.verbose === true ? "verbose" : "normal";
}

async function print(
  report: RunReport,
  path: string | undefined,
  options: PerformRunOptions,
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

/**
 * Whether a signal that came is what ended a run: processes that do not stop in time, or that it
 * ended, too, do not hide that.
 */
export function isStopped({ end }: Pick<RunReport, "end">): boolean {
  return end === "interrupted" || end === "worker-lost";
}

/** Exit code of a run that no signal ended. */
export function exitCodeOf(report: Pick<RunReport, "verdict" | "end">): number {
  if (report.verdict === "PASS") return Exit.pass;
  if (report.verdict === "FAIL") return Exit.fail;
  return report.end === "time-limit" ? Exit.endedEarly : Exit.invalid;
}
