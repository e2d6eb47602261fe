/**
 * How the command fails: one `error[E0xx]` and a hint on stderr, and an exit code. A stack trace is
 * shown only with --debug. Imports nothing heavy, so that it can report on everything else.
 */
import { escapeControls } from "../../src/base/escape.ts";

/** What a failing run can say about itself. */
export interface RunContext {
  seed?: string;
  runDir?: string;
  debug: boolean;
}

/** Filled in by the commands as they go on; read when something breaks. */
export const runContext: RunContext = { debug: false };

const EXIT_INTERNAL = 70;
const EXIT_IO = 74;

/** What the host says when it has no room, no handles or no working disk: nobody's bug. */
const HOST_TROUBLE = ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EMFILE", "ENFILE"];

/** Writes what went wrong to stderr and returns the exit code. */
export function reportFailure(error: unknown): number {
  const lines: string[] = [];
  let exitCode = EXIT_INTERNAL;
  if (isCoded(error)) {
    exitCode = error.exitCode;
    lines.push(`error[${error.code}] ${escapeControls(error.message)}`);
    if (error.hint !== "") lines.push(`  hint: ${escapeControls(error.hint)}`);
  } else if (isHostTrouble(error)) {
    exitCode = EXIT_IO;
    lines.push(`error[E060] output cannot be written: ${escapeControls(error.message)}`);
    lines.push("  hint: make room, or raise the limit (ulimit -a), and run it again");
  } else {
    const message = error instanceof Error ? error.message : String(error);
    lines.push(`error[E070] internal: ${escapeControls(message.split("\n")[0])}`);
    lines.push(`  hint: ${internalHint()}`);
  }
  if (runContext.debug && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack);
  }
  try {
    process.stderr.write(`${lines.join("\n")}\n`);
  } catch {
    // Nobody reads; the exit code still tells.
  }
  return exitCode;
}

function internalHint(): string {
  const { seed, runDir, debug } = runContext;
  const parts: string[] = ["this is a bug in faultplane"];
  if (seed !== undefined) parts.push(`seed ${seed}`);
  if (runDir !== undefined) parts.push(`replay it with: faultplane replay ${runDir}`);
  if (!debug) parts.push("add --debug for the stack trace");
  return escapeControls(parts.join("; "));
}

function isHostTrouble(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    HOST_TROUBLE.includes(error.code)
  );
}

interface Coded extends Error {
  readonly code: string;
  readonly hint: string;
  readonly exitCode: number;
}

/** An operating error, whichever module defined it: it carries all that has to be said. */
function isCoded(error: unknown): error is Coded {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    /^E\d{3}$/.test(error.code) &&
    "hint" in error &&
    typeof error.hint === "string" &&
    "exitCode" in error &&
    typeof error.exitCode === "number"
  );
}
