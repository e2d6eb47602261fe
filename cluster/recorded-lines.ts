/**
 * The lines of an event log on disk, compared byte for byte with those that a re-execution yields.
 * It reads on as it compares and holds a fixed piece of the file, so a log may be larger than
 * memory; it never writes.
 */
import { closeSync, readSync } from "node:fs";
import { ExitCode, OperatingError } from "./errors.ts";
import { openRegular } from "./read-file.ts";

const NEWLINE = 0x0a;

/** Bytes read at once, and the longest line that can be equal. */
const PIECE_BYTES = 1024 * 1024;

/** Longest line that is shown whole, bytes. */
const SHOWN_BYTES = 400;

/** An event log that is being compared. */
export class RecordedLines {
  /** Whole lines in the file. */
  readonly lines: number;
  /** Bytes of an incomplete last line; 0 when there is none. */
  readonly tornBytes: number;
  readonly #descriptor: number;
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  /** What of the piece has been read and not been compared. */
  #start = 0;
  #end = 0;
  /** Bytes of the file that are in the piece or were. */
  #readBytes = 0;
  #taken = 0;

  /** Opens the file at `path` and counts its lines. Throws OperatingError E001. */
  constructor(path: string) {
    const opened = openRegular(path, "refused");
    if (!opened.ok) throw unreadable(path, opened.problem);
    this.#descriptor = opened.descriptor;
    try {
      const { lines, tornBytes } = this.#count();
      this.lines = lines;
      this.tornBytes = tornBytes;
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** Lines that were compared and are equal. */
  get taken(): number {
    return this.#taken;
  }

  /** Bytes of those lines: where the next one begins. */
  get takenBytes(): number {
    return this.#readBytes - (this.#end - this.#start);
  }

  /** Goes on to the next line when this one is `line`, line end included; says whether it is. */
  take(line: string): boolean {
    const bytes = Buffer.from(line, "utf8");
    this.#hold(bytes.length);
    const end = this.#start + bytes.length;
    if (end > this.#end || bytes.compare(this.#piece, this.#start, end) !== 0) return false;
    this.#start = end;
    this.#taken += 1;
    return true;
  }

  /** How the next line begins, for people, or that there is none. */
  get next(): string {
    this.#hold(SHOWN_BYTES + 1);
    const held = this.#piece.subarray(this.#start, this.#end);
    if (held.length === 0) return "nothing: the log ended";
    const end = held.indexOf(NEWLINE);
    if (end < 0 && this.#taken >= this.lines) return "an incomplete line: the log ended";
    return shown(held.toString("utf8", 0, end < 0 ? held.length : end));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Has so many bytes in the piece, when the file has them. */
  #hold(bytes: number): void {
    if (this.#end - this.#start >= bytes) return;
    this.#piece.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    while (this.#end < PIECE_BYTES) {
      const room = PIECE_BYTES - this.#end;
      const read = readSync(this.#descriptor, this.#piece, this.#end, room, this.#readBytes);
      if (read === 0) return;
      this.#end += read;
      this.#readBytes += read;
    }
  }

  #count(): { readonly lines: number; readonly tornBytes: number } {
    let lines = 0;
    let sizeBytes = 0;
    let wholeBytes = 0;
    for (;;) {
      const read = readSync(this.#descriptor, this.#piece, 0, PIECE_BYTES, sizeBytes);
      if (read === 0) return { lines, tornBytes: sizeBytes - wholeBytes };
      const piece = this.#piece.subarray(0, read);
      for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) {
        lines += 1;
        wholeBytes = sizeBytes + at + 1;
      }
      sizeBytes += read;
    }
  }
}

/** Words for two lines that differ; `line` from 1. */
export function lineDifference(line: number, expected: string, actual: string): string {
  const place = `fact ${line} (line ${line} of events.ndjson)`;
  return `${place}: expected ${shown(expected)}; actual ${shown(actual)}`;
}

function shown(text: string): string {
  return text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)}...` : text;
}

function unreadable(path: string, problem: string): OperatingError {
  return new OperatingError(
    "E001",
    `cannot read '${path}': ${problem}`,
    "replay needs the whole run folder",
    ExitCode.noInput,
  );
}
