/**
 * Collects the problems of one document with their places. One problem a place: what follows from a
 * value that is wrong already is not reported again.
 */
import { exitCodeOf, type Problem, type ProblemCode } from "./problem.ts";
import { type DocumentPath, pathText, type TextTree } from "./yaml-text.ts";

/** What a problem may have besides its text. */
export interface ProblemExtras {
  readonly hint?: string | undefined;
  /** The problem is the key at the end of the path, not its value. */
  readonly atKey?: boolean;
}

/** Problems of the document `tree`, in the order found. */
export class ProblemList {
  /** The document that the paths are of. */
  readonly tree: TextTree;
  readonly #found: Problem[] = [];
  readonly #paths = new Map<string, DocumentPath>();

  constructor(tree: TextTree) {
    this.tree = tree;
  }

  /** Problems in the order of the file; those of other files keep their place at the end. */
  get problems(): readonly Problem[] {
    const own = this.#found.filter((problem) => problem.file === this.tree.file);
    const others = this.#found.filter((problem) => problem.file !== this.tree.file);
    own.sort((left, right) => left.line - right.line || left.column - right.column);
    return [...own, ...others];
  }

  /** Adds a problem at a path of the document, unless that path has one. */
  add(code: ProblemCode, path: DocumentPath, message: string, extras: ProblemExtras = {}): void {
    const name = pathText(path);
    if (this.#paths.has(name)) return;
    this.#paths.set(name, path);
    const { tree } = this;
    const mark = extras.atKey === true ? tree.keyMark(path) : tree.valueMark(path);
    const { line, column } = mark;
    const hint = extras.hint === undefined ? {} : { hint: extras.hint };
    const exitCode = exitCodeOf(code);
    this.#found.push({
      code,
      file: tree.file,
      line,
      column,
      path: name,
      message,
      ...hint,
      exitCode,
    });
  }

  /** Adds problems of another file that `path` names. */
  addAll(path: DocumentPath, problems: readonly Problem[]): void {
    this.#paths.set(pathText(path), path);
    this.#found.push(...problems);
  }

  /** Whether nothing is wrong at, above or below any of `paths`. */
  isSound(...paths: readonly DocumentPath[]): boolean {
    for (const found of this.#paths.values()) {
      for (const path of paths) {
        const shared = Math.min(found.length, path.length);
        let same = 0;
        while (same < shared && found[same] === path[same]) same += 1;
        if (same === shared) return false;
      }
    }
    return true;
  }
}
