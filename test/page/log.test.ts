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
  it("are what the stream tells: all so far, then more; all again when it comes back", () => {
    const log = new LogBuffer();
    const held = (): number[] => log.lines.map(({ line }) => line);
    log.take({ lines: lines(3, 10), skipped: 3, isAll: true });
    log.take({ lines: lines(12, 15), skipped: 2, isAll: false });
    expect([held(), log.skipped]).toEqual([[3, 4, 5, 6, 7, 8, 9, 12, 13, 14], 5]);
    log.take({ lines: lines(10, 16), skipped: 10, isAll: true });
    expect([held(), log.skipped]).toEqual([[10, 11, 12, 13, 14, 15], 10]);
    log.take({ lines: [], skipped: 0, isAll: true });
    expect([held(), log.skipped]).toEqual([[], 0]);
  });

  it("are bounded, and the others are counted", () => {
    const log = new LogBuffer();
    for (let from = 0; from < 10_000; from += 100) {
      log.take({ lines: lines(from, from + 100), skipped: 0, isAll: false });
    }
    expect(log.lines).toHaveLength(LINES_MAX);
    expect(log.lines.at(-1)?.line).toBe(9999);
    expect(log.skipped).toBe(10_000 - LINES_MAX);
    const before = log.lines;
    log.take({ lines: [], skipped: 0, isAll: false });
    expect(log.lines).toBe(before);
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
