/**
 * The lines of the log that the page holds: the latest, in the order of the log. Who comes back is
 * told all of them again. Pure.
 */
import type { EventView, LogNewsView } from "../../../src/observe/view-api.ts";

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

  /** Takes more lines, or all so far in place of those that it has. */
  take({ lines, skipped, isAll }: LogNewsView): void {
    if (isAll) this.#lines = [];
    this.#skipped = isAll ? skipped : this.#skipped + skipped;
    if (lines.length === 0) return;
    const all = [...this.#lines, ...lines];
    this.#skipped += Math.max(0, all.length - LINES_MAX);
    this.#lines = all.slice(-LINES_MAX);
  }
}
