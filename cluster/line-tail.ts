/**
 * The lines of a file that may still grow, such as the event log of a run that is up. Reads on from
 * where it stood, holds a piece of the file at a time whatever its size, and never writes. The last
 * line is given when its line end is there.
 */
import { closeSync, fstatSync, readSync, statSync } from "node:fs";
import { ExitCode, OperatingError } from "./errors.ts";
import { openRegular } from "./read-file.ts";

const NEWLINE = 0x0a;

/** Bytes read at once. */
const PIECE_BYTES = 256 * 1024;

/** Longest line: a list of every rank of the largest cluster is shorter. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** One whole line, without its line end. */
export interface TailLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** A file that is being read. */
export class LineTail {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #inode: number;
  #piece = Buffer.allocUnsafe(PIECE_BYTES);
  /** Bytes in the piece: the beginning of a line whose end is not there yet. */
  #held = 0;
  /** Bytes of the file that were read. */
  #offset = 0;
  #lines = 0;

  /** Opens the file at `path`. Throws OperatingError E001. */
  constructor(path: string) {
    const opened = openRegular(path, "refused");
    if (!opened.ok) {
      throw new OperatingError(
        "E001",
        `cannot read '${path}': ${opened.problem}`,
        "name a run folder, or a run's id",
        ExitCode.noInput,
      );
    }
    this.#path = path;
    this.#descriptor = opened.descriptor;
    this.#inode = fstatSync(opened.descriptor).ino;
  }

  /** Bytes that the file has by now. */
  get sizeBytes(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Bytes behind the last line that was given. */
  get tornBytes(): number {
    return this.#held;
  }

  /** Whether another file has the name by now, or none. */
  get isReplaced(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#inode;
  }

  /**
   * The next lines of the first `untilBytes` of the file; none when all are given. Throws
   * OperatingError E051 for a line that is too long to be one of ours.
   */
  read(untilBytes = this.sizeBytes): TailLine[] {
    while (this.#offset < untilBytes) {
      this.#makeRoom();
      const room = Math.min(this.#piece.length - this.#held, untilBytes - this.#offset);
      const read = readSync(this.#descriptor, this.#piece, this.#held, room, this.#offset);
      if (read === 0) break;
      const searchFrom = this.#held;
      this.#offset += read;
      this.#held += read;
      const end = this.#piece.subarray(searchFrom, this.#held).lastIndexOf(NEWLINE);
      if (end >= 0) return this.#take(searchFrom + end);
    }
    return [];
  }

  /**
   * A run that was taken up again cuts its files back. Goes on from the file's new end; says
   * whether it was cut.
   */
  followCut(): boolean {
    const { sizeBytes } = this;
    if (sizeBytes >= this.#offset) return false;
    this.#offset = sizeBytes;
    this.#held = 0;
    return true;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Lines up to the line end at `end` in the piece. */
  #take(end: number): TailLine[] {
    const texts = this.#piece.toString("utf8", 0, end).split("\n");
    this.#piece.copyWithin(0, end + 1, this.#held);
    this.#held -= end + 1;
    if (this.#piece.length > PIECE_BYTES && this.#held < PIECE_BYTES) {
      this.#piece = Buffer.from(this.#piece.subarray(0, PIECE_BYTES));
    }
    const before = this.#lines;
    this.#lines += texts.length;
    return texts.map((text, place) => ({ text, number: before + place + 1 }));
  }

  #makeRoom(): void {
    if (this.#held < this.#piece.length) return;
    if (this.#held >= LINE_BYTES_MAX) {
      throw damagedLine(this.#path, this.#lines + 1, "longer than any line of ours");
    }
    const larger = Buffer.allocUnsafe(this.#piece.length * 2);
    this.#piece.copy(larger, 0, 0, this.#held);
    this.#piece = larger;
  }
}

/** E051: the line of a file of a run folder is none that a run writes. */
export function damagedLine(path: string, number: number, problem: string): OperatingError {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return new OperatingError(
    "E051",
    `line ${number.toLocaleString("en-US")} of ${name}: ${problem}; file was altered or damaged`,
    "the lines before it are whole",
    ExitCode.badData,
  );
}
