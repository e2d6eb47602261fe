/** Rows of `faultplane validate`: rounding, errors, marks, the summary, and what is printed. */
import { describe, expect, it } from "vitest";
import { closedFormRows } from "../../scripts/validation/closed-form-rows.ts";
import {
  exactRow,
  isMissed,
  rowOf,
  summarizeRows,
  type ValidationRow,
} from "../../scripts/validation/row.ts";
import { markdownLines, passes, summaryLine, textLines } from "../../scripts/validation/table.ts";
import { stepOf } from "../../scripts/validation/training-rows.ts";
import { PS_PER_MS } from "../../src/model/time.ts";

type Parts = Partial<Parameters<typeof rowOf>[0]>;

/** A row of the low-latency group with this error. */
function rowWith(errorPercent: number, parts: Parts = {}): ValidationRow {
  return rowOf({
    group: "low-latency",
    name: `off by ${errorPercent}`,
    unit: "us",
    published: 200,
    emulated: 200 * (1 + errorPercent / 100),
    source: "a table",
    ...parts,
  });
}

function exactWith(
  published: number,
  emulated: number,
  decimals?: number,
  rounding?: "nearest" | "down",
): ValidationRow {
  const parts = { group: "formulas", name: "a formula", unit: "", published, emulated, source: "" };
  return exactRow(parts, decimals, rounding);
}

describe("a row", () => {
  it("says by how much the emulated figure is off, with its sign", () => {
    expect(rowWith(5).errorPercent).toBeCloseTo(5, 9);
    expect(rowWith(-2.5).errorPercent).toBeCloseTo(-2.5, 9);
    expect(rowWith(0).errorPercent).toBe(0);
  });

  it("is for validation, and missed beyond 12 percent, when nothing else is said", () => {
    expect(rowWith(0)).toMatchObject({ role: "validation", boundPercent: 12 });
    expect([11.9, -11.9, 12.1, -12.1].map((error) => isMissed(rowWith(error)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(isMissed(rowWith(1.6, { boundPercent: 1.5 }))).toBe(true);
    expect(isMissed(rowWith(1.4, { boundPercent: 1.5 }))).toBe(false);
  });

  it("keeps what it is given", () => {
    expect(rowWith(0, { role: "calibration", unit: "GB/s" })).toEqual({
      group: "low-latency",
      name: "off by 0",
      unit: "GB/s",
      published: 200,
      emulated: 200,
      source: "a table",
      role: "calibration",
      boundPercent: 12,
      errorPercent: 0,
    });
  });
});

describe("an exact row", () => {
  it.each([
    ["rounds to the digits that are published", 14.76, 14.757_12, 2, "nearest", 14.76],
    ["rounds up from the middle", 0.83, 0.825_1, 2, "nearest", 0.83],
    ["takes whole numbers as they are", 16_384, 16_384, 0, "nearest", 16_384],
    ["rounds down where that was published", 67, 67.96, 0, "down", 67],
    ["does not round down across a digit's edge", 6.72, 6.72 - 1e-15, 2, "down", 6.72],
  ] as const)("%s", (_, published, emulated, decimals, rounding, rounded) => {
    const row = exactWith(published, emulated, decimals, rounding);
    expect(row).toMatchObject({ emulated: rounded, errorPercent: 0, boundPercent: 0 });
    expect([row.role, isMissed(row)]).toEqual(["exact", false]);
  });

  it.each([
    ["the last digit", 14.76, 14.766, 2, "nearest"],
    ["67.76 to the nearest, not down", 67, 67.76, 0, "nearest"],
    ["one switch of many", 16_352, 16_353, 0, "nearest"],
  ] as const)("is missed by %s", (_, published, emulated, decimals, rounding) => {
    expect(isMissed(exactWith(published, emulated, decimals, rounding))).toBe(true);
  });
});

describe("the summary", () => {
  it("takes the middle error of an odd number of rows, whatever their sign and order", () => {
    const rows = [7, -1, 3, -9, 2].map((error) => rowWith(error));
    const summary = summarizeRows(rows);
    expect(summary.medianErrorPercent).toBeCloseTo(3, 9);
    expect(summary.worstErrorPercent).toBeCloseTo(9, 9);
    expect(summary).toMatchObject({ worstRow: "off by -9", rowsCompared: 5, missed: 0 });
  });

  it("takes the mean of the two in the middle of an even number", () => {
    const summary = summarizeRows([-8, 1, 2, -4].map((error) => rowWith(error)));
    expect(summary.medianErrorPercent).toBeCloseTo(3, 9);
    expect(summary.worstErrorPercent).toBeCloseTo(8, 9);
  });

  it("is about low-latency and normal rows that nothing was fitted to", () => {
    const summary = summarizeRows([
      rowWith(1),
      rowWith(2, { group: "normal" }),
      rowWith(0, { role: "calibration" }),
      rowWith(50, { role: "calibration" }),
      rowWith(30, { group: "training step" }),
      exactWith(1, 1),
    ]);
    expect(summary.rowsCompared).toBe(2);
    expect(summary.medianErrorPercent).toBeCloseTo(1.5, 9);
    expect(summary.worstErrorPercent).toBeCloseTo(2, 9);
    // Of any group and role.
    expect(summary.missed).toBe(2);
    expect(summary.exactFailed).toBe(0);
  });

  it("counts exact rows that fail", () => {
    const summary = summarizeRows([rowWith(1), exactWith(1, 1), exactWith(1, 2), exactWith(4, 3)]);
    expect(summary).toMatchObject({ exactFailed: 2, missed: 2 });
  });

  it.each([
    ["a median of 2.9 and a worst of 11.9 percent", [2.9, 1, -11.9], true],
    ["a median above 3 percent", [3.2, 3.2, 1], false],
    ["a worst above 12 percent", [0, 0, -12.2], false],
  ] as const)("decides with the bars: %s", (_, errors, expected) => {
    const rows = errors.map((error) => rowWith(error));
    expect(passes(summarizeRows(rows))).toBe(expected);
    expect(passes(summarizeRows([...rows, exactWith(1, 2)]))).toBe(false);
  });
});

describe("what is printed", () => {
  const rows = [
    exactWith(0.82, 0.824, 2),
    rowWith(1.6, { name: "first" }),
    rowWith(-20, { name: "second" }),
    rowWith(0, { name: "third", role: "calibration", group: "normal", unit: "" }),
  ];

  it("as text has a line a row, in columns, with signs and marks", () => {
    const lines = textLines(rows);
    expect(lines[0]).toMatch(/^row +published +emulated +error +source$/);
    const lineOf = (name: string): string =>
      lines.find((line) => line.startsWith(name))?.replace(/ {2,}/g, "|") ?? "";
    expect(lineOf("a formula")).toBe("a formula|0.82|0.82|exact");
    expect(lineOf("first")).toBe("first|200 us|203.2 us|+1.6 %|a table");
    expect(lineOf("second")).toBe("second|200 us|160.0 us|-20.0 %|MISSED|a table");
    expect(lineOf("third")).toBe("third|200|200.0|+0.0 %|calibrated|a table");
    // A blank line before each group.
    expect(lines.map((line) => line === "")).toEqual([
      false,
      true,
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it("as Markdown has a table a group, each of one width", () => {
    const lines = markdownLines(rows);
    expect(lines.filter((line) => line.startsWith("### "))).toEqual([
      "### formulas",
      "### low-latency",
      "### normal",
    ]);
    const tables = lines.filter((line) => line.startsWith("|"));
    expect(tables.length).toBe(3 * 2 + rows.length);
    for (const line of tables) expect(line.split("|").length).toBe(8);
    expect(lines).toContain("| second | 200 us | 160.0 us | -20.0 % | MISSED | a table |");
  });

  it("as the last line says whether it passes, and why", () => {
    expect(summaryLine(summarizeRows(rows))).toBe(
      "FAIL: 2 low-latency and normal rows, median error 10.8 %, worst 20.0 % (second); " +
        "all closed forms exact; 1 rows missed",
    );
    expect(summaryLine(summarizeRows([rowWith(1), rowWith(2), rowWith(-3)]))).toBe(
      "PASS: 3 low-latency and normal rows, median error 2.0 %, worst 3.0 % (off by -3); " +
        "all closed forms exact; 0 rows missed",
    );
    expect(summaryLine(summarizeRows([rowWith(1), exactWith(1, 2)]))).toContain(
      "1 closed forms WRONG; 1 rows missed",
    );
  });

  it("as JSON has every figure by its name", () => {
    const text = JSON.stringify({ rows, summary: summarizeRows(rows) });
    const read = JSON.parse(text) as { rows: ValidationRow[]; summary: object };
    for (const row of read.rows) {
      expect(Object.keys(row)).toEqual(
        expect.arrayContaining(["name", "published", "emulated", "errorPercent", "source"]),
      );
    }
    expect(Object.keys(read.summary)).toEqual(
      expect.arrayContaining(["medianErrorPercent", "worstErrorPercent", "exactFailed"]),
    );
  });
});

describe("closed forms", () => {
  it("agree in every published digit: decode's limits, node-limited routing, Table 3", () => {
    const rows = closedFormRows();
    expect(rows.length).toBe(5 + 2 + 5 * 4);
    expect(rows.filter(isMissed)).toEqual([]);
    expect(new Set(rows.map(({ role }) => role))).toEqual(new Set(["exact"]));
    for (const { emulated, published } of rows) expect(emulated).toBe(published);
  });

  it("say where each figure was published, and no two are of one name", () => {
    const rows = closedFormRows();
    for (const { source } of rows) expect(source).toMatch(/arXiv 2505\.09343, \S/);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });
});

describe("a training step", () => {
  it("is put together as DualPipe orders its chunks, by hand", () => {
    // A chunk is 61 layers over 16 stages; 120 micro-batches; ranks 0 to 7 from the middle.
    const times = {
      forwardPs: PS_PER_MS,
      backwardPs: 2 * PS_PER_MS,
      weightsPs: 0.5 * PS_PER_MS,
      overlappedPs: 2.5 * PS_PER_MS,
    };
    const chunk = 61 / 16 / 1_000;
    const distances = [0, 1, 2, 3, 4, 5, 6, 7];
    const mean = (of: (distance: number) => number): number =>
      distances.reduce((sum, distance) => sum + of(distance), 0) / distances.length;
    const F = mean((distance) => 23 - distance) * chunk;
    const B = mean((distance) => 23 - distance) * 2 * chunk;
    const W = mean((distance) => 15 - distance) * 0.5 * chunk;
    const pairs = mean((distance) => 120 - 23 + distance) * 2.5 * chunk;
    const bubble = 7 * (2.5 + 2 - 3 * 0.5) * chunk;
    const step = F + B + pairs + bubble;
    const parts = stepOf(times);
    for (const [name, seconds] of Object.entries({ F, B: B - W, W, pairs, bubble, step })) {
      expect(parts[name as keyof typeof parts], name).toBeCloseTo(seconds, 9);
    }
    expect(parts.day).toBeCloseTo((15_360 * 4_096 * 86_400) / step / 1e9, 6);
  });
});
