/**
 * What pictures are made of: round ticks, an axis of time that shortens idle stretches, samples in
 * a bounded space, and markup that no name can break out of.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { html } from "../../src/report/html.ts";
import { RunSampler } from "../../src/report/run-samples.ts";
import { SpanHistogram } from "../../src/report/span-histogram.ts";
import {
  decades,
  logShare,
  shortNumber,
  ticks,
  tickText,
  timeTick,
} from "../../src/report/ticks.ts";
import { TimeAxis } from "../../src/report/time-axis.ts";
import { TimeBins } from "../../src/report/time-bins.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { TROUBLED, troubledRun } from "../support/troubled-runs.ts";

describe("ticks", () => {
  it("are round, inside, and few", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        fc.double({ min: 1e-2, max: 1e9, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (from, span, most) => {
          const found = ticks(from, from + span, most);
          expect(found.length).toBeLessThanOrEqual(most + 1);
          for (const value of found) {
            expect(value).toBeGreaterThanOrEqual(from - 1e-6 * span);
            expect(value).toBeLessThanOrEqual(from + span * (1 + 1e-6));
          }
        },
      ),
    );
    expect(ticks(0, 549, 6)).toEqual([0, 100, 200, 300, 400, 500]);
    expect(ticks(0, 0.35, 4)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(decades(3e6, 6e8)).toEqual([1e6, 1e7, 1e8, 1e9]);
  });

  it("have words that people write", () => {
    expect([timeTick(PS_PER_US), timeTick(200 * PS_PER_MS), timeTick(0)]).toEqual([
      "1 us",
      "200 ms",
      "0",
    ]);
    expect([tickText(1500, 500), tickText(0.3, 0.1), tickText(0, 0.1)]).toEqual([
      "1,500",
      "0.3",
      "0",
    ]);
    expect([shortNumber(850), shortNumber(12_345), shortNumber(3e6)]).toEqual([
      "850",
      "12.35 k",
      "3 M",
    ]);
    expect([logShare(1, 1, 100), logShare(10, 1, 100), logShare(1000, 1, 100)]).toEqual([
      0, 0.5, 1,
    ]);
  });
});

describe("an axis of time", () => {
  const at = (ms: number) => ({ fromPs: ms * PS_PER_MS, toPs: ms * PS_PER_MS + 1 });
  const busy = [1, 2, 3, 4, 5].map(at);

  it("shortens a stretch in which nothing was completed, and stays in order", () => {
    const later = [501, 502, 503, 504, 505].map(at);
    const axis = new TimeAxis(506 * PS_PER_MS, [...busy, ...later], 0, 900);
    const short = axis.parts.filter(({ isShortened }) => isShortened);
    expect(short.map(({ fromPs, toPs }) => [fromPs, toPs])).toEqual([[5e9 + 1, 501e9]]);
    expect(short[0].width).toBeLessThan(100);
    let before = -1;
    for (let ms = 0; ms <= 506; ms += 0.25) {
      const x = axis.x(ms * PS_PER_MS);
      expect(x).toBeGreaterThanOrEqual(before);
      before = x;
    }
    expect([axis.x(0), axis.x(506 * PS_PER_MS), axis.x(PS_PER_S)]).toEqual([0, 900, 900]);
    const isHidden = (x: number): boolean =>
      short.some((gap) => x > gap.x && x < gap.x + gap.width);
    expect(axis.ticks().filter(({ x }) => isHidden(x))).toEqual([]);
  });

  it("is linear where work goes on all the time, and where nothing was ever completed", () => {
    for (const times of [busy, []]) {
      const axis = new TimeAxis(6 * PS_PER_MS, times, 100, 700);
      expect(axis.parts).toHaveLength(1);
      expect(axis.x(3 * PS_PER_MS)).toBe(400);
    }
  });
});

describe("samples in a bounded space", () => {
  it("have percentiles that are at most a bucket off", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 50 }), { minLength: 1 }), (spans) => {
        const histogram = new SpanHistogram();
        for (const span of spans) histogram.add(span);
        const sorted = [...spans].sort((left, right) => left - right);
        for (const percent of [1, 50, 99, 100]) {
          const exact = sorted[Math.ceil((percent * spans.length) / 100) - 1];
          const found = histogram.percentilePs(percent);
          expect(found).toBeGreaterThanOrEqual(exact);
          expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 63) + 1);
        }
        expect(histogram.points().at(-1)).toEqual({
          untilPs: sorted.at(-1),
          count: spans.length,
        });
      }),
    );
  });

  it("lose nothing when bins are united, however many come", () => {
    const bins = new TimeBins();
    for (let place = 0; place < 50_000; place += 1) bins.add(place * 7_000_001, place % 11);
    const found = bins.bins();
    expect(found.length).toBeLessThanOrEqual(2_000);
    expect(found.length).toBeGreaterThan(500);
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(50_000);
    const sum = Array.from({ length: 50_000 }, (_, place) => place % 11);
    expect(found.reduce((total, bin) => total + bin.sum, 0)).toBe(sum.reduce((a, b) => a + b));
    expect(Math.max(...found.map(({ most }) => most))).toBe(10);
  });

  it.each(TROUBLED)("of %s are the same one by one and all at once", (_name, scenario) => {
    const { facts } = troubledRun(scenario);
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const [whole, single] = [0, 1].map(() => new RunSampler(scenario, topology));
    whole.take(facts);
    for (const fact of facts) single.take([fact]);
    expect(single.samples()).toEqual(whole.samples());
    const combined = facts.reduce(
      (sum, { fact }) => sum + (fact.type === "combine.completed" ? fact.combined : 0),
      0,
    );
    expect(whole.samples().combined.reduce((sum, bin) => sum + bin.sum, 0)).toBe(combined);
  });
});

describe("markup", () => {
  it("escapes what it is given, and nothing twice", () => {
    const name = '<script>alert("1")</script>&\u202e\'';
    const inner = html`<td title="${name}">${name}</td>`;
    expect(html`<tr>${inner}</tr>`.text).toBe(
      `<tr><td title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;\\u202e&#39;">` +
        `&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;\\u202e&#39;</td></tr>`,
    );
  });
});
