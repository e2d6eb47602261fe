/** Things that belong to ranks, sorted by rank; stable, and without allocation once it is large. */
export class RankOrder {
  /** Numbers of the things: those of rank r from `first(r)` up to `end(r)`. */
  at = new Int32Array(0);
  readonly #first: Int32Array;

  constructor(ranks: number) {
    this.#first = new Int32Array(ranks + 1);
  }

  /** Sorts the first `count` things; `rankOf` says whose they are. */
  sort(rankOf: Int32Array, count: number): void {
    const first = this.#first.fill(0);
    if (this.at.length < count) this.at = new Int32Array(count * 2);
    for (let thing = 0; thing < count; thing += 1) first[rankOf[thing]] += 1;
    let sum = 0;
    for (let rank = 0; rank < first.length; rank += 1) {
      sum += first[rank];
      first[rank] = sum;
    }
    for (let thing = count - 1; thing >= 0; thing -= 1) {
      const place = first[rankOf[thing]] - 1;
      first[rankOf[thing]] = place;
      this.at[place] = thing;
    }
  }

  first(rank: number): number {
    return this.#first[rank];
  }

  end(rank: number): number {
    return this.#first[rank + 1];
  }
}
