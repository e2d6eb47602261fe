/**
 * The scenario of a drill: a file at or below the drill's folder, or keys of the drill itself. Both
 * go through the scenario parser; problems keep their file, line and column.
 */
import type { FileReading, ReadFile } from "../scenario/linked-files.ts";
import { readLinked } from "../scenario/linked-files.ts";
import {
  parseScenario,
  parseScenarioTree,
  type ScenarioOverrides,
  type ScenarioResult,
} from "../scenario/parse-scenario.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { problemsBelow, subtreeOf } from "../scenario/subtree.ts";
import type { TextTree } from "../scenario/yaml-text.ts";

const PATH = ["scenario"];

/** A scenario that is right, and the file that it stands in unless that is the drill. */
export type ScenarioPart = ScenarioResult & { readonly ok: true } & { readonly file?: string };

/** Reads the scenario; undefined with problems, or where the drill has none. */
export function readScenarioPart(
  tree: TextTree,
  readFile: ReadFile,
  overrides: ScenarioOverrides | undefined,
  problems: ProblemList,
): ScenarioPart | undefined {
  const value = tree.root.scenario;
  const read =
    typeof value === "string"
      ? readScenarioFile(value, readFile, overrides, problems)
      : readScenarioKeys(tree, readFile, overrides, problems);
  if (read === undefined || overrides?.onWorkerLoss !== undefined) return read;
  if (read.given.has("run.onWorkerLoss")) return read;
  // A drill is there to see what the fleet makes of it.
  const run = { ...read.scenario.run, onWorkerLoss: "fault" as const };
  return { ...read, scenario: { ...read.scenario, run } };
}

function readScenarioKeys(
  tree: TextTree,
  readFile: ReadFile,
  overrides: ScenarioOverrides | undefined,
  problems: ProblemList,
): ScenarioPart | undefined {
  const part = subtreeOf(tree, PATH);
  if (part === undefined) return undefined;
  const result = parseScenarioTree(part, { readFile, overrides });
  if (result.ok) return result;
  problems.addAll(PATH, problemsBelow(PATH, tree.file, result.problems));
  return undefined;
}

function readScenarioFile(
  name: string,
  readFile: ReadFile,
  overrides: ScenarioOverrides | undefined,
  problems: ProblemList,
): ScenarioPart | undefined {
  const reading = readLinked(PATH, name, "scenario", readFile, problems);
  if (reading === undefined) return undefined;
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  const readBeside = (path: string): FileReading => readFile(`${folder}${path}`);
  const { bytes, file } = reading;
  const result = parseScenario({ text: bytes, file, readFile: readBeside, overrides });
  if (result.ok) return { ...result, file: name };
  problems.addAll(PATH, result.problems);
  return undefined;
}
