/**
 * The event log: every fact one NDJSON line, in virtual-time order, with nothing of the host in it.
 * The same facts give the same bytes on every machine. The only file that imports pino.
 */
import { pino } from "pino";
import type { FactRecord } from "../src/model/fact.ts";
import { formatTime } from "../src/model/time.ts";
import { levelOf } from "../src/observe/fact-catalogue.ts";
import { AppendFile } from "./append-file.ts";
import { otherwise } from "./known-records.ts";
import { lineDifference, RecordedLines } from "./recorded-lines.ts";

/** Turns facts into lines. */
export class EventLines {
  readonly #actorIds: readonly string[];
  readonly #lines: string[] = [];
  readonly #logger: pino.Logger;

  /** `actorIds` by actor index, as the topology sorts them. */
  constructor(actorIds: readonly string[]) {
    this.#actorIds = actorIds;
    this.#logger = pino(
      {
        base: null,
        timestamp: false,
        level: "info",
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => this.#lines.push(line) },
    );
  }

  /** One line a record, each ending in a newline. */
  of(records: readonly FactRecord[]): string[] {
    this.#lines.length = 0;
    for (const { atPs, actor, index, fact } of records) {
      const { type, ...fields } = fact;
      this.#logger[levelOf(fact)]({
        virtualTimePs: atPs,
        virtualTime: formatTime(atPs),
        actor: this.#actorIds[actor] ?? `actor ${actor}`,
        index,
        fact: type,
        ...fields,
      });
    }
    return this.#lines.slice();
  }
}

/** The event log of a run as a file. */
export class EventLog {
  readonly #path: string;
  readonly #lines: EventLines;
  /** Missing while a log that was there is compared. */
  #file: AppendFile | undefined;
  #recorded: RecordedLines | undefined;
  /** Lines of a log that was there which are kept. */
  #known = 0;
  #written = 0;

  /** Opens the file at `path`; by default it is created. Throws the system's error. */
  constructor(
    path: string,
    actorIds: readonly string[],
    mode: "create" | "device" | "reopen" = "create",
  ) {
    this.#path = path;
    this.#lines = new EventLines(actorIds);
    if (mode === "reopen") this.#recorded = new RecordedLines(path);
    else this.#file = new AppendFile(path, mode);
  }

  /**
   * Goes on with the log of a run that was cut off. Its first `lines` lines (those that are there)
   * must come up again byte for byte: E053 is thrown at the first that does not. What is behind
   * them is then cut off, and new lines are appended. Throws OperatingError E001.
   */
  static reopen(path: string, actorIds: readonly string[], lines: number): EventLog {
    const log = new EventLog(path, actorIds, "reopen");
    log.#known = Math.min(lines, log.#recorded?.lines ?? 0);
    log.#settle();
    return log;
  }

  /** Lines written so far, those that came up again included. */
  get lines(): number {
    return this.#written;
  }

  /** Whether nothing of a log that was there is left to come up again. */
  get isConfirmed(): boolean {
    return this.#recorded === undefined;
  }

  /**
   * Writes a committed window's facts in one go; throws OperatingError E060 when the disk will not
   * take them, and E053 when they are not those that a reopened log has.
   */
  write(records: readonly FactRecord[], safeUntilPs: number): void {
    const lines = this.#lines.of(records);
    const known = this.#confirm(lines);
    this.#file?.append(lines.slice(known).join(""), safeUntilPs);
    this.#written += lines.length;
  }

  /** The run is over: throws OperatingError E053 when a reopened log has lines that never came. */
  ended(): void {
    const recorded = this.#recorded;
    if (recorded === undefined) return;
    const { taken, next } = recorded;
    throw otherwise(lineDifference(taken + 1, next, "nothing: the run ended"));
  }

  /** Compares the first of `lines` with a log that was there; says how many it had. */
  #confirm(lines: readonly string[]): number {
    const recorded = this.#recorded;
    if (recorded === undefined) return 0;
    let known = 0;
    while (known < lines.length && recorded.taken < this.#known) {
      const line = lines[known];
      if (!recorded.take(line)) {
        throw otherwise(lineDifference(recorded.taken + 1, recorded.next, line.trimEnd()));
      }
      known += 1;
    }
    this.#settle();
    return known;
  }

  /** When all has come up again: cuts off what is behind it, and appends from there on. */
  #settle(): void {
    const recorded = this.#recorded;
    if (recorded === undefined || recorded.taken < this.#known) return;
    recorded.close();
    this.#recorded = undefined;
    this.#file = new AppendFile(this.#path, { keepBytes: recorded.takenBytes });
  }

  /** Returns when everything written survives a loss of power. Throws OperatingError E060. */
  sync(safeUntilPs: number): void {
    this.#file?.sync(safeUntilPs);
  }

  /** Throws OperatingError E060 when the file is no longer what was written. */
  check(safeUntilPs: number): void {
    this.#file?.check(safeUntilPs);
  }

  close(): void {
    this.#recorded?.close();
    this.#file?.close();
  }
}
