/**
 * The event log: every fact one NDJSON line, in virtual-time order, with nothing of the host in it.
 * The same facts give the same bytes on every machine. The only file that imports pino.
 */
import { pino } from "pino";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import { formatTime } from "../src/model/time.ts";
import { AppendFile, type AppendMode } from "./append-file.ts";

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
  readonly #lines: EventLines;
  readonly #file: AppendFile;
  #written = 0;

  /** Opens the file at `path`; by default it is created. Throws the system's error. */
  constructor(path: string, actorIds: readonly string[], mode: AppendMode = "create") {
    this.#lines = new EventLines(actorIds);
    this.#file = new AppendFile(path, mode);
  }

  /** Lines written so far. */
  get lines(): number {
    return this.#written;
  }

  /**
   * Writes a committed window's facts in one go; throws OperatingError E060 when the disk will not
   * take them.
   */
  write(records: readonly FactRecord[], safeUntilPs: number): void {
    const lines = this.#lines.of(records);
    this.#file.append(lines.join(""), safeUntilPs);
    this.#written += lines.length;
  }

  /** Returns when everything written survives a loss of power. Throws OperatingError E060. */
  sync(safeUntilPs: number): void {
    this.#file.sync(safeUntilPs);
  }

  /** Throws OperatingError E060 when the file is no longer what was written. */
  check(safeUntilPs: number): void {
    this.#file.check(safeUntilPs);
  }

  close(): void {
    this.#file.close();
  }
}

/** Severity of a fact in the log. */
export function levelOf(fact: Fact): "info" | "warn" | "error" {
  switch (fact.type) {
    case "combine.mismatched":
      return "error";
    case "qp.timed-out":
    case "qp.failed":
    case "rank.wait-timed-out":
    case "rank.masked":
    case "rank.trapped":
    case "experts.missing":
    case "copy.corrupted":
    case "fault.began":
    case "fault.changed":
      return "warn";
    default:
      return "info";
  }
}
