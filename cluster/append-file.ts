/**
 * A file that only grows, a batch at a time, synchronously: what was appended is out of this
 * process when the call returns, and survives its end; `sync` makes it survive a loss of power. A
 * batch that does not fit is taken back whole, so a file ends in a full line.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { formatTime } from "../src/model/time.ts";
import { ExitCode, messageOf, OperatingError, systemCodeOf } from "./errors.ts";

/** What the usual system codes mean, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large",
  EIO: "input/output error",
  EROFS: "read-only file system",
  EACCES: "permission denied",
  ENOENT: "its folder is gone",
  EBADF: "file was closed",
};

/** How a file is opened. */
export type AppendMode =
  /** Created, mode 0600; it must not exist. */
  | "create"
  /** A device, which is there and keeps nothing. */
  | "device"
  /** It is there; only its first bytes are kept. */
  | { readonly keepBytes: number };

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** A link in a run folder is none of ours: what it points to is neither cut nor appended to. */
const FLAGS = {
  create: O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
  device: O_WRONLY | O_APPEND,
  keep: O_WRONLY | O_APPEND | O_NOFOLLOW,
} as const;

/** An open run log. */
export class AppendFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #isFile: boolean;
  #length: number;
  #folderIsSafe = false;
  #open = true;

  /** Opens the file at `path`. Throws the system's error. */
  constructor(path: string, mode: AppendMode = "create") {
    this.#path = path;
    this.#descriptor = openSync(path, FLAGS[typeof mode === "object" ? "keep" : mode], 0o600);
    if (typeof mode === "object") ftruncateSync(this.#descriptor, mode.keepBytes);
    const stat = fstatSync(this.#descriptor);
    this.#isFile = stat.isFile();
    this.#length = stat.size;
  }

  /**
   * Appends `text` whole, or throws OperatingError E060 with the last safe instant and leaves the
   * file as it was.
   */
  append(text: string, safeUntilPs: number): void {
    if (text === "") return;
    const bytes = Buffer.from(text, "utf8");
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written);
      }
    } catch (error) {
      this.#takeBack();
      throw unwritable(error, safeUntilPs);
    }
    this.#length += bytes.length;
  }

  /**
   * Returns when everything appended survives a loss of power: milliseconds, on a disk. Throws
   * OperatingError E060.
   */
  sync(safeUntilPs: number): void {
    if (!this.#isFile) return;
    try {
      fdatasyncSync(this.#descriptor);
      if (!this.#folderIsSafe) syncFolder(dirname(this.#path));
      this.#folderIsSafe = true;
    } catch (error) {
      throw unwritable(error, safeUntilPs);
    }
  }

  /**
   * Throws OperatingError E060 when the file is no longer what was written: removed, replaced, cut
   * short, or written to by somebody else.
   */
  check(safeUntilPs: number): void {
    if (!this.#isFile) return;
    const problem = this.#problem();
    if (problem === undefined) return;
    throw new OperatingError(
      "E060",
      `run log cannot be written (${basename(this.#path)} ${problem}); ` +
        `stopped at virtual time ${formatTime(safeUntilPs)}`,
      "run it again; nobody else may change the folder of a run that is up",
      ExitCode.inputOutput,
    );
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
  }

  /** What became of the file, in words; undefined: nothing. */
  #problem(): string | undefined {
    const ours = fstatSync(this.#descriptor);
    if (ours.nlink === 0) return "was removed";
    if (ours.size < this.#length) return "was cut short by somebody else";
    if (ours.size > this.#length) return "was written to by somebody else";
    try {
      const there = lstatSync(this.#path);
      return there.ino === ours.ino && there.dev === ours.dev ? undefined : "was replaced";
    } catch (error) {
      return systemCodeOf(error) === "ENOENT" ? "was moved away" : "cannot be reached any more";
    }
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#descriptor, this.#length);
    } catch {
      // A device cannot be truncated, and a broken disk has said so already.
    }
  }
}

/** A new file survives a loss of power only with its entry in the folder. */
function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Why a file cannot be written, in words. */
export function writeProblem(error: unknown): string {
  const code = systemCodeOf(error);
  return REASONS[code] ?? (code === "" ? messageOf(error) : code);
}

function unwritable(error: unknown, safeUntilPs: number): OperatingError {
  return new OperatingError(
    "E060",
    `run log cannot be written (${writeProblem(error)}); ` +
      `stopped at virtual time ${formatTime(safeUntilPs)}, everything before is safe`,
    "free some space, or choose another place with --out",
    ExitCode.inputOutput,
  );
}
