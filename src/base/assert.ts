/**
 * Invariants: conditions that only a bug in Faultplane can break. They stay on in every run
 * (level A of the run-time checks); a violation stops the run rather than let it go on wrong.
 */

/** A broken run-time invariant. `rule` is the rule's short name, e.g. "time-goes-forward". */
export class InvariantError extends Error {
  readonly rule: string;
  readonly detail: string;

  constructor(rule: string, detail: string) {
    super(`invariant ${rule}: ${detail}`);
    this.name = "InvariantError";
    this.rule = rule;
    this.detail = detail;
  }
}

/**
 * Throws {@link InvariantError}; never returns. Callers test the condition first, so the text costs
 * nothing.
 */
export function violated(rule: string, detail: string): never {
  throw new InvariantError(rule, detail);
}

/** For the default branch of a switch over a tagged union. */
export function unreachable(value: never): never {
  throw new InvariantError("exhaustive", `unexpected ${JSON.stringify(value)}`);
}
