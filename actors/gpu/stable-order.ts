/** Things sorted by a small whole key; stable, and without allocation once it is large enough. */
export class StableOrder {
  /** Numbers of the things: those with key k from `first(k)` up to `end(k)`. */
  at = new Int32Array(0);
  readonly #first: Int32Array;

  /** Keys are below `keys`. */
  constructor(keys: number) {
    this.#first = new Int32Array(keys + 1);
  }

  /** Sorts the first `count` things by their keys. */
  sort(keyOf: Int32Array, count: number): void {
    const first = this.#first.fill(0);
    if (this.at.length < count) this.at = new Int32Array(count * 2);
    for (let thing = 0; thing < count; thing += 1) first[keyOf[thing]] += 1;
    let sum = 0;
    for (let key = 0; key < first.length; key += 1) {
      sum += first[key];
      first[key] = sum;
    }
    for (let thing = count - 1; thing >= 0; thing -= 1) {
      const place = first[keyOf[thing]] - 1;
      first[keyOf[thing]] = place;
      this.at[place] = thing;
    }
  }

  first(key: number): number {
    return this.#first[key];
  }

  end(key: number): number {
    return this.#first[key + 1];
  }
}
