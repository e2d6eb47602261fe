/**
 * Files that hold a secret: read only when nobody but their owner, who must be us, can read them,
 * and written so that nobody else ever could. Never prints what is in them.
 */
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { ExitCode, OperatingError, systemCodeOf } from "./errors.ts";
import { isSymbolicLink, reasonOf } from "./read-file.ts";

/** Permission bits that a secret file must have: its owner reads and writes, nobody else. */
export const SECRET_MODE = 0o600;

/** Permission bits by which others could change a file or what is in a folder. */
export const WRITABLE_BY_OTHERS = 0o022;

const PERMISSION_BITS = 0o777;

/** Error E045, exit code 77: a secret, or the file it is in, cannot be used. */
export function unusable(message: string, hint = ""): OperatingError {
  return new OperatingError("E045", message, hint, ExitCode.notPermitted);
}

/**
 * Reads a secret file of at most `limitBytes`. Throws E045 when it is a symbolic link, no regular
 * file, another user's, not mode 0600, or larger; `undefined` when there is none.
 */
export function readSecret(path: string, limitBytes: number): Uint8Array | undefined {
  let descriptor: number;
  try {
    // O_NOFOLLOW: what a link points to may change after it was looked at. O_NONBLOCK: never wait
    // for somebody to write a pipe.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    descriptor = openSync(path, flags);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    if (isSymbolicLink(path)) throw unusable(`'${path}' is a symbolic link; name the file itself`);
    throw unusable(`cannot read '${path}': ${reasonOf(error)}`);
  }
  try {
    // Of the open file, not of the name: what is judged is what is read.
    const stat = fstatSync(descriptor);
    const { mode, uid, size } = stat;
    if (!stat.isFile()) {
      throw unusable(`'${path}' is not a regular file`);
    }
    const user = process.getuid?.() ?? uid;
    if (uid !== user) throw unusable(`'${path}' belongs to user ${uid}, and we are user ${user}`);
    const permissions = mode & PERMISSION_BITS;
    if (permissions !== SECRET_MODE) {
      const octal = permissions.toString(8).padStart(4, "0");
      throw unusable(`'${path}' is mode ${octal}, need 0600`, `chmod 600 '${path}'`);
    }
    if (size > limitBytes) throw unusable(`'${path}' has ${size} bytes, at most ${limitBytes}`);
    const bytes = new Uint8Array(limitBytes);
    const length = readSync(descriptor, bytes, 0, limitBytes, 0);
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Creates a secret file, whole from the moment it has its name. False when there was one already,
 * which stays as it is. Throws the system's error.
 */
export function createSecret(path: string, text: string): boolean {
  const unnamed = `${path}.${process.pid}.new`;
  writeFileSync(unnamed, text, { mode: SECRET_MODE, flag: "wx" });
  try {
    linkSync(unnamed, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(unnamed, { force: true });
  }
}
