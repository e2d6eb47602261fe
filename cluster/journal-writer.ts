/**
 * Writes a journal: each line continues the chain, each batch is one write. It decides nothing
 * about when; who calls it says what has to be on the disk itself before anybody acts.
 */
import { AppendFile, type AppendMode } from "./append-file.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import { isOver, type Journal, type JournalHeader, type JournalRecord } from "./journal.ts";
import { CHAIN_START, chainedLine } from "./journal-chain.ts";
import { KnownRecords } from "./known-records.ts";

/** Throws OperatingError E055 when the run came to its end: there is nothing to take up. */
export function checkOpenEnd({ header, end }: Journal): void {
  if (end === undefined || !isOver(end.end)) return;
  throw new OperatingError(
    "E055",
    `nothing to take up: run ${header.runId} came to its end (${end.end})`,
    "replay it, or run the scenario again",
    ExitCode.badData,
  );
}

/** Appends to a journal; each call is on disk (out of this process) when it returns. */
export class JournalWriter {
  readonly #file: AppendFile;
  #chain: string;
  #known: KnownRecords | undefined;

  private constructor(path: string, mode: AppendMode, chain: string, known?: KnownRecords) {
    this.#file = new AppendFile(path, mode);
    this.#chain = chain;
    this.#known = known;
  }

  /** Creates the file and writes its first line. Throws the system's error when it exists. */
  static create(path: string, header: JournalHeader): JournalWriter {
    const writer = new JournalWriter(path, "create", CHAIN_START);
    writer.#append([header], 0);
    return writer;
  }

  /**
   * Goes on with the journal of a run that was cut off, as it was read from `path`: an incomplete
   * last line is cut off, and so is the end of a run that was interrupted or lost a worker. What it
   * says already is not written again, and E053 is thrown when an epoch comes up otherwise. Throws
   * OperatingError E055 when the run came to its end.
   */
  static reopen(path: string, journal: Journal): JournalWriter {
    checkOpenEnd(journal);
    const { tail } = journal;
    const mode = { keepBytes: tail.bytes };
    return new JournalWriter(path, mode, tail.chain, new KnownRecords(journal));
  }

  /** Whether every epoch that was known when it was reopened has come up again. */
  get isConfirmed(): boolean {
    return this.#known?.isCovered ?? true;
  }

  /** Records in one write; throws OperatingError E060 when the disk will not take them. */
  write(records: readonly JournalRecord[], safeUntilPs: number): void {
    const fresh = this.#known?.without(records) ?? records;
    if (records.some((one) => one.record === "end" && isOver(one.end))) this.#known?.ended();
    this.#append(fresh, safeUntilPs);
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

  #append(records: readonly object[], safeUntilPs: number): void {
    let chain = this.#chain;
    let text = "";
    for (const record of records) {
      const line = chainedLine(chain, record);
      chain = line.chain;
      text += `${line.text}\n`;
    }
    this.#file.append(text, safeUntilPs);
    this.#chain = chain;
  }
}
