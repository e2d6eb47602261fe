/** What the ranks of a group have answered in an epoch. It asks nothing and decides nothing. */

/** What can be answered: see Report in model/membership.ts. */
export type Answer = "heard" | "holds" | "ready";

export class Answers {
  /** By answer and rank: 1 when it has come. */
  readonly #by: Readonly<Record<Answer, Uint8Array>>;
  /** By rank: the step in its last answer. */
  readonly #stepOf: Int32Array;

  constructor(ranks: number) {
    const none = (): Uint8Array => new Uint8Array(ranks);
    this.#by = { heard: none(), holds: none(), ready: none() };
    this.#stepOf = new Int32Array(ranks);
  }

  note(answer: Answer, rank: number, step: number): void {
    this.#by[answer][rank] = 1;
    this.#stepOf[rank] = step;
  }

  has(answer: Answer, rank: number): boolean {
    return this.#by[answer][rank] !== 0;
  }

  /** Have all of these ranks given the answer? */
  hasAll(answer: Answer, ranks: readonly number[]): boolean {
    return ranks.every((rank) => this.has(answer, rank));
  }

  /** Steps in the last answers of some ranks. */
  stepsOf(ranks: readonly number[]): number[] {
    return ranks.map((rank) => this.#stepOf[rank]);
  }

  /** The answer is asked for again. */
  forget(answer: Answer): void {
    this.#by[answer].fill(0);
  }

  /** A new epoch: everything is asked again. */
  clear(): void {
    for (const answer of ["heard", "holds", "ready"] as const) this.forget(answer);
  }
}
