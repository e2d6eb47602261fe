/** The reader of recorded routing: the shipped file against a plain count, and what it refuses. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRoutingCsv, type RoutingCsvOptions } from "../../src/workload/recorded-routing.ts";
import type { RoutingCsvProblem } from "../../src/workload/routing-row-reader.ts";
import { makeRoutingSource } from "../../src/workload/routing-sources.ts";
import { DEEPSEEK_V3 } from "./shapes.ts";

const drill = (name: string) => new URL(`../../drills/routing/${name}`, import.meta.url);
const readDrill = (): string => readFileSync(drill("qwen3-30b-a3b_prefill2050_dp4.csv"), "utf8");

const QWEN: RoutingCsvOptions = {
  layers: Array.from({ length: 48 }, (_, layer) => layer),
  step: 0,
  epSize: 4,
  experts: 128,
  topK: 8,
};

/** Two layers, four experts, top-2 on two ranks. */
const TINY: RoutingCsvOptions = { layers: [0, 1], step: 0, epSize: 2, experts: 4, topK: 2 };
const HEADER = "step,layer,token,seq,src_rank,e0,e1";

function tiny(lines: string[], options: Partial<RoutingCsvOptions> = {}) {
  return parseRoutingCsv([HEADER, ...lines, ""].join("\n"), { ...TINY, ...options });
}

function problemsOf(result: ReturnType<typeof parseRoutingCsv>): readonly RoutingCsvProblem[] {
  if (result.ok) throw new Error("the text was accepted");
  return result.problems;
}

function tableOf(result: ReturnType<typeof parseRoutingCsv>) {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const { table } = result;
  return { ...table, experts: [...new Uint16Array(table.experts.slice().buffer)] };
}

describe("the shipped recording", () => {
  it("is the file that its README describes", () => {
    const sum = createHash("sha256").update(readDrill()).digest("hex");
    expect(readFileSync(drill("README.md"), "utf8")).toContain(sum);
  });

  it("gives every rank the token copies that a plain count finds, in each layer", () => {
    const text = readDrill();
    const received = Array.from({ length: 48 }, () => [0, 0, 0, 0]);
    const owned = Array.from({ length: 48 }, () => [0, 0, 0, 0]);
    for (const line of text.trimEnd().split("\n").slice(1)) {
      const [, layer, , , source, ...experts] = line.split(",").map(Number);
      owned[layer][source] += 1;
      for (const expert of experts) received[layer][Math.floor(expert / 32)] += 1;
    }
    const result = parseRoutingCsv(text, QWEN);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.table.tokensOfRank).toEqual([1, 1_024, 1_024, 1]);
    expect(result.notes).toEqual([]);
    const source = makeRoutingSource({
      seed: "1",
      model: { ...DEEPSEEK_V3, n_routed_experts: 128, n_group: 1, topk_group: 1 },
      workload: { tokensPerGpu: 1_024, epSize: 4 },
      routing: { source: "file", path: "", table: result.table },
    });
    const into = { experts: new Int32Array(8_192), weights: new Int32Array(8_192) };
    for (const layer of QWEN.layers) {
      const counted = [0, 0, 0, 0];
      for (let rank = 0; rank < 4; rank += 1) {
        expect(source.tokensOf(rank)).toBe(owned[layer][rank]);
        source.choose({ group: 0, rank, step: 0, layer }, into);
        for (const expert of into.experts.subarray(0, source.tokensOf(rank) * 8)) {
          counted[expert >> 5] += 1;
        }
      }
      expect(counted, `layer ${layer}`).toEqual(received[layer]);
    }
  });

  it("keeps only the layers that run, in their order", () => {
    const text = readDrill();
    const all = parseRoutingCsv(text, QWEN);
    const some = parseRoutingCsv(text, { ...QWEN, layers: [5, 47] });
    if (!all.ok || !some.ok) throw new Error("the text was refused");
    const bytesOfLayer = 2_050 * 8 * 2;
    expect(some.table.layers).toEqual([5, 47]);
    expect(some.table.experts.length).toBe(2 * bytesOfLayer);
    const layer = (number: number) =>
      all.table.experts.subarray(number * bytesOfLayer, (number + 1) * bytesOfLayer);
    expect(some.table.experts.subarray(0, bytesOfLayer)).toEqual(layer(5));
    expect(some.table.experts.subarray(bytesOfLayer)).toEqual(layer(47));
  });

  it("says which layers and ranks it has when the run needs others", () => {
    const text = readDrill();
    expect(problemsOf(parseRoutingCsv(text, { ...QWEN, layers: [46, 47, 48, 49, 60] }))).toEqual([
      {
        line: 1,
        message: "there is no row of layer 48-49, 60 in step 0; the file has layers 0-47",
      },
    ]);
    const narrow = problemsOf(parseRoutingCsv(text, { ...QWEN, epSize: 2 }));
    expect(narrow).toHaveLength(20);
    expect(narrow[0]).toEqual({
      line: 1_027,
      column: 12,
      message: "src_rank is 2; the EP group has ranks 0 to 1 (-1: not known)",
    });
  });
});

describe("who owns a token", () => {
  it("orders the tokens of a rank by number, whatever the order of the lines", () => {
    const result = tiny(["0,0,2,0,0,2,3", "0,0,0,0,0,0,1", "0,0,1,1,1,1,2"], { layers: [0] });
    expect(tableOf(result)).toEqual({
      topK: 2,
      layers: [0],
      tokensOfRank: [2, 1],
      experts: [0, 1, 2, 3, 1, 2],
    });
  });

  it("spreads sequences of unknown rank whole: longest first, to the least loaded rank", () => {
    // Sequences of 1, 3, 2, 2 tokens, then two tokens of none: rank 0 gets s1 (3), rank 1 s2 (2)
    // and s3 (2), then 3 : 4, so rank 0 gets token 0; at 4 : 4 it gets token 8; token 9 goes to
    // rank 1.
    const sequences = [0, 1, 1, 1, 2, 2, 3, 3, -1, -1];
    const lines = sequences.map(
      (sequence, token) => `0,0,${token},${sequence},-1,${token % 4},${(token + 1) % 4}`,
    );
    const result = tiny(lines, { layers: [0] });
    const { tokensOfRank, experts } = tableOf(result);
    expect(tokensOfRank).toEqual([5, 5]);
    const firstChoices = experts.filter((_, place) => place % 2 === 0);
    expect(firstChoices).toEqual([0, 1, 2, 3, 8, 4, 5, 6, 7, 9].map((token) => token % 4));
    expect(result.ok && result.notes).toEqual([
      "src_rank is not recorded for 10 of 10 tokens: 6 sequences spread over 2 ranks, each kept whole",
    ]);
  });

  it("counts tokens of known rank before it spreads the others, and names idle ranks", () => {
    const lines = ["0,0,0,0,0,0,1", "0,0,1,1,-1,0,1"];
    expect(tableOf(tiny(lines, { layers: [0] })).tokensOfRank).toEqual([1, 1]);
    const wide = tiny(lines, { layers: [0], epSize: 4 });
    expect(tableOf(wide).tokensOfRank).toEqual([1, 1, 0, 0]);
    expect(wide.ok && wide.notes[1]).toBe("2 of 4 ranks own no token");
  });
});

describe("what the reader accepts", () => {
  it("takes carriage returns, blank lines, a byte order mark, and a last line without an end", () => {
    const text = `\uFEFF${HEADER}\r\n0,0,0,-1,0,0,1\r\n\r\n0,1,0,-1,0,2,3`;
    expect(tableOf(parseRoutingCsv(text, TINY)).experts).toEqual([0, 1, 2, 3]);
  });

  it("takes only the step that was asked for", () => {
    const lines = ["0,0,0,-1,0,0,1", "4,0,0,-1,1,2,3"];
    expect(tableOf(tiny(lines, { layers: [0], step: 4 })).experts).toEqual([2, 3]);
  });

  it("holds expert ids above 255", () => {
    const result = tiny(["0,0,0,-1,0,65535,256"], { layers: [0], experts: 65_536 });
    expect(tableOf(result).experts).toEqual([65_535, 256]);
  });
});

describe("what the reader refuses", () => {
  const good = ["0,0,0,-1,0,0,1", "0,1,0,-1,0,0,1"];

  it("a wrong header, saying what it must be", () => {
    const [problem] = problemsOf(parseRoutingCsv("layer,token\n1,2\n", TINY));
    expect(problem).toEqual({
      line: 1,
      column: 1,
      message: `the header is "layer,token"; for top-2 it must be "${HEADER}"`,
    });
    expect(problemsOf(parseRoutingCsv("", TINY))[0].message).toContain(HEADER);
    expect(problemsOf(tiny(good, { topK: 3 }))[0].message).toContain(`${HEADER},e2`);
  });

  const rows: [string, string, number, string][] = [
    ["a word", "0,0,x1,-1,0,0,1", 5, 'token is "x1"; it must be a whole number up to 2147483647'],
    ["a fraction", "0,0,0,-1,0,0,1.5", 14, 'e1 is "1.5"; it must be a whole number'],
    ["an empty value", "0,,0,-1,0,0,1", 3, 'layer is ""; it must be'],
    ["a lone sign", "0,0,0,-,0,0,1", 7, 'seq is "-"; it must be'],
    ["a number beyond 32 bits", "0,0,2147483648,0,0,0,1", 5, 'token is "2147483648"'],
    ["a missing value", "0,0,0,-1,0,0", 13, "the row has 6 values; it must have 7"],
    ["a value too many", "0,0,0,-1,0,0,1,2", 15, "the row has more than 7 values"],
    ["a negative token", "0,0,-1,-1,0,0,1", 5, "token is -1; it must be at least 0"],
    [
      "an expert that the model lacks",
      "0,0,0,-1,0,0,4",
      14,
      "e1 is 4; the model has experts 0 to 3",
    ],
    ["a negative expert", "0,0,0,-1,0,-1,1", 12, "e0 is -1; the model has experts 0 to 3"],
    ["an expert twice", "0,0,0,-1,0,2,2", 14, "e1 is 2; the row names that expert before"],
    [
      "a rank beyond the group",
      "0,0,0,-1,2,0,1",
      10,
      "src_rank is 2; the EP group has ranks 0 to 1",
    ],
    ["a rank below -1", "0,0,0,-1,-2,0,1", 10, "src_rank is -2; it must be at least -1"],
  ];
  for (const [name, row, column, message] of rows) {
    it(`${name}, at its line and column`, () => {
      const [problem] = problemsOf(tiny([good[1], row]));
      expect(problem).toEqual({ line: 3, column, message: expect.stringContaining(message) });
    });
  }

  it("several mistakes at once, with a layer that is missing", () => {
    const problems = problemsOf(tiny(["0,0,0,-1,0,0,9", "0,0,y,-1,0,0,1"]));
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 1]);
    expect(problems[2].message).toBe("there is no row of layer 1 in step 0; the file has layers 0");
  });

  it("no more than 20 mistakes", () => {
    expect(problemsOf(tiny(Array.from({ length: 50 }, () => "z")))).toHaveLength(20);
  });

  it("a step that is not there", () => {
    expect(problemsOf(tiny(good, { step: 3 }))).toEqual([
      { line: 1, message: "there is no step 3; the file has 0" },
    ]);
  });

  it("layers whose tokens differ in number, name or owner", () => {
    const message = (lines: string[]) => problemsOf(tiny(lines)).map((problem) => problem.message);
    expect(message([...good, "0,0,1,-1,0,0,1"])).toEqual([
      "layer 1 has 1 tokens and layer 0 has 2; every layer has the same tokens",
    ]);
    expect(message([good[0], "0,1,7,-1,0,0,1"])).toEqual([
      "layer 1 has token 7, which layer 0 does not have",
    ]);
    expect(message([good[0], "0,1,0,-1,1,0,1"])).toEqual([
      "token 0 has another seq or src_rank in layer 1 than in layer 0",
    ]);
    expect(message([...good, good[0]])).toEqual(["layer 0 has token 0 twice"]);
  });
});
