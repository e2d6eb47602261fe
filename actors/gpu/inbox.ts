/**
 * Token copies that other ranks sent here for one layer: how many were announced, how many came,
 * and what they hold, as columns with a row for each (token, expert) assignment. A chain keeps two,
 * since a faster rank may be one layer ahead.
 */
import { violated } from "../../src/base/assert.ts";
import type { DuplicateFilter } from "./duplicate-filter.ts";

/** "Not announced yet." */
const UNKNOWN = -1;
const ROWS_START = 64;

export class Inbox {
  /** Exchange that it collects. */
  exchange = -1;
  /** Ranks that it still waits for. */
  missing = 0;
  /** Rows in use. */
  count = 0;
  /** Results are being posted row by row: rows keep their numbers. */
  isPosting = false;
  readonly announced: Int32Array;
  readonly arrived: Int32Array;
  /** By row: home rank, token there, slot (choice and expert), the gate's weight, payload. */
  home = new Int32Array(ROWS_START);
  token = new Int32Array(ROWS_START);
  slot = new Int32Array(ROWS_START);
  weight = new Int32Array(ROWS_START);
  low = new Int32Array(ROWS_START);
  high = new Int32Array(ROWS_START);

  readonly #filter: DuplicateFilter | undefined;

  /** With a filter, what arrives a second time counts for nothing; without one it is a bug. */
  constructor(ranks: number, filter?: DuplicateFilter) {
    this.#filter = filter;
    this.announced = new Int32Array(ranks);
    this.arrived = new Int32Array(ranks);
  }

  /** Starts to collect an exchange from `live` ranks. */
  reset(exchange: number, live: number): void {
    this.exchange = exchange;
    this.missing = live;
    this.count = 0;
    this.isPosting = false;
    this.announced.fill(UNKNOWN);
    this.arrived.fill(0);
    this.#filter?.reset();
  }

  /** Has everything that a rank announced arrived? */
  isWhole(rank: number): boolean {
    return this.announced[rank] === this.arrived[rank];
  }

  /** An assignment of a rank; `weight` is 0 where the home rank applies it. */
  add(home: number, token: number, slot: number, weight: number, low: number, high: number): void {
    if (this.#filter?.isDuplicate(home, token, slot) === true) return;
    if (this.count === this.home.length) this.#grow();
    const row = this.count;
    this.home[row] = home;
    this.token[row] = token;
    this.slot[row] = slot;
    this.weight[row] = weight;
    this.low[row] = low;
    this.high[row] = high;
    this.count = row + 1;
    this.arrived[home] += 1;
    this.#check(home);
  }

  /** A rank says how many assignments it sent. */
  announce(rank: number, count: number): void {
    if (this.announced[rank] !== UNKNOWN) {
      if (this.#filter !== undefined) return;
      violated("announced-once", `exchange ${this.exchange}, rank ${rank}`);
    }
    this.announced[rank] = count;
    this.#check(rank);
  }

  /** Stops waiting for a rank and drops what came from it. */
  forget(rank: number): void {
    if (!this.isWhole(rank)) this.missing -= 1;
    this.arrived[rank] = 0;
    this.announced[rank] = 0;
    if (this.isPosting) return;
    let kept = 0;
    for (let row = 0; row < this.count; row += 1) {
      if (this.home[row] === rank) continue;
      for (const column of this.#columns()) column[kept] = column[row];
      kept += 1;
    }
    this.count = kept;
  }

  #check(rank: number): void {
    const announced = this.announced[rank];
    if (announced !== UNKNOWN && this.arrived[rank] > announced) {
      violated(
        "dispatched-once",
        `exchange ${this.exchange}: ${this.arrived[rank]} copies of rank ${rank}`,
      );
    }
    if (this.isWhole(rank)) this.missing -= 1;
  }

  #columns(): Int32Array[] {
    return [this.home, this.token, this.slot, this.weight, this.low, this.high];
  }

  #grow(): void {
    [this.home, this.token, this.slot, this.weight, this.low, this.high] = this.#columns().map(
      doubled,
    ) as [Columns, Columns, Columns, Columns, Columns, Columns];
  }
}

type Columns = Int32Array<ArrayBuffer>;

function doubled(column: Int32Array): Columns {
  const bigger = new Int32Array(column.length * 2);
  bigger.set(column);
  return bigger;
}
