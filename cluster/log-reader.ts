/**
 * Reads a run's log for those who wish for the same lines of it, from its beginning on and while it
 * grows, a moment at a time. Keeps the last lines, for whoever comes later.
 */
import type { EventLine } from "../src/observe/event-line.ts";
import type { EventView, LogView, ToldLine } from "../src/observe/view-api.ts";
import { BlindReader } from "./blind.ts";
import type { LogTeller } from "./page-log.ts";
import { RunLog } from "./run-log.ts";

/** Lines that are kept; who sees more at once asks for the past. */
export const LINES_KEPT = 500;

/** Wall ms after which what is held back is told, when nothing more comes. */
const IDLE_MS = 1000;

export interface LogReaderOptions {
  /** The run folder. */
  readonly folder: string;
  readonly teller: LogTeller;
  /** What a drill does is hidden. */
  readonly isVeiled: boolean;
  /** Lines behind this instant are not read; default: all are. */
  readonly untilPs?: number;
  /** Lines kept; default {@link LINES_KEPT}. */
  readonly limit?: number;
}

export class LogReader {
  readonly #log: RunLog;
  readonly #teller: LogTeller;
  readonly #blind: BlindReader | undefined;
  readonly #untilPs: number;
  readonly #limit: number;
  #told = 0;
  #kept: EventView[] = [];
  /** Lines that were told before the kept ones. */
  #skipped = 0;
  /** Lines that were told when news were asked for last. */
  #knownUntil = 0;
  #newsAtMs = performance.now();

  /** Opens the files of the folder. Throws OperatingError E001. */
  constructor({ folder, teller, isVeiled, untilPs, limit }: LogReaderOptions) {
    this.#log = new RunLog(folder);
    this.#teller = teller;
    this.#blind = isVeiled ? new BlindReader() : undefined;
    this.#untilPs = untilPs ?? Number.POSITIVE_INFINITY;
    this.#limit = limit ?? LINES_KEPT;
  }

  /** Reads until a moment of the wall clock; says whether that is all that there is by now. */
  read(untilMs: number): boolean {
    let idle = 0;
    while (idle < 2) {
      const lines: EventLine[] = [];
      const items = this.#log.next();
      for (const { line: given } of items) {
        const line = this.#blind === undefined ? given : this.#blind.veil(given);
        if (line !== undefined && line.virtualTimePs <= this.#untilPs) lines.push(line);
      }
      if (lines.length > 0) this.#newsAtMs = performance.now();
      this.#keep(this.#teller.take(lines));
      idle = items.length === 0 ? idle + 1 : 0;
      if ((items.at(-1)?.line.virtualTimePs ?? 0) > this.#untilPs) return true;
      if (performance.now() >= untilMs) break;
    }
    const isWhole = idle >= 2;
    const isOver = this.#log.end !== undefined;
    if (isWhole && (isOver || performance.now() - this.#newsAtMs > IDLE_MS)) this.flush();
    return isWhole;
  }

  /** Tells what was held back. */
  flush(): void {
    this.#keep(this.#teller.flush());
  }

  /** The last lines so far. */
  all(): LogView {
    return { lines: this.#kept, skipped: this.#skipped };
  }

  /** Lines since the last call, as far as they are kept; undefined: there are none. */
  news(): LogView | undefined {
    const count = this.#told - this.#knownUntil;
    this.#knownUntil = this.#told;
    if (count === 0) return undefined;
    const lines = this.#kept.slice(-count);
    return { lines, skipped: count - lines.length };
  }

  close(): void {
    this.#log.close();
  }

  #keep(lines: readonly ToldLine[]): void {
    if (lines.length === 0) return;
    const numbered = lines.map((line, place) => ({ ...line, line: this.#told + place }));
    this.#told += lines.length;
    this.#kept = [...this.#kept, ...numbered];
    const over = Math.max(0, this.#kept.length - this.#limit);
    this.#kept = this.#kept.slice(over);
    this.#skipped += over;
  }
}
