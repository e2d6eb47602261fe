/**
 * What becomes of the items of a log: lines of text for people, or those that pass as they stand.
 */
import type { LogItem } from "../../cluster/run-log.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { counted, grouped } from "../../src/base/words.ts";
import type { EventFilter } from "../../src/observe/event-filter.ts";
import { EventSieve } from "../../src/observe/event-sieve.ts";
import { journalEntryOf } from "../../src/observe/journal-line.ts";
import type { FleetPlan } from "../../src/observe/layer-progress.ts";
import type { Detail, LiveLine } from "../../src/observe/live-log.ts";
import { LogLines, type LogTally } from "../../src/observe/log-lines.ts";
import { formatLine } from "../terminal/live-line.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Takes items in the order of the log. */
export interface LogPrinter {
  /** Lines that are ready. */
  take(items: readonly LogItem[]): string[];
  /** Lines that were held back. */
  flush(): string[];
  /** What became of everything, so far. */
  readonly tally: LogTally;
}

/** Why nothing was printed, and what to try; undefined: something was. */
export function emptyNote({ facts, passed, told }: LogTally): string | undefined {
  if (told > 0) return undefined;
  if (facts === 0) return "there are no facts in this log";
  if (passed === 0) return `none of ${counted(facts, "fact")} passes; leave out or widen a filter`;
  const pass = passed === 1 ? "passes" : "pass";
  return `nothing is told without --verbose: ${counted(passed, "fact")} of ${grouped(facts)} ${pass}`;
}

/**
 * Lines of events.ndjson, byte for byte; on a terminal, with control characters as JSON also writes
 * them. Those of the journal have another form, and are printed
 * only when the filter names their kind.
 */
export class JsonPrinter implements LogPrinter {
  readonly #sieve: EventSieve<LogItem>;
  readonly #takesJournal: boolean;
  readonly #isEscaped: boolean;
  #facts = 0;
  #told = 0;

  constructor(filter: EventFilter, isTerminal: boolean) {
    this.#isEscaped = isTerminal;
    this.#sieve = new EventSieve(filter);
    this.#takesJournal = filter.spec.kinds.length > 0;
  }

  take(items: readonly LogItem[]): string[] {
    const texts: string[] = [];
    for (const item of items) {
      if (journalEntryOf(item.line.fact) === undefined) this.#facts += 1;
      for (const { line, text } of this.#sieve.take(item)) {
        if (this.#takesJournal || journalEntryOf(line.fact) === undefined) texts.push(text);
      }
    }
    this.#told += texts.length;
    return this.#isEscaped ? texts.map(escapeControls) : texts;
  }

  flush(): string[] {
    return [];
  }

  get tally(): LogTally {
    return { facts: this.#facts, passed: this.#told, told: this.#told };
  }
}

/** Sentences, in columns and colours. */
export class TextPrinter implements LogPrinter {
  readonly #lines: LogLines;
  readonly #terminal: Terminal;

  constructor(plan: FleetPlan, filter: EventFilter, detail: Detail, terminal: Terminal) {
    this.#lines = new LogLines(plan, filter, detail, "with --each");
    this.#terminal = terminal;
  }

  /** Layers that are done on every rank, and of the whole run. */
  get progress(): { readonly done: number; readonly total: number } {
    return this.#lines.live.progress;
  }

  take(items: readonly LogItem[]): string[] {
    return this.#painted(this.#lines.take(items));
  }

  get tally(): LogTally {
    return this.#lines.tally;
  }

  flush(): string[] {
    return this.#painted(this.#lines.flush());
  }

  #painted(lines: readonly LiveLine[]): string[] {
    const { resultPalette } = this.#terminal;
    return lines.map((line) => this.#terminal.paint(formatLine(line), line.tone, resultPalette));
  }
}
