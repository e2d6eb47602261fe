/**
 * The folder of a run: where it is, what is in it, and the checks before anything is created. Only
 * files named here are ever overwritten or removed.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Scenario } from "../src/model/scenario.ts";
import { writeProblem } from "./append-file.ts";
import { CONTROL_FILE } from "./control-file.ts";
import { ExitCode, OperatingError, systemCodeOf } from "./errors.ts";
import { readRunFile } from "./read-file.ts";
import { holderOf, RunLock, stillUp } from "./run-lock.ts";
import { writeRunFile } from "./write-file.ts";

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
  /** What each link carried, bin by bin of virtual time. */
  traffic: "traffic.ndjson",
  reportJson: "report.json",
  reportMarkdown: "report.md",
  reportHtml: "report.html",
} as const;

const RESOLVED_FORMAT = "faultplane-resolved";
/** A run is not started with less than this on the disk. */
const FREE_BYTES_MIN = 100 * 1024 * 1024;

/** Where a run goes. */
export interface RunFolderPlan {
  /** Absolute path. */
  readonly path: string;
  /** The folder exists and is an older run's, to be replaced. */
  readonly replace: boolean;
  /** The folder exists, and its run is taken up again: nothing of it is removed. */
  readonly reopen?: true;
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
    const holder = holderOf(path);
    if (holder !== undefined) throw stillUp(out, holder);
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

/**
 * The folder `given` of a run that is to be taken up again. Throws OperatingError E033 when it
 * holds none, or one that is still up.
 */
export function planReopen(given: string): RunFolderPlan {
  const path = resolve(given);
  if (!existsSync(join(path, RunFile.journal))) {
    throw refused(`'${given}' is not a run folder`, "name a run folder, as a report prints it");
  }
  const holder = holderOf(path);
  if (holder !== undefined) throw stillUp(given, holder);
  return { path, replace: false, reopen: true };
}

/** A run folder while it is being written. */
export class RunFolder {
  readonly path: string;
  readonly #lock: RunLock;
  readonly #isReopened: boolean;
  /** Where the files of the run that is replaced are until `settle`. */
  #aside: string | undefined;
  #isRemoved = false;

  /**
   * Creates the folder (mode 0700) and takes it; an older run in it is moved aside. Throws
   * OperatingError E033, also when another process has it.
   */
  constructor(plan: RunFolderPlan) {
    this.path = plan.path;
    this.#isReopened = plan.reopen === true;
    let lock: RunLock | undefined;
    let isMade = false;
    try {
      if (!plan.replace && !this.#isReopened) {
        mkdirSync(dirname(plan.path), { recursive: true, mode: 0o700 });
        mkdirSync(plan.path, { mode: 0o700 });
        isMade = true;
      }
      lock = new RunLock(plan.path);
      if (plan.replace) {
        this.#aside = mkdtempSync(join(this.path, ASIDE));
        moveFiles(this.path, this.#aside);
      }
    } catch (error) {
      if (this.#aside !== undefined) moveFiles(this.#aside, this.path);
      lock?.release();
      if (isMade) rmdirSync(this.path);
      if (error instanceof OperatingError) throw error;
      throw refused(`cannot create '${plan.path}': ${systemCodeOf(error)}`, "");
    }
    this.#lock = lock;
  }

  /** Full name of one of the folder's files. */
  file(name: (typeof RunFile)[keyof typeof RunFile]): string {
    return join(this.path, name);
  }

  /** Writes a whole file, mode 0600, or nothing of it. Throws OperatingError E060. */
  write(name: (typeof RunFile)[keyof typeof RunFile], text: string | Uint8Array): void {
    const path = this.file(name);
    try {
      writeRunFile(path, text);
    } catch (error) {
      throw new OperatingError(
        "E060",
        `${name} cannot be written (${writeProblem(error)})`,
        "free some space, or choose another place with --out",
        ExitCode.inputOutput,
      );
    }
  }

  /** The new run has begun: removes the older one. A second call does nothing. */
  settle(): void {
    if (this.#aside === undefined) return;
    removeFiles(this.#aside);
    rmdirSync(this.#aside);
    this.#aside = undefined;
  }

  /** The run is over: others may have the folder. A second call does nothing. */
  release(): void {
    this.#lock.release();
  }

  /**
   * Removes what this run wrote, and puts back the older run that it was to replace; without one it
   * removes the folder when that leaves it empty. A run that was taken up again loses nothing. A
   * second call does nothing.
   */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    if (this.#isReopened) {
      this.release();
      return;
    }
    removeFiles(this.path);
    this.release();
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
    const isThere = lstatSync(join(from, name), { throwIfNoEntry: false }) !== undefined;
    if (isThere) renameSync(join(from, name), join(to, name));
  }
}

/** What a run resolved to. */
export interface Resolved {
  readonly scenario: Scenario;
  readonly scenarioHash: string;
  /** Of a drill: all of it but its scenario. */
  readonly drill?: unknown;
  /** A blind drill: whoever takes it up again is not told what it does, either. */
  readonly isBlind?: boolean;
}

/** As JSON text, with bytes as base64 and infinity by name; {@link parseResolved} reads it. */
export function formatResolved({ scenario, scenarioHash, drill, isBlind }: Resolved): string {
  const document = { format: RESOLVED_FORMAT, version: 1, scenarioHash, scenario, drill, isBlind };
  const text = JSON.stringify(
    document,
    (_key, value: unknown) => {
      if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString("base64") };
      if (value === Number.POSITIVE_INFINITY) return { $infinity: 1 };
      return value === Number.NEGATIVE_INFINITY ? { $infinity: -1 } : value;
    },
    2,
  );
  return `${text}\n`;
}

/** Reads resolved.json of the run folder `folder`. Throws OperatingError E001 or E050. */
export function readResolved(folder: string): Resolved {
  const path = join(folder, RunFile.resolved);
  const read = readRunFile(path);
  if (!read.ok) {
    throw new OperatingError(
      "E001",
      `cannot read '${path}': ${read.problem}`,
      "",
      ExitCode.noInput,
    );
  }
  return parseResolved(Buffer.from(read.bytes).toString("utf8"));
}

/** The inverse of {@link formatResolved}. */
export function parseResolved(text: string): Resolved {
  let document: unknown;
  try {
    document = JSON.parse(text, (_key, value: unknown) => {
      if (typeof value !== "object" || value === null) return value;
      if ("$infinity" in value) return Number(value.$infinity) * Number.POSITIVE_INFINITY;
      if (!("$base64" in value)) return value;
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
      ExitCode.badData,
    );
  }
  return {
    scenario: document.scenario as Scenario,
    scenarioHash: String(document.scenarioHash),
    ...("drill" in document ? { drill: document.drill } : {}),
    ...("isBlind" in document ? { isBlind: document.isBlind === true } : {}),
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
  return new OperatingError("E033", message, hint, ExitCode.cannotCreate);
}
