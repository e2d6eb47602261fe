/**
 * What an expert of this rank makes of a row of an inbox; the object is reused. A refused copy is
 * not computed: its row says why.
 */
import type { Oracle } from "../../src/model/device.ts";
import type { Inbox } from "./inbox.ts";
import { expertOf, isRefused } from "./token-slot.ts";

export class ExpertOutput {
  low = 0;
  high = 0;
  readonly #oracle: Oracle;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** Computes the output for a row. */
  of(inbox: Inbox, row: number): this {
    return this.from(inbox.exchange, inbox.slot[row], inbox.low[row], inbox.high[row]);
  }

  /** Computes the output for a copy, which no inbox has to have. */
  from(exchange: number, slot: number, low: number, high: number): this {
    if (isRefused(slot)) {
      this.low = low;
      this.high = high;
      return this;
    }
    const expert = expertOf(slot);
    this.low = this.#oracle.expertLow(expert, exchange, low, high);
    this.high = this.#oracle.expertHigh(expert, exchange, low, high);
    return this;
  }
}
