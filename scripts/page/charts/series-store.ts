/**
 * The series that the server has told so far, and what a chart draws of them: where nothing
 * happened for a while, a line falls to nothing instead of going straight on. As bounded as what
 * the server keeps. Pure.
 */
import type { SeriesView } from "../../../src/observe/view-api.ts";

/** What a line is drawn from. */
export type Values = readonly (number | null)[];

/** Columns for a chart: instants, then one column a line. */
export type ChartData = readonly [readonly number[], ...Values[]];

/** Shorter times of exchanges are not drawn, us. */
const LEAST_US = 0.1;

const NOTHING: SeriesView = {
  ...{ everyPs: 1, reset: true, atPs: [], tokensPerSecond: [], planeUsePercent: [] },
  ...{ dispatchP50Us: [], dispatchMaxUs: [], combineP50Us: [], combineMaxUs: [] },
  ...{ ranksMasked: [], lagSeconds: [] },
};

export class SeriesStore {
  /** The present, ps: where nothing was told of for a while, nothing was done. */
  nowPs = 0;
  #view: SeriesView = NOTHING;

  /** Length of an interval, ps. */
  get everyPs(): number {
    return this.#view.everyPs;
  }

  /** Instant behind the last interval, ps. */
  get endPs(): number {
    const last = this.#view.atPs.at(-1);
    return last === undefined ? 0 : last + this.#view.everyPs;
  }

  /** Takes what is new: intervals from the first one on replace what was there. */
  take(news: SeriesView): void {
    if (news.reset || this.#view.atPs.length === 0) {
      this.#view = news;
      return;
    }
    const old = this.#view;
    const first = news.atPs[0] ?? Number.POSITIVE_INFINITY;
    const kept = old.atPs.findIndex((atPs) => atPs >= first);
    const count = kept < 0 ? old.atPs.length : kept;
    const joined = <Value>(before: readonly Value[], after: readonly Value[]): Value[] => [
      ...before.slice(0, count),
      ...after,
    ];
    this.#view = {
      ...news,
      atPs: joined(old.atPs, news.atPs),
      tokensPerSecond: joined(old.tokensPerSecond, news.tokensPerSecond),
      dispatchP50Us: joined(old.dispatchP50Us, news.dispatchP50Us),
      dispatchMaxUs: joined(old.dispatchMaxUs, news.dispatchMaxUs),
      combineP50Us: joined(old.combineP50Us, news.combineP50Us),
      combineMaxUs: joined(old.combineMaxUs, news.combineMaxUs),
      planeUsePercent: news.planeUsePercent.map((plane, place) =>
        joined(old.planeUsePercent[place] ?? [], plane),
      ),
      ranksMasked: joined(old.ranksMasked, news.ranksMasked),
      lagSeconds: joined(old.lagSeconds, news.lagSeconds),
    };
  }

  throughput(): ChartData {
    const { tokensPerSecond: rates } = this.#view;
    // A rate holds to the end of its interval, also when that of the next one is not known yet.
    const held = rates.map((rate, place) => (rate === null ? (rates[place - 1] ?? null) : rate));
    return this.#columns([[held, 0]]);
  }

  latency(): ChartData {
    const { dispatchP50Us, dispatchMaxUs, combineP50Us, combineMaxUs } = this.#view;
    // Nearly nothing, of a rank that had nobody to wait for, has no place on a logarithm.
    const columns = [dispatchP50Us, dispatchMaxUs, combineP50Us, combineMaxUs].map((column) =>
      column.map((us) => (us !== null && us < LEAST_US ? null : us)),
    );
    return this.#columns(columns.map((column) => [column, null] as const));
  }

  /** One column a plane; intervals in which nothing happened are missing. */
  planeUse(): ChartData {
    return [this.#view.atPs, ...this.#view.planeUsePercent];
  }

  /** Masked ranks, which stay so until they change, and lag. */
  standing(): ChartData {
    const { atPs, ranksMasked, lagSeconds } = this.#view;
    const last = ranksMasked.at(-1);
    if (last === undefined) return [[], [], []];
    return [
      [...atPs, Math.max(this.endPs, this.nowPs)],
      [...ranksMasked, last],
      [...lagSeconds, null],
    ];
  }

  /** Columns with `empty` in place of intervals that are missing: at both ends of each gap. */
  #columns(lines: readonly (readonly [Values, number | null])[]): ChartData {
    const { atPs, everyPs } = this.#view;
    const times: number[] = [];
    const columns: (number | null)[][] = lines.map(() => []);
    let expected = 0;
    const push = (at: number, place: number): void => {
      times.push(at);
      for (const [line, [values, empty]] of lines.entries()) {
        const value = place < 0 ? undefined : values[place];
        columns[line].push(value === undefined ? empty : value);
      }
    };
    for (const [place, at] of atPs.entries()) {
      if (at > expected) push(expected, -1);
      if (at > expected + everyPs) push(at - everyPs, -1);
      push(at, place);
      expected = at + everyPs;
    }
    if (atPs.length > 0 && this.nowPs > expected + 2 * everyPs) {
      push(expected, -1);
      push(this.nowPs, -1);
    } else if (atPs.length > 0) {
      // A count holds to the end of its interval; of a time there is no more.
      times.push(expected);
      for (const [line, [, empty]] of lines.entries()) {
        const before = columns[line].at(-1);
        columns[line].push(empty === null || before === undefined ? empty : before);
      }
    }
    return [times, ...columns];
  }
}
