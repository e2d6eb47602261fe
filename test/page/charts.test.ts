/** What the page draws over virtual time: series, faults in force, and the span that is shown. */
import { describe, expect, it } from "vitest";
import { shortDuration, shortNumber, tickTimes } from "../../scripts/page/charts/axis-text.ts";
import { FaultSpans } from "../../scripts/page/charts/fault-spans.ts";
import { SeriesStore } from "../../scripts/page/charts/series-store.ts";
import {
  endsOf,
  moved,
  showing,
  WHOLE_RUN,
  zoomed,
} from "../../scripts/page/charts/time-window.ts";
import type { EventView, SeriesView, StateView } from "../../src/observe/view-api.ts";
import { fleetOf, stateOf } from "../support/run-view.ts";

const seriesOf = (atPs: readonly number[], more: Partial<SeriesView> = {}): SeriesView => ({
  ...{ everyPs: 10, reset: false, atPs, tokensPerSecond: atPs.map((at) => at + 1) },
  dispatchP50Us: atPs.map(() => 5),
  dispatchMaxUs: atPs.map(() => 9),
  combineP50Us: atPs.map(() => null),
  combineMaxUs: atPs.map(() => null),
  planeUsePercent: [atPs.map(() => 50), atPs.map(() => 25)],
  ranksMasked: atPs.map(() => 2),
  lagSeconds: atPs.map(() => null),
  ...more,
});

describe("the series", () => {
  it("grow by what is new, which replaces the interval that was not over", () => {
    const store = new SeriesStore();
    store.take(seriesOf([0, 10], { reset: true }));
    store.take(seriesOf([10, 20], { tokensPerSecond: [99, 7] }));
    expect(store.throughput()).toEqual([
      [0, 10, 20, 30],
      [1, 99, 7, 7],
    ]);
    expect(store.planeUse()).toEqual([
      [0, 10, 20],
      [50, 50, 50],
      [25, 25, 25],
    ]);
    expect(store.endPs).toBe(30);
    store.take(seriesOf([0], { reset: true, everyPs: 20 }));
    expect(store.endPs).toBe(20);
  });

  it("fall to nothing where nothing happened; times end", () => {
    const store = new SeriesStore();
    store.take(seriesOf([10, 50], { reset: true }));
    expect(store.throughput()).toEqual([
      [0, 10, 20, 40, 50, 60],
      [0, 11, 0, 0, 51, 51],
    ]);
    expect(store.latency().slice(0, 2)).toEqual([
      [0, 10, 20, 40, 50, 60],
      [null, 5, null, null, 5, null],
    ]);
  });

  it("fall to nothing while the fleet stands still, and are open where more may count", () => {
    const store = new SeriesStore();
    const open = { reset: true, tokensPerSecond: [3, null, null] };
    store.take(seriesOf([0, 10, 20], open));
    expect(store.throughput()[1]).toEqual([3, 3, null, null]);
    store.take(seriesOf([0, 10], { reset: true, tokensPerSecond: [3, 4] }));
    store.nowPs = 90;
    expect(store.throughput()).toEqual([
      [0, 10, 20, 90],
      [3, 4, 0, 0],
    ]);
    expect(store.latency()[1]).toEqual([5, 5, null, null]);
    expect(store.standing().slice(0, 2)).toEqual([
      [0, 10, 90],
      [2, 2, 2],
    ]);
  });

  it("of nothing are empty", () => {
    const store = new SeriesStore();
    expect(store.throughput()).toEqual([[], []]);
    expect(store.standing()).toEqual([[], [], []]);
    store.take(seriesOf([]));
    expect(store.endPs).toBe(0);
  });
});

describe("faults in force", () => {
  const line = (fact: string, fault: string, target: string, virtualTimePs: number): EventView => ({
    ...{ line: 0, level: "warn", actor: target, text: "", fact, fault, target, virtualTimePs },
  });
  const state = (atPs: number, faults: readonly (readonly [string, number])[]): StateView =>
    stateOf(fleetOf({ nodes: 1 }), {
      atPs,
      faults: faults.map(([fault, from]) => {
        const about = { kind: "nic-down", targets: ["a", "b"], untilPs: null, permille: 1000 };
        return { fault, atPs: from, ...about };
      }),
    });

  it("are spans from the first onset to the last end of their targets", () => {
    const spans = new FaultSpans();
    spans.takeLog([
      line("fault.began", "cut", "a", 5),
      line("fault.began", "cut", "b", 6),
      line("fault.began", "slow", "c", 7),
      line("fault.healed", "cut", "a", 8),
      line("fault.healed", "cut", "b", 9),
    ]);
    expect(spans.all).toMatchObject([
      { fault: "cut", fromPs: 5, untilPs: 9 },
      { fault: "slow", fromPs: 7, untilPs: undefined },
    ]);
    expect(spans.union).toEqual([{ fromPs: 5, untilPs: undefined }]);
  });

  it("follow the states of a run that goes on", () => {
    const spans = new FaultSpans();
    spans.takeState(state(10, [["cut", 8]]));
    spans.takeState(state(20, [["cut", 8]]));
    spans.takeState(state(30, []));
    expect(spans.all).toMatchObject([{ fault: "cut", fromPs: 8, untilPs: 30 }]);
    spans.takeState(state(50, [["cut", 45]]));
    expect(spans.all).toMatchObject([
      { fromPs: 8, untilPs: 30 },
      { fromPs: 45, untilPs: undefined },
    ]);
  });

  it("are not ended by a state from before they began", () => {
    const spans = new FaultSpans();
    spans.takeLog([line("fault.began", "cut", "a", 500)]);
    spans.takeState(state(0, []));
    expect(spans.all).toMatchObject([{ fromPs: 500, untilPs: undefined }]);
  });

  it("are bounded", () => {
    const spans = new FaultSpans();
    for (let at = 0; at < 2000; at += 1) spans.takeState(state(at, [[`fault ${at}`, at]]));
    expect(spans.all.length).toBeLessThanOrEqual(300);
    expect(spans.union.length).toBeLessThanOrEqual(300);
  });
});

describe("the time that is shown", () => {
  const endPs = 1e12;

  it("is all of the run until somebody zooms, and the end moves with it", () => {
    expect(endsOf(WHOLE_RUN, endPs)).toEqual([0, endPs]);
    expect(endsOf(WHOLE_RUN, 2 * endPs)).toEqual([0, 2 * endPs]);
    expect(endsOf(WHOLE_RUN, 0)[1]).toBeGreaterThan(0);
  });

  it("keeps what it zooms at in its place", () => {
    const window = zoomed(WHOLE_RUN, { factor: 0.5, aroundPs: 0.2e12, endPs });
    expect(endsOf(window, endPs)).toEqual([0.1e12, 0.6e12]);
    const back = zoomed(window, { factor: 2, aroundPs: 0.2e12, endPs });
    expect(back).toEqual(WHOLE_RUN);
    let least = WHOLE_RUN;
    for (let press = 0; press < 99; press += 1) {
      least = zoomed(least, { factor: 0.5, aroundPs: 5e11, endPs });
    }
    const [from, until] = endsOf(least, endPs);
    expect(until - from).toBe(1e6);
  });

  it("moves within the run, and goes where somebody looks", () => {
    const window = { fromPs: 0.4e12, untilPs: 0.5e12 };
    expect(endsOf(moved(window, -99, endPs), endPs)).toEqual([0, 0.1e12]);
    expect(endsOf(moved(window, 99, endPs), endPs)).toEqual([0.9e12, endPs]);
    expect(showing(window, 0.45e12, endPs)).toBe(window);
    const [from, until] = endsOf(showing(window, 0.8e12, endPs), endPs);
    expect([from, until].map(Math.round)).toEqual([0.75e12, 0.85e12]);
  });
});

describe("axes", () => {
  it("have times in one unit, with the decimals that their steps need", () => {
    expect(tickTimes([0, 2.5e9, 5e9, 7.5e9])).toEqual(["0", "2.5 ms", "5.0 ms", "7.5 ms"]);
    expect(tickTimes([0, 2e11, 4e11])).toEqual(["0", "200 ms", "400 ms"]);
    expect(tickTimes([1e12, 1.00005e12])).toEqual(["1.00000 s", "1.00005 s"]);
    expect(tickTimes([])).toEqual([]);
  });

  it("have short numbers", () => {
    expect([0, 0.5, 8050, 21_512, 3.49e6, 2e9].map(shortNumber)).toEqual([
      ...["0", "0.5", "8050", "21.5 k", "3.49 M", "2 G"],
    ]);
    expect([15.619, 536_883, 2.5e6].map(shortDuration)).toEqual(["15.6 us", "537 ms", "2.5 s"]);
  });
});
