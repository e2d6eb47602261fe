/**
 * What a run leaves behind for measures: durations, counts and states, each with the instants of
 * virtual time at which they were so, to be asked over any part of the run. Instants come in
 * ascending order; a part of a run is [fromPs, toPs).
 */

/** Numbers with the instants at which they came. */
export class Series {
  readonly #atPs: number[] = [];
  readonly #values: number[] = [];

  add(atPs: number, value: number): void {
    this.#atPs.push(atPs);
    this.#values.push(value);
  }

  /** Values of a part of the run, in their order. */
  between(fromPs: number, toPs: number): readonly number[] {
    return this.#values.slice(firstAt(this.#atPs, fromPs), firstAt(this.#atPs, toPs));
  }

  /** The first value's instant in a part of the run; undefined: there is none. */
  firstBetween(fromPs: number, toPs: number): number | undefined {
    const atPs: number | undefined = this.#atPs[firstAt(this.#atPs, fromPs)];
    return atPs !== undefined && atPs < toPs ? atPs : undefined;
  }
}

/** A number that only grows, by steps. */
export class Counter {
  readonly #atPs: number[] = [];
  /** After the step of the same place. */
  readonly #totals: number[] = [];

  add(atPs: number, count: number): void {
    this.#atPs.push(atPs);
    this.#totals.push((this.#totals.at(-1) ?? 0) + count);
  }

  /** By how much it grew in a part of the run. */
  between(fromPs: number, toPs: number): number {
    return this.#before(toPs) - this.#before(fromPs);
  }

  #before(atPs: number): number {
    return this.#totals[firstAt(this.#atPs, atPs) - 1] ?? 0;
  }
}

/** States that hold of something from one instant to another; each may come several times. */
export class States<Key> {
  readonly #spans = new Map<Key, { fromPs: number; untilPs: number }[]>();

  /** It holds from now on; if it does already, nothing changes. */
  begin(key: Key, atPs: number): void {
    const spans = this.#spans.get(key);
    if (spans === undefined) this.#spans.set(key, [{ fromPs: atPs, untilPs: Infinity }]);
    else if (spans[spans.length - 1].untilPs !== Infinity) {
      spans.push({ fromPs: atPs, untilPs: Infinity });
    }
  }

  /** It holds no more; if it does not, nothing changes. */
  end(key: Key, atPs: number): void {
    const last = this.#spans.get(key)?.at(-1);
    if (last !== undefined && last.untilPs === Infinity) last.untilPs = atPs;
  }

  endAll(atPs: number): void {
    for (const key of this.#spans.keys()) this.end(key, atPs);
  }

  /** Of whom it held at some instant of a part of the run. */
  during(fromPs: number, toPs: number): readonly Key[] {
    return [...this.#spans].flatMap(([key, spans]) =>
      spans.some((span) => span.fromPs < toPs && span.untilPs > fromPs) ? [key] : [],
    );
  }

  /** Whether it holds of `key` just before `atPs`. */
  holdsBefore(key: Key, atPs: number): boolean {
    const spans = this.#spans.get(key) ?? [];
    return spans.some((span) => span.fromPs < atPs && span.untilPs >= atPs);
  }

  /** First instant of `key` in a part of the run at which it began; undefined: never. */
  firstOf(key: Key, fromPs: number, toPs: number): number | undefined {
    const spans = this.#spans.get(key) ?? [];
    return spans.find((span) => span.fromPs >= fromPs && span.fromPs < toPs)?.fromPs;
  }

  /** The last instant before `toPs` at which it ended for anybody; -1: it never did. */
  lastEndBefore(toPs: number): number {
    let lastPs = -1;
    for (const spans of this.#spans.values()) {
      for (const { untilPs } of spans) if (untilPs < toPs) lastPs = Math.max(lastPs, untilPs);
    }
    return lastPs;
  }
}

/** Place of the first of ascending instants that is not before `atPs`. */
export function firstAt(instants: readonly number[], atPs: number): number {
  let low = 0;
  let high = instants.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (instants[middle] < atPs) low = middle + 1;
    else high = middle;
  }
  return low;
}
