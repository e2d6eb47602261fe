/** A message that is due from each of several members: resolves when all have sent it. */
export class Awaited {
  readonly #from = new Set<number>();
  #count = Number.POSITIVE_INFINITY;
  #done: (() => void) | undefined;

  /** Resolves when members with `count` different numbers have been noted. */
  all(count: number): Promise<void> {
    this.#count = count;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#check();
    });
  }

  /** The message of a member has come; a second time changes nothing. */
  note(member: number): void {
    this.#from.add(member);
    this.#check();
  }

  /** What a member sent counts no more: another process has its number now. */
  forget(member: number): void {
    this.#from.delete(member);
  }

  #check(): void {
    if (this.#from.size >= this.#count) this.#done?.();
  }
}
