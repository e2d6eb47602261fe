/**
 * The lines of the log that the page holds: the latest, each once, in the order of the log, however
 * they came. Pure.
 */
import type { EventView } from "../../../src/observe/view-api.ts";

/** Lines held, and shown. */
export const LINES_MAX = 500;

export class LogBuffer {
  #lines: readonly EventView[] = [];
  #skipped = 0;

  /** Ascending; another list when it has changed. */
  get lines(): readonly EventView[] {
    return this.#lines;
  }

  /** How many lines passed the filter and are not here. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes lines, and how many before them were left out. */
  take(lines: readonly EventView[], skipped: number): void {
    this.#skipped += skipped;
    const last = this.#lines.at(-1)?.line ?? -1;
    const isNewer = lines.every(({ line }, place) => line > (lines[place - 1]?.line ?? last));
    const all = isNewer ? [...this.#lines, ...lines] : merged(this.#lines, lines);
    this.#skipped += Math.max(0, all.length - LINES_MAX);
    if (lines.length > 0) this.#lines = all.slice(-LINES_MAX);
  }

  clear(): void {
    this.#lines = [];
    this.#skipped = 0;
  }
}

function merged(one: readonly EventView[], other: readonly EventView[]): EventView[] {
  const byNumber = new Map([...one, ...other].map((line) => [line.line, line]));
  return [...byNumber.values()].sort((left, right) => left.line - right.line);
}
