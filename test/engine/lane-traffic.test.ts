/** Traffic by lanes: bins of virtual time, in one worker and put together. */
import { describe, expect, it } from "vitest";
import { LaneTraffic } from "../../src/engine/lane-traffic.ts";
import { TrafficSums } from "../../src/engine/traffic-sums.ts";
import { NEVER_PS } from "../../src/model/time.ts";

describe("traffic of one worker's lanes", () => {
  it("is added up in bins by the instant of arrival, lanes ascending, empty ones left out", () => {
    const traffic = new LaneTraffic(8, 100);
    traffic.count(5, 10, 0);
    traffic.count(2, 20, 99);
    traffic.count(5, 1, 99);
    traffic.count(2, 7, 350);
    expect(traffic.take(100)).toEqual([{ bin: 0, lanes: [2, 5], bytes: [20, 11] }]);
    expect(traffic.duePs).toBe(400);
    expect(traffic.take(399)).toEqual([]);
    expect(traffic.take(400)).toEqual([{ bin: 3, lanes: [2], bytes: [7] }]);
    expect(traffic.duePs).toBe(NEVER_PS);
    expect(traffic.take(NEVER_PS)).toEqual([]);
  });

  it("is whole when a window ends in the middle of a bin", () => {
    const traffic = new LaneTraffic(2, 100);
    traffic.count(0, 1, 40);
    expect(traffic.take(50)).toEqual([]);
    traffic.count(0, 1, 60);
    expect(traffic.take(150)).toEqual([{ bin: 0, lanes: [0], bytes: [2] }]);
  });
});

describe("traffic of a run", () => {
  it("is closed bin by bin, whoever told of it first", () => {
    const sums = new TrafficSums(100);
    sums.add([{ bin: 1, lanes: [3], bytes: [30] }]);
    sums.add([
      { bin: 0, lanes: [4], bytes: [1] },
      { bin: 1, lanes: [1, 7], bytes: [10, 70] },
    ]);
    expect(sums.closeUntil(199)).toEqual([{ bin: 0, lanes: [4], bytes: [1] }]);
    expect(sums.closeUntil(200)).toEqual([{ bin: 1, lanes: [1, 3, 7], bytes: [10, 30, 70] }]);
    expect(sums.closeUntil(NEVER_PS)).toEqual([]);
  });
});
