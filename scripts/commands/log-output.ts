/**
 * Where the lines of a log go: stdout, in large pieces. With `--tail` all but the last lines of
 * what was there at first are dropped. Holds nothing else back.
 */
import type { Terminal } from "../terminal/terminal.ts";

export class LogOutput {
  readonly #terminal: Terminal;
  readonly #tail: number;
  /** The last lines so far, until what was there has been read; undefined: everything goes out. */
  #kept: string[] | undefined;

  /** `tail`: how many lines of what is there are wanted; undefined: all. */
  constructor(terminal: Terminal, tail: number | undefined) {
    this.#terminal = terminal;
    this.#tail = tail ?? 0;
    this.#kept = tail === undefined ? undefined : [];
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return this.#terminal.isResultClosed;
  }

  /** Writes lines, once they are wanted; returns when they are handed over. */
  async write(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    if (this.#kept === undefined) {
      await this.#terminal.resultAbove(`${lines.join("\n")}\n`);
      return;
    }
    for (const line of lines) this.#kept.push(line);
    // Not at every line: a piece that is cut off is copied.
    if (this.#kept.length > 2 * this.#tail + 1000) this.#cut();
  }

  /** What was there has been read: what comes now is wanted. */
  async caughtUp(): Promise<void> {
    if (this.#kept === undefined) return;
    this.#cut();
    const lines = this.#kept ?? [];
    this.#kept = undefined;
    await this.write(lines);
  }

  #cut(): void {
    const kept = this.#kept ?? [];
    this.#kept = kept.slice(Math.max(0, kept.length - this.#tail));
  }
}
