/**
 * Runs the built command as users do: a process of its own, no shell, everything it says caught.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The built entry point; `npm test` builds before it tests. */
export const COMMAND = resolve(import.meta.dirname, "../../dist/scripts/faultplane.js");

/** What a command said, and how it ended. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs `faultplane` with arguments in a folder. */
export function faultplane(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Said> {
  return program(process.execPath, [COMMAND, ...args], folder, environment);
}

/** Runs any program. */
export function program(
  file: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: folder, ...environment };
  return new Promise((done, failed) => {
    execFile(file, args, { cwd: folder, env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") failed(error);
      else done({ stdout, stderr, exitCode: error === null ? 0 : Number(error.code) });
    });
  });
}

/** A folder that is gone after the tests, with a small scenario in it; call `remove`. */
export function workFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "faultplane-test-"));
  mkdirSync(join(path, "models"));
  const model = resolve(import.meta.dirname, "../../drills/models/deepseek-v3.json");
  cpSync(model, join(path, "models", "deepseek-v3.json"));
  writeFileSync(join(path, "small.yaml"), SMALL);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Four ranks over two nodes, two planes, three layers, and a NIC that dies in the first. */
const SMALL = `title: small
model: models/deepseek-v3.json
cluster: {nodes: 2, gpusPerNode: 2, planes: 2, switchPorts: 8}
workload: {phase: decode, protocol: low-latency, tokensPerGpu: 4, steps: 1, layers: 3-5}
routing: {source: gate, imbalance: 0}
transport: {ackTimeoutExponent: 4, retryCount: 2}
faults:
  - {name: lost-nic, kind: nic-down, target: node1.nic1, at: 100 us}
run: {seed: 7, placement: single}
`;
