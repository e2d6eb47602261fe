/**
 * Compares a run as it goes on with the record of an earlier one: every line of the event log byte
 * for byte, every closed epoch's digest. Finds the first difference, and knows when a record that
 * was cut off has been covered. What such a record has behind its last commit is not compared.
 */
import type { EventLines } from "../../cluster/event-log.ts";
import type { Journal, JournalEnd } from "../../cluster/journal.ts";
import { lineDifference, type RecordedLines } from "../../cluster/recorded-lines.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { CommittedWindow } from "../../src/engine/window-protocol.ts";

/** What was recorded. */
export interface Recorded {
  readonly journal: Journal;
  readonly events: RecordedLines;
  /** The record holds the whole run. */
  readonly isWhole: boolean;
}

/** Lines of the event log that are compared: of a run that was cut off only committed ones. */
export function linesToCompare({ journal, events, isWhole }: Recorded): number {
  return isWhole ? events.lines : (journal.commit?.lines ?? 0);
}

/** Follows one replay. */
export class ReplayCheck {
  readonly #recorded: Recorded;
  readonly #format: EventLines;
  readonly #lines: number;
  #epochs = 0;
  #difference: string | undefined;

  constructor(recorded: Recorded, format: EventLines) {
    this.#recorded = recorded;
    this.#format = format;
    this.#lines = linesToCompare(recorded);
  }

  /** Facts and epochs that were compared and are equal. */
  get facts(): number {
    return this.#recorded.events.taken;
  }

  get epochs(): number {
    return this.#epochs;
  }

  /** The first difference in words; undefined: none so far. */
  get difference(): string | undefined {
    return this.#difference;
  }

  /**
   * Whether there is nothing left to compare: a difference, or the end of a record that was cut
   * off.
   */
  get isOver(): boolean {
    if (this.#difference !== undefined) return true;
    const { journal, isWhole } = this.#recorded;
    return !isWhole && this.facts >= this.#lines && this.#epochs >= journal.epochs.length;
  }

  /** Takes a window of the replay. */
  committed(window: CommittedWindow): void {
    for (const line of this.#format.of(window.facts)) this.#fact(line);
    for (const { epoch, digest } of window.epochsClosed) this.#epoch(epoch, digest);
  }

  /** Takes the end of the replay. */
  ended(outcome: RunOutcome): void {
    const { events, journal, isWhole } = this.#recorded;
    if (outcome.end !== "interrupted") {
      for (const { epoch, digest } of outcome.epochsClosed) this.#epoch(epoch, digest);
    }
    if (this.#difference !== undefined) return;
    if (this.facts < this.#lines || (isWhole && events.tornBytes > 0)) {
      this.#difference = lineDifference(this.facts + 1, events.next, "nothing: the replay ended");
    } else if (this.#epochs < journal.epochs.length) {
      const { epoch, digest } = journal.epochs[this.#epochs];
      this.#difference = `epoch ${epoch}: expected digest ${digest}, actual none: the replay ended`;
    } else if (isWhole && journal.end !== undefined && journal.end.digest !== outcome.digest) {
      this.#difference = `final digest: expected ${journal.end.digest}, actual ${outcome.digest}`;
    } else if (isWhole && journal.end !== undefined) {
      this.#difference = totalsDiffer(journal.end, outcome);
    }
  }

  #fact(actual: string): void {
    const { events, isWhole } = this.#recorded;
    if (this.#difference !== undefined) return;
    if (!isWhole && this.facts >= this.#lines) return;
    if (events.take(actual)) return;
    this.#difference = lineDifference(this.facts + 1, events.next, actual.trimEnd());
  }

  #epoch(epoch: number, digest: string): void {
    if (this.#difference !== undefined) return;
    const expected = this.#recorded.journal.epochs[this.#epochs];
    if (expected === undefined) {
      // The record's last epochs were closed by its end; their digests are in the final one.
      return;
    }
    if (expected.epoch === epoch && expected.digest === digest) this.#epochs += 1;
    else {
      this.#difference =
        `epoch ${expected.epoch}: expected digest ${expected.digest}, ` +
        `actual epoch ${epoch} digest ${digest}`;
    }
  }
}

/** Compares what the journal's last line says with how the replay ended. */
function totalsDiffer(end: JournalEnd, outcome: RunOutcome): string | undefined {
  for (const key of ["end", "virtualTimePs", "events", "assignments"] as const) {
    const expected = JSON.stringify(end[key]);
    const actual = JSON.stringify(outcome[key]);
    if (expected !== actual) return `${key}: expected ${expected}, actual ${actual}`;
  }
  return undefined;
}
