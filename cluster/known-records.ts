/**
 * What a journal says already when its run is taken up again: a re-execution says it all once more.
 * Epochs must be the same again; orders that are repeated are not written twice.
 */
import { ExitCode, OperatingError } from "./errors.ts";
import type { Journal, JournalRecord } from "./journal.ts";
import type { JournalOrder } from "./journal-orders.ts";

/** Records of an earlier part of the run that have not come up again. */
export class KnownRecords {
  readonly #epochs: Journal["epochs"];
  readonly #orders: string[];
  #epochsSeen = 0;

  constructor({ epochs, orders }: Journal) {
    this.#epochs = epochs;
    this.#orders = orders.map(keyOf);
  }

  /** Whether every epoch has come up again. */
  get isCovered(): boolean {
    return this.#epochsSeen >= this.#epochs.length;
  }

  /** Those of `records` that are new. Throws OperatingError E053 when an epoch differs. */
  without(records: readonly JournalRecord[]): JournalRecord[] {
    return records.filter((record) => {
      switch (record.record) {
        case "epoch":
          return this.#isNewEpoch(record.epoch, record.digest);
        case "commit":
        case "host":
        case "end":
          return true;
        default:
          return this.#isNewOrder(record);
      }
    });
  }

  /** Throws OperatingError E053 when the run has come to its end before all that is known. */
  ended(): void {
    if (this.isCovered) return;
    const { epoch, digest } = this.#epochs[this.#epochsSeen];
    throw otherwise(`epoch ${epoch}: expected digest ${digest}, actual none: the run ended`);
  }

  #isNewEpoch(epoch: number, digest: string): boolean {
    if (this.isCovered) return true;
    const known = this.#epochs[this.#epochsSeen];
    if (known.epoch !== epoch || known.digest !== digest) {
      throw otherwise(
        `epoch ${known.epoch}: expected digest ${known.digest}, ` +
          `actual epoch ${epoch} digest ${digest}`,
      );
    }
    this.#epochsSeen += 1;
    return false;
  }

  #isNewOrder(order: JournalOrder): boolean {
    const place = this.#orders.indexOf(keyOf(order));
    if (place < 0) return true;
    this.#orders.splice(place, 1);
    return false;
  }
}

/**
 * E053: taken up again, the run is not what it was; `difference` is the first.
 */
export function otherwise(difference: string): OperatingError {
  return new OperatingError(
    "E053",
    `first difference: ${difference}`,
    "the run cannot be taken up again: its files were changed, or this faultplane is another one",
    ExitCode.internal,
  );
}

/** An order without who gave it: what is repeated from a journal is a director's. */
function keyOf({ by: _, ...order }: JournalOrder): string {
  const entries = Object.entries(order).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(entries);
}
