/**
 * Names of runs: when it began (UTC) and a few random letters. A run's id is an observation of the
 * host; nothing in virtual time may depend on it. The only file that imports nanoid.
 */
import { customAlphabet } from "nanoid";

const randomPart = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 8);

/** `20260102t030405z-k3v9q0xa`: sorts by time, safe as a file name; `now` is the host's clock. */
export function makeRunId(now: Date = new Date()): string {
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, "z")
    .replace(/[-:]/g, "")
    .toLowerCase();
  return `${stamp}-${randomPart()}`;
}
