/**
 * What a run needs of this host, checked before anything is started: entry points that exist and
 * enough file descriptors. Estimates on the safe side; the wording is for the operator.
 */
import { existsSync, readFileSync } from "node:fs";
import { ExitCode, OperatingError } from "./errors.ts";

/** Descriptors of a Node process with a server, logs and a terminal, before any peer. */
const BASE_DESCRIPTORS = 40;

/** A child costs its launcher two: standard error and the IPC channel. */
const DESCRIPTORS_A_CHILD = 2;

/**
 * Descriptors of the process that needs most, for `workers` workers with at most `peers` peers
 * each.
 */
export function descriptorsNeeded(workers: number, peers: number): number {
  return BASE_DESCRIPTORS + Math.max(workers * DESCRIPTORS_A_CHILD, peers);
}

/**
 * The soft limit of open files in the text of /proc/PID/limits; Infinity when it is unlimited or
 * not there.
 */
export function openFilesLimit(limits: string): number {
  const value = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return value === undefined || value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
}

/**
 * Throws an OperatingError: E061 for too few descriptors, E062 for an entry point that is missing.
 */
export function checkHost(entryPoints: readonly string[], workers: number, peers: number): void {
  for (const path of entryPoints) {
    if (!existsSync(path)) {
      const message = `worker file '${path}' is missing`;
      throw new OperatingError("E062", message, "install Faultplane again", ExitCode.unavailable);
    }
  }
  const limit = openFilesLimit(readLimits());
  const needed = descriptorsNeeded(workers, peers);
  if (needed > limit) {
    const message = `needs about ${needed} file descriptors, limit is ${limit} (ulimit -n)`;
    const hint = "raise the limit, or choose a placement with fewer processes";
    throw new OperatingError("E061", message, hint, ExitCode.unavailable);
  }
}

/** Empty where the host has no /proc. */
function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
