/**
 * `faultplane drill`: performs a drill and grades it. Nothing is created or spawned before all
 * checks have passed.
 */

import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { drillText } from "../../src/drill/drill-text.ts";
import type { PlacementName, RunSpec } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { type LoadedDrill, loadDrill } from "./load-drill.ts";
import { printProblems } from "./load-scenario.ts";
import type { WatchOptions } from "./open-watchers.ts";
import { usageError } from "./option-values.ts";
import { type PerformOptions, performDrill } from "./perform-drill.ts";
import { isStopped, loudnessOf, paintVerdict } from "./perform-run.ts";
import { placeOfRun } from "./recorded-run.ts";
import { checkRelations } from "./run.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane drill` after parsing. */
export interface DrillCommandOptions extends WatchOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly speed?: number | "max";
  readonly out?: string;
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"];
  /** Seconds. */
  readonly silenceLimit?: number;
  /** Default: this host alone. */
  readonly hosts?: HostsOptions;
  readonly force?: true;
  readonly maxBlast?: number;
  readonly allowRealFaults?: true;
  readonly expect?: true;
  readonly blind?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly color: boolean;
}

/** Exit code of each verdict. */
export const VERDICT_EXIT = { PASS: Exit.pass, FAIL: Exit.fail, INVALID: Exit.invalid } as const;

/** Performs a drill; returns the exit code. Throws OperatingError. */
export async function drillCommand(
  path: string,
  options: DrillCommandOptions,
  version: string,
): Promise<number> {
  if (options.quiet === true && options.verbose === true) {
    throw usageError("E040", "--quiet and --verbose cannot be used together");
  }
  let loaded: LoadedDrill;
  try {
    const { seed, placement, workers, speed, onWorkerLoss, maxBlast } = options;
    const overrides = { seed, placement, workers, speed, onWorkerLoss };
    const { allowRealFaults, hosts } = options;
    const consent = { allowRealFaults, hosts: hosts?.count };
    loaded = loadDrill(path, { ...overrides, ...consent, maxBlastPercent: maxBlast });
  } catch (error) {
    return printProblems(error);
  }
  const { drill } = loaded;
  const topology = makeFatTree(drill.scenario.cluster, drill.scenario.hardware);
  checkRelations(drill.scenario, topology, options);
  const place = placeOfRun(options);
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) {
    // Title and notes tell what a responder is to find out.
    const isBlind = options.blind === true;
    const title = isBlind
      ? "blind drill: name the culprit with `faultplane diagnose`"
      : drill.title;
    terminal.log(terminal.palette.bold(escapeControls(title)));
    for (const note of isBlind ? [] : loaded.notes) terminal.log(`note: ${note}`);
  }
  const { blind, hosts, allowRealFaults, silenceLimit: silenceLimitSeconds } = options;
  const run = { loaded, topology, place, version, terminal, watch: options };
  return await finishDrill({ ...run, blind, hosts, allowRealFaults, silenceLimitSeconds }, options);
}

/** Performs a drill once all checks have passed; returns the exit code. Throws OperatingError. */
export async function finishDrill(
  performance: Omit<PerformOptions, "loudness" | "signals" | "operators">,
  options: Pick<DrillCommandOptions, "json" | "quiet" | "verbose" | "expect">,
): Promise<number> {
  const { terminal } = performance;
  const signals = new StopSignals((text) => terminal.log(text));
  terminal.onClosed = () => signals.abandon(Exit.pass);
  const performed = await performDrill({
    ...performance,
    loudness: loudnessOf(options),
    signals,
    operators: true,
  });
  if (performed === undefined) {
    signals.close();
    terminal.log("stopped before the first window; no run folder was kept");
    return signals.exitCode ?? Exit.unavailable;
  }
  const { journal, outcome, recorded } = performed;
  const report = journal.faultplane;
  if (options.json === true) await terminal.result(`${JSON.stringify(journal)}\n`);
  else {
    const text = drillText(report).split("\n").map(escapeControls).join("\n");
    await terminal.result(paintVerdict(text, report.verdict, terminal.resultPalette));
  }
  await recorded.leavePage(signals.signal);
  signals.close();
  if (signals.exitCode !== undefined && isStopped(outcome)) return signals.exitCode;
  if (options.expect === true) return report.asExpected ? Exit.pass : Exit.fail;
  return VERDICT_EXIT[report.verdict];
}
