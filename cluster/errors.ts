/**
 * What an operator can meet and mend: a port in use, too few file descriptors, a peer that refuses.
 * Carries the code, the words and the exit code; printing is the command's matter. A bug in
 * Faultplane is not one of these but an InvariantError.
 */

/** Exit codes that errors of the processes of a run carry (sysexits). */
export const ExitCode = {
  badData: 65,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  inputOutput: 74,
  tryAgain: 75,
  notPermitted: 77,
  configuration: 78,
} as const;

/** An error with a remedy. `message` is what was found and what is allowed, without the code. */
export class OperatingError extends Error {
  /** `E0xx`, as listed for users. */
  readonly code: string;
  /** What to try next; empty when there is nothing to say. */
  readonly hint: string;
  readonly exitCode: number;

  constructor(code: string, message: string, hint: string, exitCode: number) {
    super(message);
    this.name = "OperatingError";
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** An error as the page and other programs are told of it. */
export function problemOf(error: unknown): {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
} {
  if (error instanceof OperatingError) {
    const { code, message, hint } = error;
    return { code, message, hint };
  }
  return { code: "E070", message: `internal: ${messageOf(error)}`, hint: "this is a bug" };
}

/** The `code` of a system error (`EADDRINUSE`), or empty. */
export function systemCodeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
