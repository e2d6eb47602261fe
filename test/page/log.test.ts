/** The page's log: which lines it holds, and how buttons change a filter that is text. */
import { describe, expect, it } from "vitest";
import { levelOf, withLevel, withTerm } from "../../scripts/page/log/filter-text.ts";
import { LINES_MAX, LogBuffer } from "../../scripts/page/log/log-buffer.ts";
import { parseEventFilter } from "../../src/observe/event-filter.ts";
import type { EventView } from "../../src/observe/view-api.ts";

const lines = (from: number, until: number): EventView[] =>
  Array.from({ length: until - from }, (_, place) => ({
    ...{ line: from + place, level: "info", virtualTimePs: from + place },
    ...{ actor: "node0.gpu0", fact: "rank.finished", text: "done" },
  }));

describe("the lines that are held", () => {
  it("are the last ones, each once, however they overlap", () => {
    const log = new LogBuffer();
    log.take(lines(0, 10), 3);
    log.take(lines(5, 15), 0);
    expect(log.lines.map(({ line }) => line)).toEqual([...Array(15).keys()]);
    expect(log.skipped).toBe(3);
    // What the stream told before the log was read.
    log.take(lines(30, 32), 0);
    log.take(lines(20, 31), 0);
    expect(log.lines.map(({ line }) => line).slice(15)).toEqual([
      ...[20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
    ]);
  });

  it("are bounded, and the others are counted", () => {
    const log = new LogBuffer();
    for (let from = 0; from < 10_000; from += 100) log.take(lines(from, from + 100), 0);
    expect(log.lines).toHaveLength(LINES_MAX);
    expect(log.lines.at(-1)?.line).toBe(9999);
    expect(log.skipped).toBe(10_000 - LINES_MAX);
    const before = log.lines;
    log.take([], 0);
    expect(log.lines).toBe(before);
    log.clear();
    expect([log.lines, log.skipped]).toEqual([[], 0]);
  });
});

describe("a filter as text", () => {
  it("has a level that buttons change, and keeps its other terms", () => {
    const filter = 'actor=node1.* level=error text="no answer"';
    expect(levelOf(filter)).toBe("error");
    expect(withLevel(filter, "warn")).toBe('actor=node1.* text="no answer" level=warn');
    expect(withLevel(filter, "")).toBe('actor=node1.* text="no answer"');
    expect(levelOf("")).toBe("");
    expect(levelOf("level=info")).toBe("");
    expect(levelOf("level=worse")).toBeUndefined();
    expect(levelOf("level=warn level=error")).toBeUndefined();
    expect(levelOf("text=xlevel=warn")).toBe("");
  });

  it("is one that can be read after any change", () => {
    for (const filter of ["", "plane=2 since=5ms", "kind=qp.* level=warn"]) {
      for (const level of ["", "warn", "error"] as const) {
        expect(parseEventFilter(withLevel(filter, level)).ok).toBe(true);
      }
      expect(parseEventFilter(withTerm(filter, "node", "0-3")).ok).toBe(true);
    }
  });
});
