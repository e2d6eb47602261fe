/**
 * The schema's complaints as problems with a place, a code and a suggestion, and the fields that
 * are left when the wrong ones are taken out, so that the rest of the file can be checked in the
 * same go.
 */

import type { FieldIssue } from "./field-issue.ts";
import { escapeText, isProblemCode } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import { checkFields, type ScenarioFields, scenarioJsonSchema } from "./schema.ts";
import { didYouMean } from "./suggest.ts";
import { type DocumentPath, pathText, type TextTree } from "./yaml-text.ts";

/** Fields that passed. `faultPlaces` says where in the file each of the faults stands. */
export interface CheckedFields {
  readonly fields: ScenarioFields;
  readonly faultPlaces: readonly number[];
}

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
  for (const issue of result.issues) addIssue(tree, issue, problems);
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

/** Paths of the keys and values that an issue is about. */
function wrongPaths(issue: FieldIssue): DocumentPath[] {
  if (issue.kind === "value") return [issue.path];
  return issue.keys.map((key) => [...issue.path, key]);
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

/** The value at `path`, or undefined. */
function valueAt(root: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null) return undefined;
    return Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined;
  }, root);
}

/** One complaint of the schema as a problem. */
function addIssue(tree: TextTree, issue: FieldIssue, problems: ProblemList): void {
  const { path } = issue;
  if (issue.kind === "unknown-keys") {
    const allowed = allowedKeys(tree.root, path);
    for (const key of issue.keys) {
      const message = `unknown key '${escapeText(key)}'; allowed: ${allowed.join(", ")}`;
      const hint = didYouMean(key, allowed);
      problems.add("E010", [...path, key], message, { atKey: true, hint });
    }
    return;
  }
  const value = valueAt(tree.root, path);
  if (value === undefined && path.length > 0) {
    problems.add("E011", path, `${pathText(path)} is required`, { atKey: true });
    return;
  }
  const code = issue.message.slice(0, 4);
  const hint = typeof value === "string" ? didYouMean(value, issue.words) : undefined;
  if (isProblemCode(code)) problems.add(code, path, issue.message.slice(5), { hint });
  else problems.add("E012", path, escapeText(issue.message), { hint });
}

/** The parts of a JSON Schema that lead to the keys of a mapping. */
interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
  readonly anyOf?: readonly SchemaPart[];
  readonly oneOf?: readonly SchemaPart[];
  readonly const?: unknown;
}

const SCHEMA = scenarioJsonSchema() as SchemaPart;

/**
 * Keys allowed in the mapping at `path`, in the order of the schema, editors' `$schema` left out.
 */
function allowedKeys(root: unknown, path: DocumentPath): readonly string[] {
  let part: SchemaPart | undefined = SCHEMA;
  for (const [depth, step] of path.entries()) {
    part = typeof step === "number" ? part?.items : part?.properties?.[step];
    const value = valueAt(root, path.slice(0, depth + 1));
    const branches: readonly SchemaPart[] = part?.anyOf ?? part?.oneOf ?? [];
    part = branches.find((branch) => fits(branch, value)) ?? part;
  }
  return Object.keys(part?.properties ?? {}).filter((key) => key !== "$schema");
}

/** Whether a mapping belongs to a branch: its fixed words are the branch's. */
function fits(branch: SchemaPart, value: unknown): boolean {
  if (branch.properties === undefined) return false;
  return Object.entries(branch.properties).every(
    ([key, part]) => part.const === undefined || valueAt(value, [key]) === part.const,
  );
}
