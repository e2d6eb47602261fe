/**
 * What a run folder tells, in the order of virtual time: the facts of the event log, and between
 * them what the journal has of hosts and orders. The two files are read on side by side, also while
 * the run writes them; neither is ever whole in memory.
 *
 * A run writes an order down before it acts, and facts before the journal speaks of what comes
 * after them. So, of two looks at the files, the second has every fact that belongs before an order
 * that the first one saw.
 */
import { join } from "node:path";
import { type EventLine, lineProblem } from "../src/observe/event-line.ts";
import { journalLine } from "../src/observe/journal-line.ts";
import { OperatingError } from "./errors.ts";
import { type JournalEnd, type JournalRecord, parseHeader, parseRecord } from "./journal.ts";
import type { JournalOrder } from "./journal-orders.ts";
import { damagedLine, LineTail, type TailLine } from "./line-tail.ts";
import { RunFile } from "./run-folder.ts";

/**
 * The orders that the journal of `folder` has by now. Throws OperatingError E001, E050 or E051.
 */
export function readOrders(folder: string): JournalOrder[] {
  const tail = new LineTail(join(folder, RunFile.journal));
  const orders: JournalOrder[] = [];
  try {
    for (let lines = tail.read(); lines.length > 0; lines = tail.read()) {
      for (const { text, number } of lines) {
        const record = recordOf(text, number);
        if (record !== undefined && isOrder(record)) orders.push(record);
      }
    }
  } finally {
    tail.close();
  }
  return orders;
}

/** A line of the journal; undefined: its first one. */
function recordOf(text: string, number: number): JournalRecord | undefined {
  const bytes = Buffer.from(text, "utf8");
  if (number > 1) {
    try {
      return parseRecord(bytes, number);
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      throw new OperatingError(
        error.code,
        `${RunFile.journal}: ${error.message}`,
        "",
        error.exitCode,
      );
    }
  }
  parseHeader(bytes);
  return undefined;
}

function isOrder(record: JournalRecord): record is JournalOrder {
  return ["fault", "heal", "stop", "note"].includes(record.record);
}

/** One line, parsed and as it stands in its file. */
export interface LogItem {
  readonly line: EventLine;
  readonly text: string;
}

/** A line of the journal that waits for its turn. */
interface Waiting extends LogItem {
  /** In which look at the files it was seen. */
  readonly look: number;
}

/** The log of one run while it is read. */
export class RunLog {
  readonly #events: LineTail;
  readonly #eventsPath: string;
  readonly #journal: LineTail;
  readonly #waiting: Waiting[] = [];
  #look = 0;
  /** Bytes of the event log that this look takes. */
  #untilBytes = 0;
  #isLookOver = true;
  #reachedPs = 0;
  /** What the journal said before this look, and up to where everything was read by it. */
  #dueReadPs = 0;
  #readPs = 0;
  #end: JournalEnd | undefined;
  /** A damaged line; what is before it is given first. */
  #damage: unknown;

  /** Opens both files of `folder`. Throws OperatingError E001. */
  constructor(folder: string) {
    this.#eventsPath = join(folder, RunFile.events);
    this.#events = new LineTail(this.#eventsPath);
    try {
      this.#journal = new LineTail(join(folder, RunFile.journal));
    } catch (error) {
      this.#events.close();
      throw error;
    }
  }

  /** Everything before this instant has been written, ps. */
  get reachedPs(): number {
    return this.#reachedPs;
  }

  /** Everything before this instant has been given, ps. */
  get readPs(): number {
    return this.#readPs;
  }

  /** How the run ended, once the journal says so. */
  get end(): JournalEnd | undefined {
    return this.#end;
  }

  /** Bytes of an incomplete last line of the event log. */
  get tornBytes(): number {
    return this.#events.tornBytes;
  }

  /** Whether another run has taken the folder since. */
  get isReplaced(): boolean {
    return this.#events.isReplaced;
  }

  /** A run that was taken up again cut its files back: goes on from there. */
  followCut(): boolean {
    const isCut = this.#journal.followCut();
    return this.#events.followCut() || isCut;
  }

  /**
   * The next items; none, twice in a row, when there are no more by now. Throws OperatingError E050
   * (no journal of ours) or E051 (a line that is none of ours), when all before it was given.
   */
  next(): LogItem[] {
    if (this.#damage !== undefined) throw this.#damage;
    if (this.#isLookOver) this.#lookAgain();
    const lines = this.#events.read(this.#untilBytes);
    if (lines.length === 0) {
      this.#isLookOver = true;
      this.#readPs = this.#dueReadPs;
      return this.#due((item) => item.look < this.#look && this.#isPast(item));
    }
    const items: LogItem[] = [];
    try {
      for (const one of lines) {
        const item = this.#eventOf(one);
        const { virtualTimePs } = item.line;
        for (const due of this.#due(({ line }) => line.virtualTimePs <= virtualTimePs)) {
          items.push(due);
        }
        items.push(item);
      }
    } catch (error) {
      this.#damage = error;
      if (items.length === 0) throw error;
    }
    return items;
  }

  close(): void {
    this.#events.close();
    this.#journal.close();
  }

  /** What is in the event log by now goes with what is in the journal after that. */
  #lookAgain(): void {
    this.#isLookOver = false;
    this.#look += 1;
    this.#dueReadPs = this.#reachedPs;
    this.#untilBytes = this.#events.sizeBytes;
    for (;;) {
      const lines = this.#journal.read();
      if (lines.length === 0) return;
      for (const one of lines) this.#journalLine(one);
    }
  }

  #journalLine({ text, number }: TailLine): void {
    const record = recordOf(text, number);
    if (record === undefined) return;
    if (record.record === "commit") this.#reachedPs = record.atPs;
    else if (record.record === "end") this.#end = record;
    else if (record.record !== "epoch") {
      const line = journalLine({ ...record });
      if (line === undefined) return;
      this.#waiting.splice(this.#placeFor(line.virtualTimePs), 0, {
        ...{ line, text, look: this.#look },
      });
    }
  }

  /** Behind all that waits for this instant or an earlier one. */
  #placeFor(atPs: number): number {
    let [from, until] = [0, this.#waiting.length];
    while (from < until) {
      const middle = (from + until) >> 1;
      if (this.#waiting[middle].line.virtualTimePs <= atPs) from = middle + 1;
      else until = middle;
    }
    return from;
  }

  /** Only a drill orders ahead of its time. */
  #isPast({ line }: LogItem): boolean {
    if (this.#end !== undefined || line.by !== "drill") return true;
    return line.virtualTimePs <= this.#reachedPs;
  }

  #due(isDue: (item: Waiting) => boolean): LogItem[] {
    let count = 0;
    while (count < this.#waiting.length && isDue(this.#waiting[count])) count += 1;
    return count === 0 ? [] : this.#waiting.splice(0, count);
  }

  #eventOf({ text, number }: TailLine): LogItem {
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      throw damagedLine(this.#eventsPath, number, "not a JSON object");
    }
    const problem = lineProblem(line);
    if (problem !== undefined) throw damagedLine(this.#eventsPath, number, problem);
    return { line: line as EventLine, text };
  }
}
