/**
 * `faultplane view`: the page of a run that is over, or up in another process, from its folder.
 * Serves until Ctrl-C.
 */
import { askRun } from "../../cluster/control-client.ts";
import { readControl } from "../../cluster/control-file.ts";
import type { ControlAnswer, ControlRequest } from "../../cluster/control-messages.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { openViewServer } from "../../cluster/view-server.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { findRecord, tellFolder } from "./find-run.ts";
import { hasBegun, isUp } from "./log-reading.ts";
import { aboutRun, pageFiles } from "./page-about.ts";
import { readRecord } from "./read-record.ts";
import { titleOf } from "./replay-folder.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane view` after parsing. */
export interface ViewOptions {
  readonly port: number;
  readonly json?: true;
  readonly color: boolean;
}

/**
 * Serves the page of a run; returns the exit code. Throws OperatingError E001, E050 (no run), E043
 * (the port is taken), E062 (the page is not there).
 */
export async function viewCommand(
  given: string | undefined,
  options: ViewOptions,
  version: string,
): Promise<number> {
  const folder = findRecord(given);
  const signals = new StopSignals(() => {});
  if (isUp(folder)) await hasBegun(folder, signals.signal);
  const { journal, resolved } = readRecord(folder);
  const { scenario } = resolved;
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const title = titleOf(resolved);
  const isBlind = readControl(folder)?.isBlind === true;
  const run = { faultplane: version, runId: journal.header.runId, title };
  const terminal = new Terminal(options.color);
  if (options.json !== true) tellFolder(terminal, given, folder);
  const server = await openViewServer({
    ...{ port: options.port, folder, scenario, topology },
    about: aboutRun({ ...run, scenario, topology, isBlind }),
    isOver: journal.end !== undefined,
    isGone: () => !isUp(folder),
    pageFiles: pageFiles(),
    ask: (request) => asked(folder, request),
  });
  try {
    const link = server.link();
    if (options.json === true) await terminal.result(`${JSON.stringify({ link })}\n`);
    else terminal.log(`page: ${link} (Ctrl-C ends it)`);
    await new Promise<void>((resolve) => {
      signals.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    server.close();
    signals.close();
  }
  return signals.exitCode === Exit.interrupted ? Exit.pass : (signals.exitCode ?? Exit.pass);
}

/** What the run answers, if it is up. */
async function asked(folder: string, request: ControlRequest): Promise<ControlAnswer> {
  try {
    return await askRun(folder, request);
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    const { code, message, hint, exitCode } = error;
    return { ok: false, exitCode, problems: [{ code, message, hint }] };
  }
}
