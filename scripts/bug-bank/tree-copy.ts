/**
 * A copy of the project in a temporary folder, with the working tree's files and the installed
 * packages, in which bugs are planted and tests are run. Nothing is written outside the copy.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { runProgram, runQuietly } from "../bench/child-program.ts";
import { type Bug, edited } from "./bug.ts";

/** Longest build or test run before it is stopped, wall ms. */
const BUILD_MS = 5 * 60_000;
/**
 * The bank's own test looks whether each change applies: of course it does not where one is made.
 */
const OWN_TESTS = "test/bug-bank/**";

/** How tests ended. */
export interface TestsEnd {
  readonly passed: boolean;
  /** The first test that failed, with its file; undefined: none, or the run was stopped. */
  readonly failed?: string;
}

export class TreeCopy {
  readonly #folder: string;
  /** Texts of the files that a bug changed, as they were. */
  readonly #originals = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the project at `root`: all files that git tracks or would track. */
  static async make(root: string): Promise<TreeCopy> {
    const listed = await runProgram("git", [
      "-C",
      root,
      "ls-files",
      "-z",
      "-co",
      "--exclude-standard",
    ]);
    const folder = mkdtempSync(join(tmpdir(), "faultplane-bugs-"));
    for (const path of new Set(listed.split("\0"))) {
      if (path === "" || !existsSync(join(root, path))) continue;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      copyFileSync(join(root, path), join(folder, path));
    }
    symlinkSync(resolve(root, "node_modules"), join(folder, "node_modules"));
    return new TreeCopy(folder);
  }

  plant({ edits }: Bug): void {
    for (const edit of edits) {
      const path = join(this.#folder, edit.file);
      const text = readFileSync(path, "utf8");
      if (!this.#originals.has(path)) this.#originals.set(path, text);
      writeFileSync(path, edited(edit, text));
    }
  }

  /** Takes all bugs back. */
  mend(): void {
    for (const [path, text] of this.#originals) writeFileSync(path, text);
    this.#originals.clear();
  }

  /** Builds `dist`, which tests of the command run. A bug need not please the type checker. */
  async build(): Promise<void> {
    await this.#node(["node_modules/typescript/bin/tsc", "-b"], BUILD_MS, {});
  }

  /** Runs tests (all without `paths`) until the first one fails. */
  async test(paths: readonly string[], limitMs: number): Promise<TestsEnd> {
    const json = join(this.#folder, "dist", "tests.json");
    rmSync(json, { force: true });
    const options = ["run", "--bail", "1", "--exclude", OWN_TESTS, ...paths];
    const code = await this.#node(["node_modules/vitest/vitest.mjs", ...options], limitMs, {
      VITEST_JSON: json,
    });
    if (code === 0) return { passed: true };
    const failed = code === undefined ? "no end: stopped" : firstFailure(json, this.#folder);
    return { passed: false, ...(failed === undefined ? {} : { failed }) };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #node(
    parts: readonly string[],
    limitMs: number,
    env: NodeJS.ProcessEnv,
  ): Promise<number | undefined> {
    const place = { folder: this.#folder, env: { ...process.env, ...env }, limitMs };
    const { code } = await runQuietly(process.execPath, parts, place);
    return code;
  }
}

/** The parts of vitest's JSON report that are read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function firstFailure(path: string, folder: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const { testResults } = JSON.parse(readFileSync(path, "utf8")) as Report;
  for (const { name, status, assertionResults } of testResults) {
    const file = name.slice(folder.length + 1);
    const failed = assertionResults.find((test) => test.status === "failed");
    if (failed !== undefined) return `${file}: ${failed.fullName}`;
    if (status === "failed") return `${file}: does not run`;
  }
  return undefined;
}
