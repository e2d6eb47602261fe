/**
 * What a page draws over virtual time: throughput, times of the all-to-alls, use of each plane,
 * masked ranks and lag, in intervals of one length. There are never more than a few hundred: when
 * there would be, two become one. Fed in the order of the log; pure.
 */
import type { FactRecord } from "../model/fact.ts";
import { PS_PER_S, PS_PER_US } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { TrafficBin } from "../model/window.ts";
import { DurationHistogram } from "./duration-histogram.ts";
import type { SeriesView } from "./view-api.ts";

/** Intervals with something in them, at most; half as many at least once that was reached. */
const INTERVALS_MAX = 600;

/** What happened in one interval. */
interface Interval {
  combined: number;
  /** Assignments by when they were worked on; `combined` counts them when they were done. */
  worked: number;
  readonly dispatch: DurationHistogram;
  readonly combine: DurationHistogram;
  /** By plane: bytes over the lanes between NICs and leaves. */
  readonly planeBytes: Float64Array;
  ranksMasked: number | undefined;
  lagSeconds: number | undefined;
  layersDone: number;
  masks: number;
  mismatches: number;
}

/** Counts up to an instant. */
export interface Progress {
  readonly layersDone: number;
  readonly combined: number;
  readonly masks: number;
  readonly mismatches: number;
}

export interface ViewSeriesOptions {
  readonly topology: Topology;
  /** Length of the intervals at the beginning, ps; whole bins of traffic. */
  readonly everyPs: number;
  /** Length of the bins of traffic, ps. */
  readonly trafficEveryPs: number;
  /** Assignments that a token comes to on its way through all layers. */
  readonly assignmentsPerToken: number;
}

export class ViewSeries {
  readonly #options: ViewSeriesOptions;
  /** By lane: plane of one between a NIC and a leaf; -1: another one. */
  readonly #planeOf: Int16Array;
  /** By plane: what its lanes carry in a picosecond, bytes. */
  readonly #planeRate: Float64Array;
  /** By rank and chain, as text: when its last exchange ended. */
  readonly #endedPs = new Map<string, number>();
  /** Times from one exchange of a rank to its next. */
  readonly #turns = new DurationHistogram();
  #everyPs: number;
  #intervals = new Map<number, Interval>();
  /** The first interval that has changed since the last `news`. */
  #changedFrom = 0;
  #isReset = true;
  /** Throughput is known before this instant: later exchanges may still count there, ps. */
  #settledPs = 0;

  constructor(options: ViewSeriesOptions) {
    const { actors, lanes } = options.topology;
    this.#options = options;
    this.#everyPs = options.everyPs;
    this.#planeOf = Int16Array.from(lanes, ({ from, to }) => {
      const [one, other] = [actors[from], actors[to]];
      const ends = `${one.kind}-${other.kind}`;
      if (ends === "nic-leaf") return other.plane;
      return ends === "leaf-nic" ? one.plane : -1;
    });
    const planes = 1 + this.#planeOf.reduce((most, plane) => Math.max(most, plane), -1);
    this.#planeRate = new Float64Array(planes);
    for (const [lane, plane] of this.#planeOf.entries()) {
      if (plane >= 0) this.#planeRate[plane] += 1 / lanes[lane].lane.psPerByte;
    }
  }

  /** Length of an interval now, ps. */
  get everyPs(): number {
    return this.#everyPs;
  }

  takeFact({ atPs, actor, fact }: FactRecord): void {
    switch (fact.type) {
      case "dispatch.completed":
        this.#at(atPs).dispatch.add(fact.durationPs);
        return;
      case "combine.completed": {
        const interval = this.#at(atPs);
        interval.combine.add(fact.durationPs);
        interval.combined += fact.combined;
        interval.masks += fact.masked;
        this.#spread(atPs, `${actor} ${fact.chain}`, fact.combined);
        return;
      }
      case "layer.completed":
        this.#at(atPs).layersDone += 1;
        return;
      case "combine.mismatched":
        if (fact.fault === "none") this.#at(atPs).mismatches += 1;
        return;
      default:
    }
  }

  /**
   * An exchange counts over the time of a middling one before its end, as in reports: counted at
   * its end alone, throughput would come in jumps.
   */
  #spread(atPs: number, key: string, combined: number): void {
    const turnPs = atPs - (this.#endedPs.get(key) ?? 0);
    this.#endedPs.set(key, atPs);
    this.#turns.add(turnPs);
    const spanPs = Math.max(1, Math.min(turnPs, this.#turns.medianPs ?? turnPs));
    let fromPs = atPs - spanPs;
    while (fromPs < atPs) {
      const interval = this.#at(fromPs);
      const untilPs = Math.min(atPs, (Math.floor(fromPs / this.#everyPs) + 1) * this.#everyPs);
      interval.worked += (combined * (untilPs - fromPs)) / spanPs;
      fromPs = untilPs;
    }
  }

  takeTraffic({ bin, lanes, bytes }: TrafficBin): void {
    const { planeBytes } = this.#at(bin * this.#options.trafficEveryPs);
    for (const [place, lane] of lanes.entries()) {
      const plane = this.#planeOf[lane] ?? -1;
      if (plane >= 0) planeBytes[plane] += bytes[place];
    }
  }

  /** So many ranks are masked from an instant on. */
  masked(atPs: number, ranks: number): void {
    this.#at(atPs).ranksMasked = ranks;
  }

  /** All before an instant was taken; `isOver`: nothing comes after it. */
  reached(atPs: number, isOver: boolean): void {
    const settledPs = isOver ? Number.POSITIVE_INFINITY : atPs - (this.#turns.medianPs ?? 0);
    if (settledPs <= this.#settledPs) return;
    this.#changedFrom = Math.min(
      this.#changedFrom,
      Math.max(0, Math.floor(this.#settledPs / this.#everyPs) - 1),
    );
    this.#settledPs = settledPs;
  }

  /** How late the run is by the wall clock. */
  late(atPs: number, lagSeconds: number): void {
    const interval = this.#intervals.get(Math.floor(atPs / this.#everyPs));
    if (interval !== undefined) interval.lagSeconds = lagSeconds;
  }

  /** What had been done by the end of the interval that holds an instant. */
  progressAt(atPs: number): Progress {
    const last = Math.floor(atPs / this.#everyPs);
    const sums = { layersDone: 0, combined: 0, masks: 0, mismatches: 0 };
    for (const [number, interval] of this.#intervals) {
      if (number > last) continue;
      sums.layersDone += interval.layersDone;
      sums.combined += interval.combined;
      sums.masks += interval.masks;
      sums.mismatches += interval.mismatches;
    }
    return sums;
  }

  /** All of it. */
  all(): SeriesView {
    return this.#view([...this.#intervals.keys()], true);
  }

  /** What is new since the last call; `reset`: forget what was there. Undefined: nothing is. */
  news(): SeriesView | undefined {
    const numbers = [...this.#intervals.keys()];
    const changed = this.#isReset ? numbers : numbers.filter((one) => one >= this.#changedFrom);
    const view = changed.length === 0 ? undefined : this.#view(changed, this.#isReset);
    this.#isReset = false;
    this.#changedFrom = Number.POSITIVE_INFINITY;
    return view;
  }

  #at(atPs: number): Interval {
    const number = Math.floor(atPs / this.#everyPs);
    this.#changedFrom = Math.min(this.#changedFrom, number);
    const known = this.#intervals.get(number);
    if (known !== undefined) return known;
    if (this.#intervals.size >= INTERVALS_MAX) {
      this.#halve();
      return this.#at(atPs);
    }
    const fresh = this.#fresh();
    this.#intervals.set(number, fresh);
    return fresh;
  }

  #fresh(): Interval {
    return {
      combined: 0,
      worked: 0,
      dispatch: new DurationHistogram(),
      combine: new DurationHistogram(),
      planeBytes: new Float64Array(this.#planeRate.length),
      ranksMasked: undefined,
      lagSeconds: undefined,
      layersDone: 0,
      masks: 0,
      mismatches: 0,
    };
  }

  /** Two intervals become one. */
  #halve(): void {
    const before = [...this.#intervals].sort(([left], [right]) => left - right);
    this.#everyPs *= 2;
    this.#intervals = new Map();
    this.#isReset = true;
    for (const [number, one] of before) {
      const place = Math.floor(number / 2);
      const into = this.#intervals.get(place) ?? this.#fresh();
      this.#intervals.set(place, into);
      into.combined += one.combined;
      into.worked += one.worked;
      into.dispatch.merge(one.dispatch);
      into.combine.merge(one.combine);
      for (const [plane, bytes] of one.planeBytes.entries()) into.planeBytes[plane] += bytes;
      into.ranksMasked = one.ranksMasked ?? into.ranksMasked;
      into.lagSeconds = one.lagSeconds ?? into.lagSeconds;
      into.layersDone += one.layersDone;
      into.masks += one.masks;
      into.mismatches += one.mismatches;
    }
  }

  #tokensPerSecond({ worked }: Interval): number {
    const tokens = worked / this.#options.assignmentsPerToken;
    return (tokens * PS_PER_S) / this.#everyPs;
  }

  #view(numbers: number[], reset: boolean): SeriesView {
    const everyPs = this.#everyPs;
    const rows = numbers
      .sort((left, right) => left - right)
      .map((number) => [number, this.#intervals.get(number) as Interval] as const);
    let ranksMasked = this.#maskedBefore(rows[0]?.[0] ?? 0);
    return {
      everyPs,
      reset,
      atPs: rows.map(([number]) => number * everyPs),
      tokensPerSecond: rows.map(([number, interval]) =>
        (number + 1) * everyPs > this.#settledPs ? null : this.#tokensPerSecond(interval),
      ),
      dispatchP50Us: rows.map(([, { dispatch }]) => inUs(dispatch.medianPs)),
      dispatchMaxUs: rows.map(([, { dispatch }]) => inUs(dispatch.maxPs || undefined)),
      combineP50Us: rows.map(([, { combine }]) => inUs(combine.medianPs)),
      combineMaxUs: rows.map(([, { combine }]) => inUs(combine.maxPs || undefined)),
      planeUsePercent: [...this.#planeRate.keys()].map((plane) =>
        rows.map(([, { planeBytes }]) => this.#usePercent(plane, planeBytes[plane])),
      ),
      ranksMasked: rows.map(([, interval]) => {
        ranksMasked = interval.ranksMasked ?? ranksMasked;
        return ranksMasked;
      }),
      lagSeconds: rows.map(([, { lagSeconds }]) => lagSeconds ?? null),
    };
  }

  #usePercent(plane: number, bytes: number): number {
    return Math.min(100, (100 * bytes) / (this.#planeRate[plane] * this.#everyPs));
  }

  #maskedBefore(number: number): number {
    let [last, ranks] = [-1, 0];
    for (const [one, { ranksMasked }] of this.#intervals) {
      if (ranksMasked === undefined || one >= number || one < last) continue;
      [last, ranks] = [one, ranksMasked];
    }
    return ranks;
  }
}

function inUs(spanPs: number | undefined): number | null {
  return spanPs === undefined ? null : spanPs / PS_PER_US;
}
