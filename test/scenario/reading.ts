/** Parses scenarios in tests as the command would: linked files come from the drills folder. */
import { readFileSync } from "node:fs";
import {
  parseScenario,
  type ScenarioOverrides,
  type ScenarioResult,
} from "../../src/scenario/parse-scenario.ts";
import { formatProblem } from "../../src/scenario/problem.ts";

/** A scenario as small as it can be. */
export const SMALLEST = "model: models/deepseek-v3.json\ncluster: {nodes: 4}\n";

/** Text of a file in the drills folder. */
export function drillText(name: string): string {
  return readFileSync(new URL(`../../drills/${name}`, import.meta.url), "utf8");
}

/** Parses `text`; `files` stand in for, or add to, those of the drills folder. */
export function parse(
  text: string | Uint8Array,
  files: Readonly<Record<string, string>> = {},
  overrides?: ScenarioOverrides,
): ScenarioResult {
  return parseScenario({
    text,
    file: "s.yaml",
    overrides,
    readFile: (path) => {
      const given = files[path];
      if (given !== undefined) {
        return { ok: true, bytes: new TextEncoder().encode(given), file: path };
      }
      try {
        const bytes = readFileSync(new URL(`../../drills/${path}`, import.meta.url));
        return { ok: true, bytes, file: path };
      } catch {
        return { ok: false, problem: "there is no such file" };
      }
    },
  });
}

/** The problems of `text` as printed, or none. */
export function printed(text: string | Uint8Array, files?: Readonly<Record<string, string>>) {
  const result = parse(text, files);
  return result.ok ? [] : result.problems.map(formatProblem);
}
