/**
 * The weighted sum of a token's outputs over some of its choices, and how it stands in a cargo:
 * token, choices in it, choices given up on the way and for which fault, the sum (two words).
 */
import { NO_FAULT } from "../../src/model/fault.ts";
import type { PartialSum } from "./home-side.ts";

/** Words of a sum in a cargo. */
export const SUM_WORDS = 6;
/** Words of a copy in a cargo, and of each of its choices. */
export const COPY_WORDS = 4;
export const CHOICE_WORDS = 3;

/** One sum, reused. */
export class TokenSum implements PartialSum {
  token = 0;
  combined = 0;
  lost = 0;
  fault = NO_FAULT;
  low = 0;
  high = 0;

  begin(token: number): void {
    this.token = token;
    this.combined = 0;
    this.lost = 0;
    this.fault = NO_FAULT;
    this.low = 0;
    this.high = 0;
  }

  /** Adds the weighted output of one choice. */
  add(choice: number, weight: number, low: number, high: number): void {
    this.combined |= 1 << choice;
    this.low = (this.low + Math.imul(weight, low)) | 0;
    this.high = (this.high + Math.imul(weight, high)) | 0;
  }

  read(words: Int32Array, at: number): this {
    this.token = words[at];
    this.combined = words[at + 1];
    this.lost = words[at + 2];
    this.fault = words[at + 3];
    this.low = words[at + 4];
    this.high = words[at + 5];
    return this;
  }

  /** Returns the place behind it. */
  write(words: Int32Array, at: number): number {
    words[at] = this.token;
    words[at + 1] = this.combined;
    words[at + 2] = this.lost;
    words[at + 3] = this.fault;
    words[at + 4] = this.low;
    words[at + 5] = this.high;
    return at + SUM_WORDS;
  }
}
