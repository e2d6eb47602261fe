/**
 * Starts Node processes of a run: an explicit environment, no standard input, an IPC channel whose
 * end tells the child that its parent is gone, and the tail of its standard error. The only file
 * that imports node:child_process; there is no shell anywhere.
 */
import { spawn } from "node:child_process";
import { shortened } from "./message-readers.ts";
import type { ExitNotice } from "./messages.ts";

/** What is kept of a child's standard error. */
const STDERR_LINES = 20;
const STDERR_CHARACTERS = 16_384;

/** Variables of this process's own environment that a child needs to run at all. */
const INHERITED = ["PATH", "LD_LIBRARY_PATH", "SystemRoot", "TMPDIR"];

/**
 * Flags of node for worker processes. A worker is busy for microseconds at a time: a small young
 * generation saves it 5 MB and costs nothing that could be measured.
 */
export const WORKER_FLAGS: readonly string[] = ["--max-semi-space-size=1"];

/**
 * Flags of node for every child: without the accessor `__proto__`, no value that crossed a link can
 * reach a prototype by it.
 */
const CHILD_FLAGS: readonly string[] = ["--disable-proto=delete"];

export interface LaunchOptions {
  /** The child's entry point, a .js file. */
  readonly main: string;
  /** Flags of node and V8. */
  readonly nodeFlags: readonly string[];
  /** The child's environment, besides the few variables it needs to run at all. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called once, when the process has ended and its standard error has been read. */
  exited(exit: ExitNotice): void;
  /** What the child says by {@link tellLauncher}. */
  told?(message: unknown): void;
}

/** A child. */
export interface LaunchedProcess {
  /** 0 when it could not be started; `exited` follows. */
  readonly pid: number;
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Says something to the child; nothing once it has ended. */
  tell(message: object): void;
}

/** Starts `node nodeFlags main`. Never throws: a child that cannot be started has exited. */
export function launch(options: LaunchOptions): LaunchedProcess {
  const child = spawn(process.execPath, [...CHILD_FLAGS, ...options.nodeFlags, options.main], {
    env: { ...inherited(), ...options.environment },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    windowsHide: true,
  });
  let stderr = "";
  let done = false;
  const finish = (code: number | null, signal: string | null): void => {
    if (done) return;
    done = true;
    options.exited({ code, signal, stderr: lastLines(stderr) });
  };
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  child.stderr?.on("error", () => undefined);
  child.on("error", (error) => {
    if (child.pid !== undefined) return;
    stderr += error.message;
    finish(null, null);
  });
  child.on("close", finish);
  child.on("message", (message) => options.told?.(message));
  return {
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    tell: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
  };
}

/** Calls `gone` when the process that launched this one has ended, or closed the channel. */
export function onLauncherGone(gone: () => void): void {
  process.on("disconnect", gone);
  if (!process.connected) gone();
}

/** Calls `told` with what the process that launched this one says to it. */
export function onLauncherMessage(told: (message: unknown) => void): void {
  process.on("message", told);
}

/** Says something to the process that launched this one. */
export function tellLauncher(message: object): void {
  process.send?.(message);
}

/** Those variables that are set. */
function inherited(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

function lastLines(text: string): string[] {
  return (
    text
      .split("\n")
      .filter((line) => line !== "")
      .slice(-STDERR_LINES)
      // A slice can begin in the middle of a surrogate pair, which no codec accepts.
      .map((line) => shortened(line.replace(/\p{Surrogate}/gu, "\uFFFD")))
  );
}

/** A program of the host that is run to its end. */
export interface ToolCall {
  /** Its name, looked up in PATH. */
  readonly command: string;
  readonly words: readonly string[];
  /** The folder to run in. */
  readonly folder: string;
  /** Its environment, besides the few variables it needs to run at all. */
  readonly environment: Readonly<Record<string, string>>;
  /** Wall ms after which it is ended. */
  readonly withinMs: number;
}

/** How a program ended. */
export interface ToolResult {
  /** Exit code; -1 when it was ended by a signal, undefined when it could not be started. */
  readonly code: number | undefined;
  /** The last lines of its standard error, or why it could not be started. */
  readonly stderr: string;
}

/** Runs a program without a shell and without input. Never rejects. */
export function runTool(call: ToolCall): Promise<ToolResult> {
  const { command, words, folder, withinMs } = call;
  return new Promise((resolve) => {
    const child = spawn(command, words, {
      cwd: folder,
      env: { ...inherited(), ...call.environment },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: withinMs,
      windowsHide: true,
    });
    let stderr = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    child.on("error", (error) => resolve({ code: undefined, stderr: error.message }));
    child.on("close", (code) => resolve({ code: code ?? -1, stderr: lastLines(stderr).join(" ") }));
  });
}

/** How a process ended, in words, with the last line of its standard error. */
export function describeExit(exit: ExitNotice): string {
  const how =
    exit.signal !== null
      ? `was ended by ${exit.signal}`
      : exit.code !== null
        ? `ended with exit code ${exit.code}`
        : "could not be started";
  const last = exit.stderr.at(-1);
  return last === undefined ? how : `${how}: ${last}`;
}
