/**
 * A file that a command makes for its user: it is there when it is whole, or not at all. It is
 * written under another name beside it, as text or compressed, and takes its own name at the end.
 */
import {
  createWriteStream,
  existsSync,
  lstatSync,
  openSync,
  rmSync,
  statSync,
  type WriteStream,
} from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createGzip, type Gzip } from "node:zlib";
import { writeProblem } from "./append-file.ts";
import { ExitCode, OperatingError, systemCodeOf } from "./errors.ts";

export interface OutputOptions {
  /** As given. */
  readonly path: string;
  /** Replaces a file that exists. */
  readonly force: boolean;
  readonly isCompressed: boolean;
}

export class OutputFile {
  readonly #options: OutputOptions;
  readonly #partial: string;
  readonly #file: WriteStream;
  readonly #gzip: Gzip | undefined;
  #error: Error | undefined;

  /**
   * Begins the file. Throws OperatingError E033 when it exists and may not be replaced, or when its
   * folder is none.
   */
  constructor(options: OutputOptions) {
    const { path, force, isCompressed } = options;
    checkOutput(path, force);
    this.#options = options;
    const whole = resolve(path);
    this.#partial = join(dirname(whole), `.${basename(whole)}.${process.pid}.partial`);
    let fd: number;
    try {
      fd = openSync(this.#partial, "wx", 0o600);
    } catch (error) {
      throw this.#unwritable(error);
    }
    this.#file = createWriteStream(this.#partial, { fd });
    const fail = (error: Error): void => {
      this.#error ??= error;
    };
    this.#file.on("error", fail);
    if (!isCompressed) return;
    this.#gzip = createGzip();
    this.#gzip.on("error", fail);
    this.#gzip.pipe(this.#file);
  }

  /** Writes text; returns when there is room for more. Throws OperatingError E033. */
  async write(text: string): Promise<void> {
    const stream = this.#gzip ?? this.#file;
    if (this.#error !== undefined) throw this.#unwritable(this.#error);
    if (stream.write(text)) return;
    await new Promise<void>((done) => {
      const go = (): void => {
        stream.off("drain", go);
        this.#file.off("error", go);
        done();
      };
      stream.on("drain", go);
      this.#file.on("error", go);
    });
    if (this.#error !== undefined) throw this.#unwritable(this.#error);
  }

  /** Ends the file and gives it its name. Throws OperatingError E033. */
  async finish(): Promise<void> {
    await new Promise<void>((done) => {
      this.#file.once("close", () => done());
      if (this.#error !== undefined) done();
      (this.#gzip ?? this.#file).end();
    });
    const { path, force } = this.#options;
    try {
      if (this.#error !== undefined) throw this.#error;
      if (force) await rename(this.#partial, path);
      else {
        // A name that somebody else has taken meanwhile stays theirs.
        await link(this.#partial, path);
        await rm(this.#partial);
      }
    } catch (error) {
      this.discard();
      throw this.#unwritable(error);
    }
  }

  /** Leaves nothing behind. A second call does nothing. */
  discard(): void {
    this.#gzip?.unpipe();
    this.#file.destroy();
    rmSync(this.#partial, { force: true });
  }

  #unwritable(error: unknown): OperatingError {
    const isTaken = systemCodeOf(error) === "EEXIST";
    const problem = isTaken ? "it exists; use --force or another name" : writeProblem(error);
    return refused(`cannot write '${this.#options.path}': ${problem}`);
  }
}

/** Throws OperatingError E033 when a file may not be made at `path`; makes nothing. */
export function checkOutput(path: string, force: boolean): void {
  const whole = resolve(path);
  if (existsSync(whole)) {
    if (statSync(whole).isDirectory()) throw refused(`cannot write '${path}': it is a folder`);
    if (!lstatSync(whole).isFile()) {
      throw refused(`cannot write '${path}': it is no regular file; - writes to stdout`);
    }
    if (!force) throw refused(`'${path}' exists; use --force or another name`);
  }
  if (existsSync(dirname(whole))) return;
  throw refused(`cannot write '${path}': folder '${dirname(whole)}' does not exist`);
}

function refused(message: string): OperatingError {
  return new OperatingError("E033", message, "choose another name", ExitCode.cannotCreate);
}
