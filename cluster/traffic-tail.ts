/**
 * The traffic of a run folder, read on while the run writes it, and again at any instant: where
 * each bin stands in the file is kept, not what is in it.
 */
import { closeSync, existsSync, readSync } from "node:fs";
import type { TrafficBin } from "../src/model/window.ts";
import { LineTail } from "./line-tail.ts";
import { openRegular } from "./read-file.ts";
import { isBin } from "./traffic-log.ts";

/** Where one bin's line is. */
interface Place {
  readonly bin: number;
  readonly fromByte: number;
  readonly bytes: number;
}

export class TrafficTail {
  readonly #path: string;
  #tail: LineTail | undefined;
  readonly #places: Place[] = [];
  #byte = 0;

  /** The file at `path` may still be to come. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The next bins, a piece of the file at a time; none: there are no more by now. */
  next(): TrafficBin[] {
    if (this.#tail === undefined) {
      if (!existsSync(this.#path)) return [];
      this.#tail = new LineTail(this.#path);
    }
    const bins: TrafficBin[] = [];
    for (const { text, number } of this.#tail.read()) {
      const bytes = Buffer.byteLength(text);
      const bin = number === 1 ? undefined : binOf(text);
      if (bin !== undefined) {
        this.#places.push({ bin: bin.bin, fromByte: this.#byte, bytes });
        bins.push(bin);
      }
      this.#byte += bytes + 1;
    }
    return bins;
  }

  /** The bins from number `first` to `last` that have traffic, those that `next` has given. */
  between(first: number, last: number): TrafficBin[] {
    const from = this.#placeOf(first);
    const wanted: Place[] = [];
    for (let place = from; place < this.#places.length; place += 1) {
      if (this.#places[place].bin > last) break;
      wanted.push(this.#places[place]);
    }
    return this.#read(wanted);
  }

  close(): void {
    this.#tail?.close();
  }

  /** Place of the first bin that is not before `bin`. */
  #placeOf(bin: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#places[middle].bin < bin) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #read(places: readonly Place[]): TrafficBin[] {
    if (places.length === 0) return [];
    const opened = openRegular(this.#path, "refused");
    if (!opened.ok) return [];
    try {
      return places.flatMap(({ fromByte, bytes }) => {
        const buffer = Buffer.alloc(bytes);
        const read = readSync(opened.descriptor, buffer, 0, bytes, fromByte);
        return binOf(buffer.toString("utf8", 0, read)) ?? [];
      });
    } finally {
      closeSync(opened.descriptor);
    }
  }
}

/** A bin as its line has it; undefined: it is none of ours. */
function binOf(text: string): TrafficBin | undefined {
  try {
    const value = JSON.parse(text) as TrafficBin & Readonly<Record<string, unknown>>;
    const { bin, lanes, bytes } = value;
    return isBin(value) ? { bin, lanes, bytes } : undefined;
  } catch {
    return undefined;
  }
}
