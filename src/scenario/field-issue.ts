/**
 * One complaint about a field as the rest of the reader knows it, made from what the schema's
 * checker says. It names the checker's words and not its package, so that only the schema imports
 * that.
 */

/** One complaint of the schema. `message` may begin with a code. */
export interface FieldIssue {
  readonly kind: "unknown-keys" | "value";
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Unknown keys. */
  readonly keys: readonly string[];
  /** Allowed words, for a value that is none of them. */
  readonly words: readonly string[];
}

/** What the checker says, as far as it matters here. Which fields are there depends on `code`. */
export interface CheckerIssue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Of `unrecognized_keys`. */
  readonly keys?: readonly string[];
  /** Of `invalid_value`. */
  readonly values?: readonly unknown[];
  /** Of `invalid_union`: what each branch says. */
  readonly errors?: readonly (readonly CheckerIssue[])[];
  /** Of `invalid_union` with a discriminator: the words that it may be. */
  readonly options?: readonly unknown[];
}

/**
 * An issue below the path `above` as ours. A union without a text of its own speaks through the
 * branch that came nearest.
 */
export function issuesOf(issue: CheckerIssue, above: FieldIssue["path"]): FieldIssue[] {
  const path = [...above, ...issue.path.filter((step) => typeof step !== "symbol")];
  const { code, message, errors = [], keys = [], values = [], options } = issue;
  if (code === "invalid_union" && !/^E\d/.test(message)) {
    const nearest = errors.find((branch) => !branch.some(isMismatch)) ?? errors[0] ?? [];
    return nearest.flatMap((inner) => issuesOf(inner, path));
  }
  if (code === "unrecognized_keys") {
    return [{ kind: "unknown-keys", path, message, keys, words: [] }];
  }
  const words = code === "invalid_union" ? (options ?? []) : code === "invalid_value" ? values : [];
  return [{ kind: "value", path, message, keys: [], words: words.map(String) }];
}

/** Whether the whole value is of another kind than the branch wants. */
function isMismatch({ code, path }: CheckerIssue): boolean {
  return path.length === 0 && (code === "invalid_type" || code === "invalid_value");
}
