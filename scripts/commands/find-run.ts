/**
 * Which run a command means: the one that is named, or the only one that is up; for what also works
 * on runs that are over, else the newest.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isAlive, readControl, runningBelow, runningIn } from "../../cluster/control-file.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { RunFile, runsFolder } from "../../cluster/run-folder.ts";
import { escapeControls } from "../../src/base/escape.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { usageError } from "./option-values.ts";

/** Most runs that are listed. */
const LISTED = 10;

/**
 * Throws OperatingError E069 while a blind drill is up in `folder`: what it hides is not told to
 * those who are to find it.
 */
export function refuseBlind(folder: string): void {
  const control = readControl(folder);
  if (control?.isBlind !== true || !isAlive(control.pid)) return;
  throw new OperatingError(
    "E069",
    `the run in '${folder}' is a blind drill, and is up`,
    "try again when it is over; until then `faultplane logs` and `view` show what may be seen",
    Exit.tryAgain,
  );
}

/** Whether `word` names the folder of a run, up or over, by its path or by the run's id. */
export function isRun(word: string): boolean {
  const home = runsFolder(process.env, homedir());
  return [word, join(home, word)].some((path) =>
    [RunFile.control, RunFile.journal].some((file) => existsSync(join(path, file))),
  );
}

/**
 * The run folder: `given` by its path, by one of its files or by the run's id; without a name the
 * only run that is up, here or where runs go. Throws OperatingError E001 (no such run), E065 (none
 * or several are up).
 */
export function findRun(given: string | undefined): string {
  const home = runsFolder(process.env, homedir());
  if (given !== undefined) {
    for (const path of [given, join(home, given)]) {
      if (!existsSync(path)) continue;
      return statSync(path).isDirectory() ? path : dirname(path);
    }
    throw new OperatingError(
      "E001",
      `cannot find run '${given}': no such folder`,
      "name a run folder, or a run's id",
      Exit.noInput,
    );
  }
  const running = runsThatAreUp(home);
  if (running.length === 1) return running[0];
  if (running.length > 1) throw severalAreUp(running);
  throw new OperatingError(
    "E065",
    `no run is up, here or in '${home}'`,
    "name the run folder; give a run time to be watched with --speed",
    Exit.unavailable,
  );
}

/**
 * The folder of a run that is up or over: as {@link findRun}, and when none is up and none is named
 * the one that was written last, here or where runs go. Throws OperatingError E001, E065.
 */
export function findRecord(given: string | undefined): string {
  if (given !== undefined) return findRun(given);
  const home = runsFolder(process.env, homedir());
  const running = runsThatAreUp(home);
  if (running.length === 1) return running[0];
  if (running.length > 1) throw severalAreUp(running);
  const folders = [".", "runs", home].flatMap((parent) => [parent, ...foldersIn(parent)]);
  const [newest] = folders
    .flatMap((folder) => {
      const stat = statSync(join(folder, RunFile.journal), { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ folder, atMs: stat.mtimeMs }];
    })
    .sort((left, right) => right.atMs - left.atMs);
  if (newest !== undefined) return newest.folder;
  throw new OperatingError(
    "E001",
    `there is no run folder, here, in 'runs' or in '${home}'`,
    "name a run folder; `faultplane run` makes one",
    Exit.noInput,
  );
}

/** Tells which run is meant, when nobody named one. */
export function tellFolder(terminal: Terminal, given: string | undefined, folder: string): void {
  if (given !== undefined) return;
  const state = runningIn(folder) === undefined ? "over" : "up";
  terminal.log(`run folder ${escapeControls(folder)}, ${state}`);
}

function runsThatAreUp(home: string): string[] {
  return [...new Set([".", "runs", home].flatMap(runningBelow))];
}

function foldersIn(parent: string): string[] {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(parent, name));
  } catch {
    return [];
  }
}

function severalAreUp(running: readonly string[]): OperatingError {
  const more = running.length > LISTED ? ` and ${running.length - LISTED} more` : "";
  return usageError(
    "E065",
    `${running.length} runs are up: ${running.slice(0, LISTED).join(", ")}${more}`,
    "name one of them before the other words",
  );
}
