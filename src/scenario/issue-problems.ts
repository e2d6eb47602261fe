/**
 * What a schema's checker says of a document, as problems with a place, a code and a suggestion.
 * Every kind of file that is checked by a schema speaks through it.
 */

import { didYouMean } from "../base/suggest.ts";
import type { FieldIssue } from "./field-issue.ts";
import { escapeText, isProblemCode } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import { type DocumentPath, pathText, type TextTree } from "./yaml-text.ts";

/** Paths of the keys and values that an issue is about. */
export function wrongPaths(issue: FieldIssue): DocumentPath[] {
  if (issue.kind === "value") return [issue.path];
  return issue.keys.map((key) => [...issue.path, key]);
}

/** The value at `path`, or undefined. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null) return undefined;
    return Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined;
  }, root);
}

/**
 * One complaint of a checker as a problem; `schema` is the JSON Schema that it checks, and `base`
 * the path of what was checked in the document.
 */
export function addIssue(
  tree: TextTree,
  issue: FieldIssue,
  schema: SchemaPart,
  problems: ProblemList,
  base: DocumentPath = [],
): void {
  const path = [...base, ...issue.path];
  if (issue.kind === "unknown-keys") {
    const allowed = allowedKeys(schema, valueAt(tree.root, base), issue.path);
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
export interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
  readonly anyOf?: readonly SchemaPart[];
  readonly oneOf?: readonly SchemaPart[];
  readonly const?: unknown;
}

/**
 * Keys allowed in the mapping at `path`, in the order of the schema, editors' `$schema` left out.
 */
function allowedKeys(schema: SchemaPart, root: unknown, path: DocumentPath): readonly string[] {
  let part: SchemaPart | undefined = schema;
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
