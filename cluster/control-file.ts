/**
 * control.json of a run folder: how to reach the run, while it is up. Whoever can read it may do
 * anything to the run, so only its owner can. A run that was killed leaves it behind.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemCodeOf } from "./errors.ts";
import type { ControlAddress } from "./prepared-run.ts";
import { readRunFile } from "./read-file.ts";
import { writeRunFile } from "./write-file.ts";

/** Its name in a run folder. */
export const CONTROL_FILE = "control.json";

const FORMAT = "faultplane-control";

/** Larger files are not ours. */
const BYTES_MAX = 4096;

/** Largest TCP port. */
const PORT_MAX = 65_535;

export interface ControlFile extends ControlAddress {
  readonly runId: string;
  /** Process that coordinates the run. */
  readonly pid: number;
  /** What the drill does is hidden from operators. */
  readonly isBlind?: boolean;
}

/** Writes the file, whole and mode 0600 from its first byte on. Throws the system's error. */
export function writeControl(folder: string, control: ControlFile): void {
  const path = join(folder, CONTROL_FILE);
  const text = `${JSON.stringify({ format: FORMAT, version: 1, ...control })}\n`;
  writeRunFile(path, text);
}

/** The run is over. Never throws: a file that stays behind names a process that is gone. */
export function removeControl(folder: string): void {
  try {
    rmSync(join(folder, CONTROL_FILE), { force: true });
  } catch {
    // The folder is read-only by now, or lies on a disk that is gone.
  }
}

/** The file of a run folder; undefined when there is none, or it is none of ours. */
export function readControl(folder: string): ControlFile | undefined {
  const read = readRunFile(join(folder, CONTROL_FILE), BYTES_MAX);
  if (!read.ok) return undefined;
  try {
    const value = JSON.parse(Buffer.from(read.bytes).toString("utf8")) as ControlFile & {
      readonly format: unknown;
    };
    const { format, port, token, pid, runId, isBlind } = value;
    const isOurs =
      format === FORMAT &&
      Number.isInteger(port) &&
      port > 0 &&
      port <= PORT_MAX &&
      Number.isInteger(pid) &&
      pid > 0 &&
      typeof runId === "string" &&
      /^[0-9a-f]{64}$/.test(token);
    return isOurs ? { port, token, pid, runId, isBlind: isBlind === true } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process with that id exists, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === "EPERM";
  }
}

/** The process of the run that is up in `folder`; undefined when none is. */
export function runningIn(folder: string): number | undefined {
  const pid = readControl(folder)?.pid;
  return pid !== undefined && isAlive(pid) ? pid : undefined;
}

/** Folders directly below `parent` whose run is up, the newest control file first. */
export function runningBelow(parent: string): string[] {
  const found: { path: string; atMs: number }[] = [];
  for (const name of namesIn(parent)) {
    const path = join(parent, name);
    if (runningIn(path) === undefined) continue;
    found.push({ path, atMs: changedAtMs(join(path, CONTROL_FILE)) });
  }
  return found.sort((left, right) => right.atMs - left.atMs).map(({ path }) => path);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function changedAtMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
