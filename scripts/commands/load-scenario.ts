/**
 * Reads a scenario file and the files it names from the disk, and hands them to the parser. Files
 * beside the scenario may not lead out of its folder, not even through a symbolic link.
 */
import { realpathSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { OperatingError } from "../../cluster/errors.ts";
import { readWhole, reasonOf } from "../../cluster/read-file.ts";
import { isDrillText } from "../../src/drill/parse-drill.ts";
import type { RecordedLoads, Scenario } from "../../src/model/scenario.ts";
import type { FileReading } from "../../src/scenario/linked-files.ts";
import { parseScenario, type ScenarioOverrides } from "../../src/scenario/parse-scenario.ts";
import { escapeText, formatProblems, type Problem } from "../../src/scenario/problem.ts";
import { Exit } from "./exit-codes.ts";

/** No file is read beyond this, bytes; the parser has smaller limits of its own. */
export const READ_LIMIT_BYTES = 80 * 1024 * 1024;

/** What is wrong with a scenario; printed by {@link printProblems}. */
export class ScenarioProblems extends Error {
  readonly problems: readonly Problem[];
  readonly exitCode: number;

  constructor(problems: readonly Problem[], exitCode: number) {
    super(`${problems.length} problems`);
    this.name = "ScenarioProblems";
    this.problems = problems;
    this.exitCode = exitCode;
  }
}

/** A scenario that may be run. */
export interface LoadedScenario {
  readonly scenario: Scenario;
  /** The file as given. */
  readonly bytes: Uint8Array;
  readonly notes: readonly string[];
  /** What the experts were placed by, where they were. */
  readonly loads: RecordedLoads | undefined;
  readonly given: ReadonlySet<string>;
}

/** Throws OperatingError E001 (unreadable) or ScenarioProblems. */
export function loadScenario(path: string, overrides: ScenarioOverrides = {}): LoadedScenario {
  const read = readWhole(path, READ_LIMIT_BYTES);
  if (!read.ok) {
    throw new OperatingError(
      "E001",
      `cannot read scenario file '${escapeText(path)}': ${read.problem}`,
      "name a scenario file; `faultplane run` without one runs the default drill",
      Exit.noInput,
    );
  }
  if (isDrillText(read.bytes, path)) {
    throw new OperatingError(
      "E010",
      `'${escapeText(path)}' is a drill, not a scenario: it has a method or a scenario of its own`,
      "faultplane drill FILE performs it, faultplane plan FILE shows it",
      Exit.configuration,
    );
  }
  const result = parseScenario({
    text: read.bytes,
    file: path,
    readFile: (relativePath) => readBeside(path, relativePath),
    overrides,
  });
  if (!result.ok) throw new ScenarioProblems(result.problems, result.exitCode);
  const { scenario, notes, loads, given } = result;
  return { scenario, bytes: read.bytes, notes, loads, given };
}

/**
 * Writes the problems of `error` to stderr and returns the exit code; throws any other error on.
 */
export function printProblems(error: unknown): number {
  if (!(error instanceof ScenarioProblems)) throw error;
  process.stderr.write(`${formatProblems(error.problems)}\n`);
  return error.exitCode;
}

/** A file beside a scenario or drill, by its path relative to that one's folder. */
export function readBeside(scenarioPath: string, relativePath: string): FileReading {
  const file = join(dirname(scenarioPath), relativePath);
  try {
    const inside = relative(realpathSync(dirname(scenarioPath)), realpathSync(file));
    if (inside === ".." || inside.startsWith(`..${sep}`)) {
      return { ok: false, problem: "it leads out of the folder of the scenario" };
    }
  } catch (error) {
    return { ok: false, problem: reasonOf(error) };
  }
  const read = readWhole(file, READ_LIMIT_BYTES);
  return read.ok ? { ok: true, bytes: read.bytes, file } : read;
}
