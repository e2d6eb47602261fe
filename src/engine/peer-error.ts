/**
 * A peer broke a rule: what it sent is not what a worker like this one sends. Nothing has changed
 * here but that its frames are of no use, so a run can go on with another process in its place.
 */
import { InvariantError } from "../base/assert.ts";

/** A broken invariant that is a peer's doing. */
export class PeerError extends InvariantError {
  /** Number of the worker. */
  readonly peer: number;

  constructor(peer: number, { rule, detail }: InvariantError) {
    super(rule, detail);
    this.peer = peer;
  }
}

/** Does `step`, which only looks; an invariant that breaks in it is the peer's doing. */
export function blaming<Result>(peer: number, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw error instanceof InvariantError ? new PeerError(peer, error) : error;
  }
}
