/**
 * The folder of a run: where it is, what is in it, and the checks before anything is created. Only
 * files named here are ever overwritten or removed.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Scenario } from "../src/model/scenario.ts";
import { CONTROL_FILE, runningIn } from "./control-file.ts";
import { OperatingError, systemCodeOf } from "./errors.ts";
import { readWhole } from "./read-file.ts";

/** Names of the files of a run folder. */
export const RunFile = {
  /** The scenario as it was given. */
  scenario: "scenario.yaml",
  /** The same of a drill. */
  drill: "drill.yaml",
  /** A drill's result, in the layout of Chaos Toolkit's journal. */
  drillJournal: "drill.json",
  /** What it resolved to, recorded routing included: all that a replay needs. */
  resolved: "resolved.json",
  journal: "journal.ndjson",
  /** How to reach the run; only while it is up. */
  control: CONTROL_FILE,
  events: "events.ndjson",
  reportJson: "report.json",
  reportMarkdown: "report.md",
} as const;

const EXIT_CANNOT_CREATE = 73;
const EXIT_NO_INPUT = 66;
const EXIT_BAD_DATA = 65;
const RESOLVED_FORMAT = "faultplane-resolved";
/** A run is not started with less than this on the disk. */
const FREE_BYTES_MIN = 100 * 1024 * 1024;

/** Where a run goes. */
export interface RunFolderPlan {
  /** Absolute path. */
  readonly path: string;
  /** The folder exists and is an older run's, to be replaced. */
  readonly replace: boolean;
}

/** Where runs go that nobody gave a place: XDG's folder for state, or the usual one below home. */
export function runsFolder(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  const state = environment.XDG_STATE_HOME ?? "";
  const base = state.startsWith("/") ? state : join(home, ".local", "state");
  return join(base, "faultplane", "runs");
}

/** Checks that the folder can be created, and creates nothing. Throws OperatingError E033. */
export function planRunFolder(options: {
  readonly runId: string;
  /** `--out`, as given. */
  readonly out?: string;
  readonly force: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}): RunFolderPlan {
  const { runId, out, force, environment, home } = options;
  if (out === undefined) {
    const path = join(runsFolder(environment, home), runId);
    checkParent(nearestFolder(path), path);
    return { path, replace: false };
  }
  const path = resolve(out);
  if (existsSync(path)) {
    if (!force) throw refused(`'${out}' exists; use --force or another name`, "");
    if (!isRunFolder(path)) {
      throw refused(
        `'${out}' is not a run folder; --force replaces only run folders`,
        "choose another name",
      );
    }
    const pid = runningIn(path);
    if (pid !== undefined) {
      throw refused(
        `the run in '${out}' is still up (process ${pid})`,
        "choose another name, or end it with faultplane stop",
      );
    }
    checkParent(path, out);
    return { path, replace: true };
  }
  const parent = dirname(path);
  if (!existsSync(parent)) {
    throw refused(`cannot create '${out}': folder '${parent}' does not exist`, "create it first");
  }
  checkParent(parent, out);
  return { path, replace: false };
}

/** A run folder while it is being written. */
export class RunFolder {
  readonly path: string;
  /** Where the files of the run that is replaced are until `settle`. */
  #aside: string | undefined;
  #isRemoved = false;

  /**
   * Creates the folder (mode 0700); an older run in it is moved aside. Throws OperatingError E033.
   */
  constructor(plan: RunFolderPlan) {
    this.path = plan.path;
    try {
      if (plan.replace) {
        this.#aside = mkdtempSync(join(this.path, ASIDE));
        moveFiles(this.path, this.#aside);
      } else {
        mkdirSync(dirname(plan.path), { recursive: true, mode: 0o700 });
        mkdirSync(plan.path, { mode: 0o700 });
      }
    } catch (error) {
      if (this.#aside !== undefined) moveFiles(this.#aside, this.path);
      throw refused(`cannot create '${plan.path}': ${systemCodeOf(error)}`, "");
    }
  }

  /** Full name of one of the folder's files. */
  file(name: (typeof RunFile)[keyof typeof RunFile]): string {
    return join(this.path, name);
  }

  /** Writes a whole file, mode 0600. Throws the system's error. */
  write(name: (typeof RunFile)[keyof typeof RunFile], text: string | Uint8Array): void {
    writeFileSync(this.file(name), text, { mode: 0o600 });
  }

  /** The new run has begun: removes the older one. A second call does nothing. */
  settle(): void {
    if (this.#aside === undefined) return;
    removeFiles(this.#aside);
    rmdirSync(this.#aside);
    this.#aside = undefined;
  }

  /**
   * Removes what this run wrote, and puts back the older run that it was to replace; without one it
   * removes the folder when that leaves it empty. A second call does nothing.
   */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    removeFiles(this.path);
    try {
      if (this.#aside === undefined) rmdirSync(this.path);
      else {
        moveFiles(this.#aside, this.path);
        rmdirSync(this.#aside);
      }
    } catch {
      // Something else is in it, and that is not ours to remove.
    }
  }
}

/** Opens the name of the folder, inside the run folder, that an older run is moved to. */
const ASIDE = ".replaced-";

function removeFiles(folder: string): void {
  for (const name of Object.values(RunFile)) rmSync(join(folder, name), { force: true });
}

/** Moves the files of a run, those that there are. */
function moveFiles(from: string, to: string): void {
  for (const name of Object.values(RunFile)) {
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
  }
}

/** A scenario as JSON text, bytes as base64; {@link parseResolved} reads it. */
export function formatResolved(scenario: Scenario, scenarioHash: string): string {
  const document = { format: RESOLVED_FORMAT, version: 1, scenarioHash, scenario };
  const text = JSON.stringify(
    document,
    (_key, value: unknown) =>
      value instanceof Uint8Array ? { $base64: Buffer.from(value).toString("base64") } : value,
    2,
  );
  return `${text}\n`;
}

/** Reads resolved.json of the run folder `folder`. Throws OperatingError E001 or E050. */
export function readResolved(folder: string): { scenario: Scenario; scenarioHash: string } {
  const path = join(folder, RunFile.resolved);
  const read = readWhole(path);
  if (!read.ok) {
    throw new OperatingError("E001", `cannot read '${path}': ${read.problem}`, "", EXIT_NO_INPUT);
  }
  return parseResolved(Buffer.from(read.bytes).toString("utf8"));
}

/** The inverse of {@link formatResolved}. */
export function parseResolved(text: string): { scenario: Scenario; scenarioHash: string } {
  let document: unknown;
  try {
    document = JSON.parse(text, (_key, value: unknown) => {
      if (typeof value !== "object" || value === null || !("$base64" in value)) return value;
      return new Uint8Array(Buffer.from(String(value.$base64), "base64"));
    });
  } catch {
    document = undefined;
  }
  if (
    typeof document !== "object" ||
    document === null ||
    !("format" in document) ||
    document.format !== RESOLVED_FORMAT ||
    !("scenario" in document) ||
    !("scenarioHash" in document)
  ) {
    throw new OperatingError(
      "E050",
      `not a run folder: ${RunFile.resolved} lacks 'format'`,
      "name a run folder, as the report of `faultplane run` prints it",
      EXIT_BAD_DATA,
    );
  }
  return {
    scenario: document.scenario as Scenario,
    scenarioHash: String(document.scenarioHash),
  };
}

/** Whether a folder holds a run (or nothing at all). */
function isRunFolder(path: string): boolean {
  if (!statSync(path).isDirectory()) return false;
  const names = readdirSync(path);
  return names.length === 0 || names.includes(RunFile.journal);
}

function nearestFolder(path: string): string {
  let folder = dirname(path);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** `parent` must be a folder that we may write to, with room for a run. */
function checkParent(parent: string, shown: string): void {
  if (!statSync(parent).isDirectory()) {
    throw refused(`cannot create '${shown}': '${parent}' is not a folder`, "choose another name");
  }
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch {
    throw refused(
      `cannot create '${shown}': folder '${parent}' is not writable`,
      "choose another place with --out",
    );
  }
  const { bavail, bsize } = statfsSync(parent);
  if (bavail * bsize < FREE_BYTES_MIN) {
    const free = Math.floor((bavail * bsize) / (1024 * 1024));
    throw refused(
      `cannot create '${shown}': ${free} MiB free on its disk; a run needs 100 MiB`,
      "free some space, or choose another place with --out",
    );
  }
}

function refused(message: string, hint: string): OperatingError {
  return new OperatingError("E033", message, hint, EXIT_CANNOT_CREATE);
}
