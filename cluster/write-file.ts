/**
 * Writes whole files of a run folder: one has all of its text, or is as it was. What is there under
 * either name is replaced, and never written through: a link in a run folder is none of ours.
 */
import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a file, mode 0600 from its first byte on. Throws the system's error. */
export function writeRunFile(path: string, text: string | Uint8Array): void {
  const unnamed = `${path}.new`;
  rmSync(unnamed, { force: true });
  try {
    writeFileSync(unnamed, text, { mode: 0o600, flag: "wx" });
    renameSync(unnamed, path);
  } catch (error) {
    removeQuietly(unnamed);
    throw error;
  }
}

/** Removes a file, if that can be done. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Who cannot write to the folder has said so already.
  }
}
