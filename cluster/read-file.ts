/**
 * Reads whole files that an operator names. Only regular files: a pipe would be waited for, and a
 * device may have no end.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from "node:fs";
import { systemCodeOf } from "./errors.ts";

/** The bytes of a file, or why there are none, in words. */
export type WholeFile =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: string };

/** A regular file that is open for reading, or why there is none, in words. */
export type OpenFile =
  | { readonly ok: true; readonly descriptor: number; readonly sizeBytes: number }
  | { readonly ok: false; readonly problem: string };

/**
 * Opens the regular file at `path` for reading; who gets a descriptor closes it. Never blocks and
 * never throws for what it finds there. `links`: whether the file may be reached by a symbolic link
 * of that name; in a run folder none is ours.
 */
export function openRegular(path: string, links: "followed" | "refused" = "followed"): OpenFile {
  let descriptor: number | undefined;
  try {
    // O_NONBLOCK: to open a pipe for reading would wait for somebody to write.
    const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
    const refusing = links === "refused" ? O_NOFOLLOW : 0;
    descriptor = openSync(path, O_RDONLY | O_NONBLOCK | refusing);
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return { ok: true, descriptor, sizeBytes: stat.size };
    closeSync(descriptor);
    return { ok: false, problem: `it is ${kindOf(stat)}` };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (links === "refused" && isSymbolicLink(path)) return { ok: false, problem: SYMBOLIC_LINK };
    return { ok: false, problem: reasonOf(error) };
  }
}

/** What is wrong with a symbolic link where a run has its files, in words. */
export const SYMBOLIC_LINK = "it is a symbolic link, and a run makes none";

/** Whether there is a symbolic link with that very name. */
export function isSymbolicLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    // Nobody may look into its folder.
    return false;
  }
}

/**
 * Reads a file of a run folder, up to `limitBytes` and one byte more; a symbolic link is refused.
 * Never blocks and never throws for what it finds there.
 */
export function readRunFile(path: string, limitBytes = Number.POSITIVE_INFINITY): WholeFile {
  return readAll(openRegular(path, "refused"), limitBytes);
}

/**
 * Reads the file at `path`, up to `limitBytes` and one byte more. Never blocks and never throws for
 * what it finds there.
 */
export function readWhole(path: string, limitBytes = Number.POSITIVE_INFINITY): WholeFile {
  return readAll(openRegular(path), limitBytes);
}

function readAll(opened: OpenFile, limitBytes: number): WholeFile {
  if (!opened.ok) return opened;
  const { descriptor, sizeBytes } = opened;
  try {
    if (sizeBytes > limitBytes) {
      return { ok: false, problem: `it is ${Math.ceil(sizeBytes / 2 ** 20)} MiB large` };
    }
    return { ok: true, bytes: readBounded(descriptor, limitBytes) };
  } catch (error) {
    return { ok: false, problem: reasonOf(error) };
  } finally {
    closeSync(descriptor);
  }
}

/** Why a file cannot be read, in words. */
export function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  switch (code) {
    case "ENOENT":
      return "no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    case "ENOTDIR":
      return "part of its path is not a folder";
    case "ELOOP":
      return "too many symbolic links";
    case "ENXIO":
      return "it is a socket or a device, not a regular file";
    default:
      return code === "" ? "it cannot be opened" : code;
  }
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return "a directory";
  return `${stat.isFIFO() ? "a pipe" : "a device"}, not a regular file`;
}

/** Everything up to the limit and one byte more; a file may grow while it is read. */
function readBounded(descriptor: number, limitBytes: number): Uint8Array {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total <= limitBytes) {
    const chunk = Buffer.alloc(256 * 1024);
    const length = readSync(descriptor, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return new Uint8Array(Buffer.concat(chunks));
}
