/** A mapping inside a document as a document of its own, with the places that it has there. */

import { valueAt } from "./issue-problems.ts";
import type { Problem } from "./problem.ts";
import { type DocumentPath, pathText, type TextTree } from "./yaml-text.ts";

/** The mapping at `path` of `tree`; undefined: there is none. */
export function subtreeOf(tree: TextTree, path: DocumentPath): TextTree | undefined {
  const root = valueAt(tree.root, path);
  if (typeof root !== "object" || root === null || Array.isArray(root)) return undefined;
  return {
    file: tree.file,
    root: root as TextTree["root"],
    valueMark: (below) => tree.valueMark([...path, ...below]),
    keyMark: (below) => tree.keyMark([...path, ...below]),
  };
}

/** Problems of a subtree at `path` as problems of the document: only their paths change. */
export function problemsBelow(
  path: DocumentPath,
  file: string,
  problems: readonly Problem[],
): readonly Problem[] {
  const above = pathText(path);
  return problems.map((problem) => {
    if (problem.file !== file) return problem;
    const below = problem.path.startsWith("[") || problem.path === "" ? "" : ".";
    return { ...problem, path: `${above}${below}${problem.path}` };
  });
}
