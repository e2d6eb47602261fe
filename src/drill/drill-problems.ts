/**
 * The complaints of the drill file's schema as problems, and the fields that are left when what is
 * wrong is taken out, so that the rest of the file can be checked in the same go.
 */
import { addIssue, type SchemaPart, wrongPaths } from "../scenario/issue-problems.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { type DocumentPath, pathText, type TextTree } from "../scenario/yaml-text.ts";
import { checkDrill, type DrillFields, drillJsonSchema } from "./drill-fields.ts";
import { refuseRealProviders } from "./real-faults.ts";

/** Fields that passed. */
export interface CheckedDrill {
  readonly fields: DrillFields;
  /** Where in the file an item of a list stands that had wrong ones before it. */
  placeOf(list: DocumentPath, index: number): DocumentPath;
  /** Were items of a list left out, since they are wrong? */
  isCut(list: DocumentPath): boolean;
}

const SCHEMA = drillJsonSchema() as SchemaPart;

/** Stands in for a required key that is wrong; its problem is in the list, so it is never used. */
const STAND_INS: Readonly<Record<string, unknown>> = { title: "?", scenario: {} };

/**
 * Checks the fields of `tree` and adds what is wrong to `problems`. Undefined when so much is wrong
 * that nothing can be said about the rest.
 */
export function readDrillFields(tree: TextTree, problems: ProblemList): CheckedDrill | undefined {
  const result = checkDrill(tree.root);
  const whole = {
    placeOf: (list: DocumentPath, index: number) => [...list, index],
    isCut: () => false,
  };
  if (result.ok) return { ...whole, fields: result.fields };
  const refused = refuseRealProviders(tree.root, problems);
  const isRefused = (path: DocumentPath): boolean =>
    refused.some((real) => real.every((step, depth) => path[depth] === step));
  for (const issue of result.issues) {
    if (!wrongPaths(issue).every(isRefused)) addIssue(tree, issue, SCHEMA, problems);
  }
  const pruner = new Pruner(result.issues.flatMap(wrongPaths));
  const root = { ...STAND_INS, ...(pruner.prune(tree.root, []) as Record<string, unknown>) };
  const rest = checkDrill(root);
  if (!rest.ok) return undefined;
  return {
    fields: rest.fields,
    placeOf: (list, index) => pruner.placeOf(list, index),
    isCut: (list) => pruner.isCut(list),
  };
}

/** Takes wrong keys out of mappings, and items with something wrong out of lists. */
class Pruner {
  readonly #wrong: readonly DocumentPath[];
  /** By the path of a list: places of the items that are left. */
  readonly #places = new Map<string, readonly number[]>();
  /** Paths of lists that items were taken out of. */
  readonly #cut = new Set<string>();

  constructor(wrong: readonly DocumentPath[]) {
    this.#wrong = wrong;
  }

  prune(value: unknown, path: DocumentPath): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const places = value.map((_, place) => place);
      const kept = places.filter((place) => !this.#isWithin([...path, place]));
      this.#places.set(pathText(path), kept);
      if (kept.length < places.length) this.#cut.add(pathText(path));
      return kept.map((place) => value[place]);
    }
    const entries = Object.entries(value)
      .filter(([key]) => !this.#isWrong([...path, key]))
      .map(([key, inner]) => [key, this.prune(inner, [...path, key])]);
    return Object.fromEntries(entries);
  }

  placeOf(list: DocumentPath, index: number): DocumentPath {
    return [...list, this.#places.get(pathText(list))?.[index] ?? index];
  }

  isCut(list: DocumentPath): boolean {
    return this.#cut.has(pathText(list));
  }

  #isWrong(path: DocumentPath): boolean {
    const text = pathText(path);
    return this.#wrong.some((wrong) => pathText(wrong) === text);
  }

  /** Is anything at or below `path` wrong? */
  #isWithin(path: DocumentPath): boolean {
    return this.#wrong.some((wrong) => path.every((step, depth) => wrong[depth] === step));
  }
}
