/**
 * Runs a program to its end and returns what it printed: a side of a comparison in a process of its
 * own, so that no heap and no optimised code is shared, or the tests on a copy of the tree. The
 * only door to node:child_process of what is no part of a run; runs of the emulator start their
 * processes elsewhere.
 */
import { execFile, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SideFigures } from "./measure.ts";

/** More output than any side prints, bytes. */
const OUTPUT_BYTES = 1_048_576;

/** Runs a program; rejects when it fails. */
export function runProgram(program: string, parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...parts], { maxBuffer: OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${parts.join(" ")}: ${error.message}\n${stderr}`));
    });
  });
}

/** How a program ended; `code` is undefined when it took too long and was stopped. */
export interface ProgramEnd {
  readonly code: number | undefined;
}

/**
 * Runs a program in a folder without its output, and with it everything that it starts; after
 * `limitMs` all of that is stopped.
 */
export function runQuietly(
  program: string,
  parts: readonly string[],
  place: { readonly folder: string; readonly env: NodeJS.ProcessEnv; readonly limitMs: number },
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that it ends as a whole.
    const child = spawn(program, [...parts], {
      cwd: place.folder,
      env: place.env,
      stdio: "ignore",
      detached: true,
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, place.limitMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("exit", (code) => {
      clearTimeout(timer);
      resolve({ code: isLate ? undefined : (code ?? 1) });
    });
  });
}

/** Runs a side (see side-main.ts) in a Node process of its own. */
export async function runSide(
  side: string,
  settings: readonly (string | number)[] = [],
  nodeFlags: readonly string[] = [],
): Promise<SideFigures> {
  const main = join(dirname(fileURLToPath(import.meta.url)), "side-main.js");
  const stdout = await runProgram(process.execPath, [
    ...nodeFlags,
    main,
    side,
    ...settings.map(String),
  ]);
  return JSON.parse(stdout) as SideFigures;
}

/** A program that goes on. */
export interface StartedProgram {
  readonly pid: number;
  readonly isOver: boolean;
  /** What it printed on stderr so far. */
  readonly stderr: string;
  /** How it ended and what it printed; never rejects. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  kill(): void;
}

/** Starts a program without input. */
export function startProgram(program: string, parts: readonly string[]): StartedProgram {
  const child = spawn(program, [...parts], { stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      texts[stream] += text;
    });
  }
  let isOver = false;
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const finish = (code: number | null): void => {
      isOver = true;
      resolve({ code, ...texts });
    };
    child.on("error", () => finish(null));
    // Grandchildren may hold the pipes for longer than the program lives.
    child.on("exit", finish);
  });
  return {
    pid: child.pid ?? 0,
    get isOver() {
      return isOver;
    },
    ended,
    get stderr() {
      return texts.stderr;
    },
    kill: () => child.kill("SIGKILL"),
  };
}
