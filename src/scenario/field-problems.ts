/**
 * The schema's complaints as problems with a place, a code and a suggestion, and the fields that
 * are left when the wrong ones are taken out, so that the rest of the file can be checked in the
 * same go.
 */

import { addIssue, type SchemaPart, valueAt, wrongPaths } from "./issue-problems.ts";
import { escapeText } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import { checkFields, type ScenarioFields, scenarioJsonSchema } from "./schema.ts";
import type { DocumentPath, TextTree } from "./yaml-text.ts";

/** Fields that passed. `faultPlaces` says where in the file each of the faults stands. */
export interface CheckedFields {
  readonly fields: ScenarioFields;
  readonly faultPlaces: readonly number[];
}

const SCHEMA = scenarioJsonSchema() as SchemaPart;

/** Unquoted text that some reader would take for a number, a time or a version. */
const NUMBER_LIKE = /^[-+.]?\d[\d_.:]*(?:[eE][-+]?\d+)?$/;

/** Stands in for a required key that is wrong; its problem is in the list, so it is never used. */
const STAND_INS: Readonly<Record<string, unknown>> = { model: "model.json", cluster: { nodes: 1 } };

/**
 * Checks the fields of `tree` and adds what is wrong to `problems`. Undefined when so much is wrong
 * that nothing can be said about the rest.
 */
export function readFields(tree: TextTree, problems: ProblemList): CheckedFields | undefined {
  addNumberLike(tree, problems);
  const result = checkFields(tree.root);
  const everyFault = faultsOf(tree.root).map((_, place) => place);
  if (result.ok) return { fields: result.fields, faultPlaces: everyFault };
  for (const issue of result.issues) addIssue(tree, issue, SCHEMA, problems);
  const root: Record<string, unknown> = { ...tree.root };
  const wrongFaults = new Set<number>();
  for (const path of result.issues.flatMap(wrongPaths)) takeOut(root, path, wrongFaults);
  for (const key of Object.keys(STAND_INS)) root[key] ??= STAND_INS[key];
  const faultPlaces = everyFault.filter((place) => !wrongFaults.has(place));
  if (Array.isArray(root.faults)) {
    root.faults = faultPlaces.map((place) => faultsOf(tree.root)[place]);
  }
  if (typeof root.cluster === "object" && root.cluster !== null) {
    root.cluster = { nodes: 1, ...root.cluster };
  }
  const rest = checkFields(root);
  return rest.ok ? { fields: rest.fields, faultPlaces } : undefined;
}

function faultsOf(root: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(root.faults) ? root.faults : [];
}

/**
 * Removes the value at `path` from `root`: a fault as a whole, else the nearest key of a section.
 */
function takeOut(root: Record<string, unknown>, path: DocumentPath, faults: Set<number>): void {
  const [section, key] = path;
  if (section === "faults" && typeof key === "number") {
    faults.add(key);
    return;
  }
  const value = root[section];
  const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
  if (key === undefined || section === "routing" || !isSection) {
    delete root[section];
    return;
  }
  root[section] = Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

/** Names that were written without quotes and read as something else. */
function addNumberLike(tree: TextTree, problems: ProblemList): void {
  const names = faultsOf(tree.root).map((_, place): DocumentPath => ["faults", place, "name"]);
  for (const path of [["title"], ...names]) {
    const { plain } = tree.valueMark(path);
    const value = valueAt(tree.root, path);
    if (plain === undefined) continue;
    if (typeof value !== "number" && !(typeof value === "string" && NUMBER_LIKE.test(plain))) {
      continue;
    }
    const what = path.length === 1 ? "titles" : "fault names";
    const message = `quote ${what} that look like a number, got ${escapeText(plain)}`;
    problems.add("E015", path, message, { hint: `write "${escapeText(plain)}"` });
  }
  const seed = tree.valueMark(["run", "seed"]).plain;
  if (typeof valueAt(tree.root, ["run", "seed"]) !== "number" || seed === undefined) return;
  if (/^\d+$/.test(seed)) return;
  const message = `expected 0..2^64-1 in decimal, got ${escapeText(seed)}`;
  problems.add("E013", ["run", "seed"], message);
}
