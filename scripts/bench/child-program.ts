/**
 * Runs a program to its end and returns what it printed: a side of a comparison in a process of its
 * own, so that no heap and no optimised code is shared. The bench's only door to
 * node:child_process; runs of the emulator start their processes elsewhere.
 */
import { execFile } from "node:child_process";
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
