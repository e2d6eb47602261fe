/**
 * Spans of the same thing that overlap, drawn as one: a rank that several wait for, a plane that a
 * NIC avoids to several others. They come in the order in which they begin.
 */

/** Spans that were united; instants in ps. */
export interface United<Key> {
  readonly key: Key;
  readonly fromPs: number;
  readonly toPs: number;
  /** Who is behind them, each once, in the order in which they came. */
  readonly names: readonly string[];
  /** How many spans. */
  readonly count: number;
}

interface Open {
  readonly fromPs: number;
  toPs: number;
  readonly names: Set<string>;
  count: number;
}

export class UnitedSpans<Key> {
  readonly #open = new Map<Key, Open>();
  readonly #done: (united: United<Key>) => void;

  /** `done` is called with what nothing can be added to any more. */
  constructor(done: (united: United<Key>) => void) {
    this.#done = done;
  }

  add(key: Key, name: string, fromPs: number, toPs: number): void {
    const open = this.#open.get(key);
    if (open !== undefined && fromPs <= open.toPs) {
      open.toPs = Math.max(open.toPs, toPs);
      open.names.add(name);
      open.count += 1;
      return;
    }
    if (open !== undefined) this.#close(key, open);
    this.#open.set(key, { fromPs, toPs, names: new Set([name]), count: 1 });
  }

  /** The trace is over, and nothing in it goes beyond `endPs`. */
  finish(endPs: number): void {
    for (const [key, open] of this.#open) {
      open.toPs = Math.min(open.toPs, endPs);
      this.#close(key, open);
    }
    this.#open.clear();
  }

  #close(key: Key, { fromPs, toPs, names, count }: Open): void {
    this.#done({ key, fromPs, toPs, names: [...names], count });
  }
}
