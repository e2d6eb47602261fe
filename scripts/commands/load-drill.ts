/**
 * Reads a drill file and the files it names from the disk, and puts instants in the place of
 * moments: afterwards nothing of the drill is left to be found out.
 */
import { OperatingError } from "../../cluster/errors.ts";
import { readWhole } from "../../cluster/read-file.ts";
import type { Drill } from "../../src/drill/drill.ts";
import { momentScenario, placeMoments } from "../../src/drill/moments.ts";
import { type DrillOverrides, isScenarioText, parseDrill } from "../../src/drill/parse-drill.ts";
import { escapeText } from "../../src/scenario/problem.ts";
import { readTree } from "../../src/scenario/yaml-text.ts";
import { settledText, withMoments } from "../resolve-moments.ts";
import { Exit } from "./exit-codes.ts";
import { READ_LIMIT_BYTES, readBeside, ScenarioProblems } from "./load-scenario.ts";

/** A drill that may be run. */
export interface LoadedDrill {
  readonly drill: Drill;
  /** The file as given, and as the document that it holds. */
  readonly bytes: Uint8Array;
  readonly document: unknown;
  readonly notes: readonly string[];
}

/** Throws OperatingError (E001, E025) or ScenarioProblems. */
export function loadDrill(path: string, overrides: DrillOverrides = {}): LoadedDrill {
  const read = readWhole(path, READ_LIMIT_BYTES);
  if (!read.ok) {
    throw new OperatingError(
      "E001",
      `cannot read drill file '${escapeText(path)}': ${read.problem}`,
      "name a drill file, as there are in drills/",
      Exit.noInput,
    );
  }
  if (isScenarioText(read.bytes, path)) {
    throw new OperatingError(
      "E010",
      `'${escapeText(path)}' is a scenario, not a drill: it has no scenario, method or hypothesis`,
      "faultplane run FILE runs it; a drill names it under the key scenario",
      Exit.configuration,
    );
  }
  const result = parseDrill({
    text: read.bytes,
    file: path,
    readFile: (relativePath) => readBeside(path, relativePath),
    overrides,
  });
  if (!result.ok) throw new ScenarioProblems(result.problems, result.exitCode);
  const { drill, moments } = settled(result.drill);
  const tree = readTree(read.bytes, path);
  return {
    drill,
    bytes: read.bytes,
    document: tree.ok ? tree.tree.root : {},
    notes: [...result.notes, ...moments],
  };
}

/** The drill with instants only, and what became of each moment. */
function settled(drill: Drill): { readonly drill: Drill; readonly moments: readonly string[] } {
  const { scenario, moments } = withMoments(momentScenario(drill) ?? drill.scenario);
  const own = new Set(drill.scenario.faults.map(({ name }) => name));
  const faults = scenario.faults.filter(({ name }) => own.has(name));
  const placed = placeMoments(drill, scenario.faults);
  if (!placed.ok) throw new OperatingError("E025", placed.message, "", Exit.configuration);
  return {
    drill: { ...placed.drill, scenario: { ...drill.scenario, faults } },
    moments: moments.map(settledText),
  };
}
