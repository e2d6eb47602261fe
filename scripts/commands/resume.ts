/**
 * `faultplane resume`: takes up a run whose coordinator was killed, or that was interrupted, in its
 * own folder. It does again what the record says, comparing all the way, and goes on from there; in
 * the end it is the run that it would have been.
 */

import { hostname } from "node:os";
import { join } from "node:path";
import { OperatingError } from "../../cluster/errors.ts";
import { checkOpenEnd } from "../../cluster/journal-writer.ts";
import { isSymbolicLink, readRunFile } from "../../cluster/read-file.ts";
import { planReopen, RunFile } from "../../cluster/run-folder.ts";
import { holderOf } from "../../cluster/run-lock.ts";
import type { Drill } from "../../src/drill/drill.ts";
import type { PlacementName, RunSpec, Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import { readTree } from "../../src/scenario/yaml-text.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { finishDrill } from "./drill.ts";
import { Exit } from "./exit-codes.ts";
import { findRun } from "./find-run.ts";
import { type HostCommandOptions, hostsOptions } from "./hosts.ts";
import { type LaunchOptions, launchOf } from "./launch-environment.ts";
import { liveCommand } from "./live.ts";
import { RESUME } from "./live-commands.ts";
import type { WatchOptions } from "./open-watchers.ts";
import { performRun } from "./perform-run.ts";
import { readRecord } from "./read-record.ts";
import { checkRelations } from "./run.ts";

/** Options of `faultplane resume` after parsing. */
export interface ResumeOptions extends HostCommandOptions, LaunchOptions, WatchOptions {
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly speed?: number | "max";
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"];
  /** Seconds. */
  readonly silenceLimit?: number;
  readonly expect?: true;
  /** To those real faults of a drill that are still to come. */
  readonly allowRealFaults?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly color: boolean;
}

/**
 * Lets a run that is up go on after a pause, or takes up one that is not; returns the exit code.
 * Throws OperatingError: E001 and E050 (no run), E051 (damaged), E052 (files of two runs), E055 (it
 * came to its end), E053 (it is another one).
 */
export async function resumeCommand(
  given: string | undefined,
  options: ResumeOptions,
  version: string,
): Promise<number> {
  const folder = findRun(given);
  if (holderOf(folder) !== undefined) return await liveCommand(RESUME, [folder], options);
  const { journal, resolved } = readRecord(folder);
  checkOpenEnd(journal);
  const plan = planReopen(folder);
  const scenario = withChoices(resolved.scenario, options);
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const { hosts, address } = launchOf(options, process.env, hostname());
  const others = address === undefined ? {} : { hosts: hostsOptions(hosts, address, options) };
  checkRelations(scenario, topology, { ...options, ...others });
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) {
    const until = formatTime(journal.commit?.atPs ?? 0);
    terminal.log(`taking up run ${journal.header.runId}, whose record goes to ${until}`);
  }
  const place = { runId: journal.header.runId, plan };
  if (resolved.drill === undefined) {
    return await performRun({
      scenario,
      topology,
      version,
      place,
      files: [],
      terminal,
      options: { ...options, ...others },
      path: undefined,
      watch: options,
      resume: journal,
    });
  }
  const drill = { ...(resolved.drill as Omit<Drill, "scenario">), scenario };
  const file = join(folder, RunFile.drill);
  const read = readRunFile(file);
  if (!read.ok && isSymbolicLink(file)) {
    throw new OperatingError("E001", `cannot read '${file}': ${read.problem}`, "", Exit.noInput);
  }
  const bytes = read.ok ? read.bytes : new Uint8Array(0);
  const tree = readTree(bytes, file);
  const document = tree.ok ? tree.tree.root : {};
  return await finishDrill(
    {
      loaded: { drill, bytes, document, notes: [] },
      topology,
      place,
      version,
      terminal,
      ...others,
      allowRealFaults: options.allowRealFaults,
      silenceLimitSeconds: options.silenceLimit,
      watch: options,
      resume: journal,
      blind: resolved.isBlind === true ? true : undefined,
    },
    options,
  );
}

/** The scenario with what may be chosen anew, since no result depends on it. */
function withChoices(scenario: Scenario, options: ResumeOptions): Scenario {
  const { placement, workers, speed, onWorkerLoss } = options;
  const run: RunSpec = {
    ...scenario.run,
    ...(placement === undefined ? {} : { placement }),
    ...(workers === undefined ? {} : { workers }),
    ...(speed === undefined ? {} : { speed }),
    ...(onWorkerLoss === undefined ? {} : { onWorkerLoss }),
  };
  return { ...scenario, run };
}
