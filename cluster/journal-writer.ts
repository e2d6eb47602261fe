/**
 * Writes a journal: each line continues the chain, each batch is one write. It decides nothing
 * about when; who calls it says what has to be on the disk itself before anybody acts.
 */
import { AppendFile } from "./append-file.ts";
import type { JournalHeader, JournalRecord } from "./journal.ts";
import { CHAIN_START, chainedLine } from "./journal-chain.ts";

/** Appends to a journal; each call is on disk (out of this process) when it returns. */
export class JournalWriter {
  readonly #file: AppendFile;
  #chain = CHAIN_START;

  /** Creates the file and writes its first line. Throws the system's error when it exists. */
  constructor(path: string, header: JournalHeader) {
    this.#file = new AppendFile(path);
    this.#append([header], 0);
  }

  /** Records in one write; throws OperatingError E060 when the disk will not take them. */
  write(records: readonly JournalRecord[], safeUntilPs: number): void {
    this.#append(records, safeUntilPs);
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
