/**
 * A bug of the bank: an exact change to the sources that `npm test` should not let pass. Plain
 * data, so that it can be read, and checked against the tree.
 */

/** One place that is changed. */
export interface Edit {
  /** Relative to the top of the repository. */
  readonly file: string;
  /** Text that stands there exactly once, and what stands there instead. */
  readonly find: string;
  readonly replace: string;
}

export interface Bug {
  /** Short and unique. */
  readonly id: string;
  /** What is wrong, as a sentence. */
  readonly about: string;
  readonly edits: readonly Edit[];
  /** Tests that are run first: files or folders. All others follow if these do not catch it. */
  readonly tests: readonly string[];
}

/** What is wrong with an edit to a text; undefined: it applies. */
export function editProblem({ file, find, replace }: Edit, text: string): string | undefined {
  const times = text.split(find).length - 1;
  if (times !== 1) return `${file}: the text to change stands there ${times} times, not once`;
  return find === replace ? `${file}: the change changes nothing` : undefined;
}

/** The text with the edit made; throws when it does not apply. */
export function edited(edit: Edit, text: string): string {
  const problem = editProblem(edit, text);
  if (problem !== undefined) throw new Error(problem);
  const at = text.indexOf(edit.find);
  return text.slice(0, at) + edit.replace + text.slice(at + edit.find.length);
}
