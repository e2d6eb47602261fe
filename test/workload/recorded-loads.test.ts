/** Loads files: both formats, what people read about bad ones, the shipped file counted again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonFaultAt } from "../../src/workload/json-fault.ts";
import type { LoadsOptions } from "../../src/workload/loads-rows.ts";
import { loadsOfLayer, makeLoads, parseLoads } from "../../src/workload/recorded-loads.ts";
import { drillText } from "../scenario/reading.ts";

/** Five layers, the first two dense; three experts; layers 2 and 4 run. */
const OPTIONS: LoadsOptions = { layers: [2, 4], experts: 3, modelLayers: 5, denseLayers: 2 };
const CSV = "layer,e0,e1,e2\n4,7,8,9\n2,1,2,3.5\n3,0,0,0\n";

/** Rows of the layers that run, of a file that must be good. */
function rows(text: string, options = OPTIONS): number[][] {
  const result = parseLoads(text, options);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return options.layers.map((layer) => [...loadsOfLayer(result.table, layer, options.experts)]);
}

/** What is wrong with a file, one text a problem. */
function wrong(text: string, options = OPTIONS): string[] {
  const result = parseLoads(text, options);
  const problems = result.ok ? [] : result.problems;
  return problems.map(({ line, column, message, hint }) =>
    [`${line}:${column} ${message}`, ...(hint === undefined ? [] : [hint])].join("; hint: "),
  );
}

const json = (counts: unknown): string => JSON.stringify({ rank: 0, logical_count: counts });

describe("a loads file", () => {
  it("is CSV with layers in any order, CRLF and blank lines", () => {
    const expected = [
      [1, 2, 3.5],
      [7, 8, 9],
    ];
    expect(rows(CSV)).toEqual(expected);
    expect(rows(`\ufeff${CSV.replaceAll("\n", "\r\n")}\r\n`)).toEqual(expected);
  });

  it("is the recorder's JSON: all layers, or those with experts, steps added up", () => {
    const sparse = [
      [1, 2, 3],
      [0, 0, 0],
      [7, 8, 9],
    ];
    const zeros = [0, 0, 0];
    const expected = [sparse[0], sparse[2]];
    expect(rows(json(sparse))).toEqual(expected);
    expect(rows(json([zeros, zeros, ...sparse]))).toEqual(expected);
    const steps = parseLoads(json([sparse, sparse, sparse]), OPTIONS);
    expect(steps.ok ? steps.notes : []).toEqual(["3 recorded steps are added up"]);
    expect(rows(` \n${json([sparse, sparse, sparse])}`)).toEqual([
      [3, 6, 9],
      [21, 24, 27],
    ]);
  });

  it("gives rows back as they were, whatever the bytes' place in memory", () => {
    const made = makeLoads([3, 9], [[0.1, 2 ** 53, 0] as const, [1, 2, 3]]);
    const shifted = new Uint8Array(made.counts.length + 3);
    shifted.set(made.counts, 3);
    const table = { layers: made.layers, counts: shifted.subarray(3) };
    expect([...loadsOfLayer(table, 3, 3)]).toEqual([0.1, 2 ** 53, 0]);
    expect(() => loadsOfLayer(table, 4, 3)).toThrow("recorded-loads-fit");
    expect(() => loadsOfLayer(table, 3, 4)).toThrow("recorded-loads-fit");
  });

  it("that ships is the shipped routing file, counted", () => {
    const routing = drillText("routing/qwen3-30b-a3b_prefill2050_dp4.csv");
    const counts = Array.from({ length: 48 }, () => Array.from({ length: 128 }, () => 0));
    for (const line of routing.trimEnd().split("\n").slice(1)) {
      const [, layer, , , , ...experts] = line.split(",").map(Number);
      for (const expert of experts) counts[layer][expert] += 1;
    }
    const layers = counts.map((_, layer) => layer);
    const options = { layers, experts: 128, modelLayers: 48, denseLayers: 0, topK: 8 };
    expect(rows(drillText("routing/qwen3-30b-a3b_prefill2050_loads.csv"), options)).toEqual(counts);
    for (const row of counts) expect(row.reduce((sum, count) => sum + count)).toBe(2_050 * 8);
  });
});

describe("a bad CSV of loads", () => {
  const line = (text: string): string => CSV.replace("2,1,2,3.5", text);

  it("is told by line and column what was found and what is allowed", () => {
    const rule = "a load is a number from 0 to below 2^53";
    expect(wrong(line("2,1,-1,nan"))).toEqual([
      `3:5 e1 is "-1"; ${rule}`,
      `3:8 e2 is "nan"; ${rule}`,
    ]);
    expect(wrong(line("2,1,,1e17"))).toEqual([
      `3:5 e1 is ""; ${rule}`,
      `3:6 e2 is "1e17"; ${rule}`,
    ]);
    const length = "it must have 4, the layer and a load for each expert";
    expect(wrong(line("2,1,2"))).toEqual([`3:1 the row has 3 values; ${length}`]);
    expect(wrong(line("2,1,2,3,4"))).toEqual([`3:1 the row has more than 4 values; ${length}`]);
    expect(wrong(line("5,1,2,3"))).toEqual(['3:1 layer is "5"; the model has 0 to 4']);
    expect(wrong(line("-,1,2,3"))).toEqual(['3:1 layer is "-"; the model has 0 to 4']);
    expect(wrong(line("4,1,2,3"))).toEqual(["3:1 layer 4 is given twice; each has one line"]);
  });

  it("is told when its header, its layers or its loads are missing", () => {
    expect(wrong("domain,layer,e0\n")).toEqual([
      '1:1 the header is "domain,layer,e0" with 3 columns; for 3 experts it must be "layer,e0,...,e2"',
    ]);
    expect(wrong("")).toEqual(['1:1 the file is empty; it begins "layer,e0,...,e2"']);
    expect(wrong(line(""))).toEqual([
      "1:1 layers that run are missing: 2; the file has layers 3-4; hint: record them, or leave them out of workload.layers",
    ]);
    expect(wrong("layer,e0,e1,e2\n")).toEqual([expect.stringContaining("the file has no layer")]);
    expect(wrong(line("2,0,0,0.0"))).toEqual([
      "3:1 every load of layer 2 is 0; at least one must be above; hint: record more, or leave the layer out of workload.layers",
    ]);
  });

  it("cannot come from tokens that take different experts, when tokens are drawn from it", () => {
    const options = { ...OPTIONS, topK: 2 };
    expect(rows(line("2,5,5,0"), options)[0]).toEqual([5, 5, 0]);
    expect(wrong(line("2,6,5,0"), options)).toEqual([
      "3:1 expert 0 has 54.5 % of layer 2's selections; with top-2 an expert has at most 50.0 %; hint: was it recorded with this model?",
    ]);
  });

  it("has at most twenty problems told", () => {
    const bad = Array.from({ length: 30 }, () => "2,x,y,z").join("\n");
    expect(wrong(`layer,e0,e1,e2\n${bad}\n`)).toHaveLength(20);
  });
});

describe("a bad JSON of loads", () => {
  it("is told by place what was found and what is allowed", () => {
    const text = '{"a": 1,\n "logical_count": [\n  [1, 2, 3],\n  [0, null, 0],\n  [7, 8, -9]\n]}\n';
    const rule = "a load is a number from 0 to below 2^53";
    expect(wrong(text)).toEqual([
      `4:7 logical_count[1][1] is null; ${rule}`,
      `5:10 logical_count[2][2] is -9; ${rule}`,
    ]);
    const steps =
      '{"logical_count": [[[1, 2, 3], [1, 2, 3], [1, 2, 3]], [[1, 2, 3], [1, "]", 3], [1]]]}';
    expect(wrong(steps)).toEqual([
      `1:71 logical_count[1][1][1] is "]"; ${rule}`,
      "1:80 logical_count[1][2] has 1 values; the model has 3 experts",
    ]);
  });

  it("is told when its layers do not fit, or it holds something else", () => {
    expect(wrong(json([[1, 2, 3]]))).toEqual([
      "1:27 logical_count has 1 layers; the model has 5, 3 of them with experts; hint: give all layers, or those with experts",
    ]);
    const shape = '{"logical_count": [layer][expert] or [step][layer][expert]}';
    for (const [text, found] of [
      ["[]", 'no key "logical_count"'],
      ['{"counts": 1}', 'no key "logical_count"'],
      ['{"physical_to_logical_map": []}', "a placement (physical_to_logical_map)"],
    ]) {
      expect(wrong(text)).toEqual([`1:1 the file has ${found}; it must be ${shape}`]);
    }
    for (const counts of [null, [], [[]], 7, "x", { length: 3 }]) {
      expect(wrong(json(counts))).toEqual([
        `1:27 logical_count must be ${shape}, with at least one row`,
      ]);
    }
  });

  it("is told where it is no JSON, with a word on Python's NaN", () => {
    expect(wrong('{"logical_count": [[1, NaN, 3]]}')).toEqual([
      '1:24 not valid JSON at "NaN, 3]]}"; hint: Python writes NaN and Infinity, JSON has none; write 0 where nothing was counted',
    ]);
    expect(wrong('{"logical_count": [[1,')).toEqual(["1:23 not valid JSON: it ends too early"]);
  });

  it.each([
    ["", 0],
    ["{'logical_count': []}", 1],
    ['{"a": 1, }', 9],
    ['{"a" 1}', 5],
    ['{"a": [1 2]}', 9],
    ['{"a": [1, 2}', 11],
    ['{"a": {]}', 7],
    ['{"a": [01]}', 7],
    ['{"a": 1e}', 6],
    ['{"a": "\n"}', 6],
    ['{"a": [1,\n  undefined]}', 12],
    ['{"a": {"b": }', 12],
    ['{"a": 1} 2', 9],
    ['{"a": 1}, 2', 8],
    ['["a": 1]', 4],
    ["{1: 2}", 1],
  ])("is no JSON from the first character that may not be there: %s", (text, at) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(jsonFaultAt(text)).toBe(at);
  });
});

it("a damaged loads file gives a table or problems, and never throws", () => {
  const good = [
    CSV,
    json([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]),
  ];
  const pieces = [
    "",
    ",",
    "\n",
    "-",
    "NaN",
    "[",
    "]",
    "{",
    '"',
    "1e999",
    "\u0000",
    "null",
    "9".repeat(20),
  ];
  const change = fc.record({ at: fc.nat(80), cut: fc.nat(6), put: fc.constantFrom(...pieces) });
  const changes = fc.array(change, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...good), changes, (text, parts) => {
      let damaged = text;
      for (const { at, cut, put } of parts) {
        damaged = damaged.slice(0, at) + put + damaged.slice(at + cut);
      }
      const result = parseLoads(damaged, OPTIONS);
      if (result.ok) expect(result.table.counts).toHaveLength(2 * 3 * 8);
      else {
        expect(result.problems.length).toBeGreaterThan(0);
        for (const { line, column, message } of result.problems) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toMatch(/undefined|\[object/);
        }
      }
    }),
    { seed: 6, numRuns: 500 },
  );
});
