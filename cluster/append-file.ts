/**
 * A file that only grows, a batch at a time, synchronously: what was appended is out of this
 * process when the call returns. A batch that does not fit is taken back whole, so a file ends in a
 * full line.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { formatTime } from "../src/model/time.ts";
import { OperatingError, systemCodeOf } from "./errors.ts";

/** Exit code of an I/O error (sysexits). */
const EXIT_IO = 74;

/** What the usual system codes mean, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large",
  EIO: "input/output error",
  EROFS: "read-only file system",
  EBADF: "file was closed",
};

/** An open run log. */
export class AppendFile {
  readonly #descriptor: number;
  #length: number;
  #open = true;

  /**
   * Creates `path` (mode 0600), which must not exist; with `existing` it appends to what is there
   * (a device).
   */
  constructor(path: string, existing = false) {
    this.#descriptor = openSync(path, existing ? "a" : "ax", 0o600);
    this.#length = fstatSync(this.#descriptor).size;
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
      const code = systemCodeOf(error);
      throw new OperatingError(
        "E060",
        `run log cannot be written (${REASONS[code] ?? code}); ` +
          `stopped at virtual time ${formatTime(safeUntilPs)}, everything before is safe`,
        "free some space, or choose another place with --out",
        EXIT_IO,
      );
    }
    this.#length += bytes.length;
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#descriptor, this.#length);
    } catch {
      // A device cannot be truncated, and a broken disk has said so already.
    }
  }
}
