/** Which run a command for a run that is up means: the one that is named, or the only one. */
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { runningBelow } from "../../cluster/control-file.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { RunFile, runsFolder } from "../../cluster/run-folder.ts";
import { Exit } from "./exit-codes.ts";
import { usageError } from "./option-values.ts";

/** Most runs that are listed. */
const LISTED = 10;

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
  const running = [...new Set([".", "runs", home].flatMap(runningBelow))];
  if (running.length === 1) return running[0];
  if (running.length === 0) {
    throw new OperatingError(
      "E065",
      `no run is up, here or in '${home}'`,
      "name the run folder; give a run time to be watched with --speed",
      Exit.unavailable,
    );
  }
  const more = running.length > LISTED ? ` and ${running.length - LISTED} more` : "";
  throw usageError(
    "E065",
    `${running.length} runs are up: ${running.slice(0, LISTED).join(", ")}${more}`,
    "name one of them before the other words",
  );
}
