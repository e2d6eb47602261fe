/**
 * The catalogue of bad scenario files: what the user reads, word for word, and the exit code. Rows
 * are numbered as in the project's list of bad inputs; files that cannot be opened are the
 * command's part.
 */
import { describe, expect, it } from "vitest";
import { FAULT_KINDS } from "../../src/model/fault.ts";
import { formatProblem, formatProblems } from "../../src/scenario/problem.ts";
import { drillText, parse, printed, SMALLEST } from "./reading.ts";

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : [...new TextEncoder().encode(part)],
    ),
  );
const cluster = (text: string): string => SMALLEST.replace("nodes: 4", text);
const deepseek = drillText("models/deepseek-v3.json");
const BIG = new Uint8Array(12 * 1024 * 1024).fill(0x20);

interface BadInput {
  readonly row: string;
  readonly text: string | Uint8Array;
  readonly exit: number;
  readonly says: readonly string[];
}

const MODEL = "models/deepseek-v3.json";
const CATALOGUE: readonly BadInput[] = [
  {
    row: "1 linked file missing",
    text: SMALLEST.replace("models/", "nope/"),
    exit: 66,
    says: [
      "error[E001] s.yaml:1:8 model: cannot read model file 'nope/deepseek-v3.json': there is no such file\n  hint: the path is relative to this file",
    ],
  },
  {
    row: "2 too large",
    text: BIG,
    exit: 65,
    says: ["error[E002] s.yaml:1:1: file is 12 MiB; limit 1 MiB\n  hint: is it the right file?"],
  },
  {
    row: "3 not UTF-8",
    text: bytes("title: caf", 0xe9, "\n"),
    exit: 65,
    says: ["error[E003] s.yaml:1:1: byte 10 is not UTF-8\n  hint: save the file as UTF-8"],
  },
  {
    row: "3 UTF-16",
    text: bytes(0xff, 0xfe, "a", 0),
    exit: 65,
    says: ["error[E003] s.yaml:1:1: byte 0 is not UTF-8\n  hint: save the file as UTF-8"],
  },
  {
    row: "3 NUL byte",
    text: bytes("title: a", 0),
    exit: 65,
    says: [
      "error[E003] s.yaml:1:1: byte 8 is NUL, which is not text\n  hint: save the file as UTF-8",
    ],
  },
  ...["", "# only a comment\n", "---\n"].map((text) => ({
    row: `5 ${JSON.stringify(text)}`,
    text,
    exit: 65,
    says: ["error[E004] s.yaml:1:1: expected a mapping at top level, found nothing"],
  })),
  {
    row: "5 top-level list",
    text: "- a\n",
    exit: 65,
    says: ["error[E004] s.yaml:1:1: expected a mapping at top level, found a list"],
  },
  {
    row: "6 several documents",
    text: `---\n${SMALLEST}---\na: 1\n`,
    exit: 65,
    says: ["error[E005] s.yaml:4:1: one document per file; second starts at line 4"],
  },
  {
    row: "7 tab indentation",
    text: "cluster:\n\tnodes: 1\n",
    exit: 65,
    says: [
      "error[E035] s.yaml:2:1: not valid YAML or JSON: Tabs are not allowed as indentation\n  |  nodes: 1\n  | ^",
    ],
  },
  {
    row: "7 unclosed quote",
    text: 'title: "open',
    exit: 65,
    says: [
      'error[E035] s.yaml:1:13: not valid YAML or JSON: Missing closing "quote\n  | title: "open\n  |             ^',
    ],
  },
  {
    row: "8 duplicate key in YAML",
    text: `${SMALLEST}run:\n  seed: 1\n  speed: max\n  seed: 2\n`,
    exit: 65,
    says: ["error[E006] s.yaml:6:3 run.seed: 'seed' given twice: line 4 and line 6"],
  },
  {
    row: "8 duplicate key in JSON",
    text: '{"model": "a",\n "model": "b"}',
    exit: 65,
    says: ["error[E006] s.yaml:2:2 model: 'model' given twice: line 1 and line 2"],
  },
  {
    row: "9 anchor and alias",
    text: `${SMALLEST}title: &a x\nrun: {seed: *a}\n`,
    exit: 65,
    says: [
      'error[E007] s.yaml:3:8: anchors, aliases and tags are not allowed, got "&a"\n  hint: write the value out, or quote it',
      'error[E007] s.yaml:4:13: anchors, aliases and tags are not allowed, got "*a"\n  hint: write the value out, or quote it',
    ],
  },
  {
    row: "9 tag",
    text: `${SMALLEST}title: !!str x\n`,
    exit: 65,
    says: [
      'error[E007] s.yaml:3:8: anchors, aliases and tags are not allowed, got "!!str"\n  hint: write the value out, or quote it',
    ],
  },
  {
    row: "9 merge key",
    text: `${SMALLEST}<<: {title: x}\n`,
    exit: 65,
    says: [
      "error[E007] s.yaml:3:1 <<: merge keys are not allowed, got '<<'\n  hint: write the keys out",
    ],
  },
  {
    row: "9 directive",
    text: `%YAML 1.1\n---\n${SMALLEST}`,
    exit: 65,
    says: [
      'error[E007] s.yaml:1:1: directives are not allowed, got "%YAML 1.1"\n  hint: write the value out, or quote it',
    ],
  },
  ...["a:\n  b:\n   - ", "a:\n\n "].map((head) => ({
    row: `10 nested after ${JSON.stringify(head)}`,
    text: `${head}${"[".repeat(20_000)}`,
    exit: 65,
    says: [expect.stringMatching(/^error\[E008\] s.yaml:3:\d+: nested deeper than 32 at line 3$/)],
  })),
  {
    row: "10 nested by dashes, which ends the composer's process",
    text: "- ".repeat(100_000),
    exit: 65,
    says: ["error[E008] s.yaml:1:65: nested deeper than 32 at line 1"],
  },
  {
    row: "11 reserved keys",
    text: `${SMALLEST}__proto__: {a: 1}\nrun: {constructor: 1, prototype: 2}\n`,
    exit: 65,
    says: [
      "error[E009] s.yaml:3:1 __proto__: key '__proto__' is reserved",
      "error[E009] s.yaml:4:7 run.constructor: key 'constructor' is reserved",
      "error[E009] s.yaml:4:23 run.prototype: key 'prototype' is reserved",
    ],
  },
  {
    row: "12 unknown key",
    text: cluster("nodes: 4, plains: 8"),
    exit: 78,
    says: [
      "error[E010] s.yaml:2:21 cluster.plains: unknown key 'plains'; allowed: nodes, gpusPerNode, planes, switchPorts, network, switchRouting, portBufferBytes, nicPorts\n  hint: did you mean 'planes'?",
    ],
  },
  {
    row: "13 missing keys",
    text: "title: a\ncluster: {planes: 8}\n",
    exit: 78,
    says: [
      "error[E011] s.yaml:1:1 model: model is required",
      "error[E011] s.yaml:2:1 cluster.nodes: cluster.nodes is required",
    ],
  },
  ...(
    [
      ['"8"', 'string "8"'],
      ["8.5", "8.5"],
      ["true", "true"],
      ["[8]", "a list"],
    ] as const
  ).map(([value, shown]) => ({
    row: `14 wrong type ${value}`,
    text: cluster(`nodes: ${value}`),
    exit: 78,
    says: [`error[E012] s.yaml:2:18 cluster.nodes: expected integer, got ${shown}`],
  })),
  {
    row: "14 null",
    text: cluster("nodes: null"),
    exit: 78,
    says: ["error[E012] s.yaml:2:11 cluster.nodes: expected integer, got nothing"],
  },
  ...(
    [
      ["0", "0"],
      [".inf", "Infinity"],
      ["1e999", "Infinity"],
      [".nan", "NaN"],
      ["-1", "-1"],
    ] as const
  ).map(([value, shown]) => ({
    row: `15 out of range ${value}`,
    text: cluster(`nodes: 4, planes: ${value}`),
    exit: 78,
    says: [`error[E013] s.yaml:2:29 cluster.planes: must be 1..72, got ${shown}`],
  })),
  {
    row: "15 not one of the words",
    text: `${SMALLEST}run: {placement: nodes, speed: 0}\n`,
    exit: 78,
    says: [
      "error[E013] s.yaml:3:18 run.placement: must be one of actor, node, pack, single, got \"nodes\"\n  hint: did you mean 'node'?",
      "error[E013] s.yaml:3:32 run.speed: must be max or a number > 0, got 0",
    ],
  },
  {
    row: "16 seed above 2^53",
    text: `${SMALLEST}run: {seed: 18446744073709551615}\n`,
    exit: 78,
    says: ["error[E014] s.yaml:3:13 run.seed: write seeds above 2^53 as a quoted string"],
  },
  ...(
    [
      ["'18446744073709551616'", '"18446744073709551616"'],
      ["1e3", "1e3"],
      ["-1", "-1"],
      ["0x10", "0x10"],
      ["5abc", '"5abc"'],
    ] as const
  ).map(([value, shown]) => ({
    row: `16 seed ${value}`,
    text: `${SMALLEST}run: {seed: ${value}}\n`,
    exit: 78,
    says: [`error[E013] s.yaml:3:13 run.seed: expected 0..2^64-1 in decimal, got ${shown}`],
  })),
  ...["1e10", "0777", "12:30"].map((title) => ({
    row: `17 number-like ${title}`,
    text: `${SMALLEST}title: ${title}\n`,
    exit: 78,
    says: [
      `error[E015] s.yaml:3:8 title: quote titles that look like a number, got ${title}\n  hint: write "${title}"`,
    ],
  })),
  ...(
    [
      ["400", "400"],
      ["400GB", '"400GB"'],
      ["40 G", '"40 G"'],
      ["400 Gb/s", '"400 Gb/s"'],
    ] as const
  ).map(([value, shown]) => ({
    row: `18 unit of ${value}`,
    text: `${SMALLEST}hardware: {nicRate: ${value}}\n`,
    exit: 78,
    says: [
      `error[E016] s.yaml:3:21 hardware.nicRate: write a unit: bit/s as Gbit/s, byte/s as GB/s; got ${shown}`,
    ],
  })),
  {
    row: "18 unit of a time",
    text: `${SMALLEST}transport: {waitTimeout: 100}\n`,
    exit: 78,
    says: [
      "error[E016] s.yaml:3:26 transport.waitTimeout: write a time with its unit: ps, ns, us, ms, s, min or h; got 100",
    ],
  },
  {
    row: "19 zero and negative bandwidth",
    text: `${SMALLEST}hardware: {nicRate: 0 Gbit/s, pcieRate: -1 GB/s}\n`,
    exit: 78,
    says: [
      "error[E017] s.yaml:3:21 hardware.nicRate: bandwidth must be > 0, got 0 Gbit/s; use a link-down fault instead",
      "error[E017] s.yaml:3:41 hardware.pcieRate: bandwidth must be > 0, got -1 GB/s; use a link-down fault instead",
    ],
  },
  {
    row: "20 zero latency",
    text: `${SMALLEST}hardware: {networkLatency: 0 ns, nvlinkLatency: 999 ps}\n`,
    exit: 78,
    says: [
      "error[E018] s.yaml:3:28 hardware.networkLatency: latency 0 ns gives no lookahead; minimum 1 ns",
      "error[E018] s.yaml:3:49 hardware.nvlinkLatency: latency 999 ps gives no lookahead; minimum 1 ns",
    ],
  },
  {
    row: "21 experts and ranks",
    text: cluster("nodes: 6"),
    exit: 78,
    says: [
      "error[E019] s.yaml:2:18 cluster.nodes: 256 experts do not divide over 48 ranks\n  hint: experts.redundant: 32 makes 6 on each rank",
    ],
  },
  {
    row: "21 ranks and groups",
    text: `${SMALLEST}workload: {epSize: 12}\n`,
    exit: 78,
    says: ["error[E019] s.yaml:3:20 workload.epSize: 32 GPUs do not divide into EP groups of 12"],
  },
  {
    row: "21 groups and nodes",
    text: `${cluster("nodes: 3")}workload: {epSize: 12}\n`,
    exit: 78,
    says: [
      "error[E019] s.yaml:3:20 workload.epSize: epSize 12 is neither a multiple nor a divisor of 8 GPUs a node",
    ],
  },
  {
    row: "21 layers the model does not have",
    text: `${SMALLEST}workload: {layers: 0-61}\n`,
    exit: 78,
    says: [
      "error[E013] s.yaml:3:20 workload.layers: layer 61 does not exist; the model has layers 0..60",
    ],
  },
  {
    row: "21 layers out of order",
    text: `${SMALLEST}workload: {layers: [5, 3]}\n`,
    exit: 78,
    says: ["error[E013] s.yaml:3:20 workload.layers: layers must be ascending, got 3 after 5"],
  },
  {
    row: "22 planes and NICs",
    text: cluster("nodes: 4, planes: 16"),
    exit: 78,
    says: [expect.stringMatching(/^error\[E020\] s.yaml:2:29 cluster.planes: 16 planes, but/)],
  },
  {
    row: "22 radix",
    text: `${cluster("nodes: 64, switchPorts: 4")}workload: {epSize: 8}\n`,
    exit: 78,
    says: [
      expect.stringMatching(
        /^error\[E020\] s.yaml:2:35 cluster.switchPorts: plane0.spine0 needs 32 ports, has 4/,
      ),
    ],
  },
  {
    row: "23 names twice and not well formed",
    text: `${SMALLEST}faults:\n  - {name: a, kind: gpu-dead, target: node0.gpu0, at: 1 ms}\n  - {name: a, kind: gpu-dead, target: node0.gpu1, at: 1 ms}\n  - {name: "\\u0007B", kind: gpu-dead, target: node0.gpu2, at: 1 ms}\n`,
    exit: 78,
    says: [
      "error[E021] s.yaml:5:12 faults[1].name: fault 'a' defined twice (lines 4, 5)",
      'error[E021] s.yaml:6:12 faults[2].name: a name is [a-z0-9._-]{1,63}, got "\\u0007B"',
    ],
  },
  {
    row: "24 link that does not exist",
    text: `${SMALLEST}faults: [{kind: link-down, target: plane3.leaf0--node2.nic4, at: 1 ms}]\n`,
    exit: 78,
    says: [
      "error[E026] s.yaml:3:36 faults[0].target: selector 'plane3.leaf0--node2.nic4' matches no link (such as node0.nic0--plane0.leaf0)\n  hint: did you mean 'plane3.leaf0--node2.nic3'?",
    ],
  },
  {
    row: "25 too many GPUs",
    text: cluster("nodes: 513"),
    exit: 78,
    says: ["error[E023] s.yaml:2:18 cluster.nodes: 513 nodes of 8 GPUs make 4104 GPUs; limit 4096"],
  },
  {
    row: "25 too many token copies",
    text: `${SMALLEST}workload: {tokensPerGpu: 100000}\n`,
    exit: 78,
    says: [
      "error[E023] s.yaml:3:26 workload.tokensPerGpu: needs about 12 GiB: 3200000 tokens x top 8 make 25600000 token copies in flight; limit 8000000",
    ],
  },
  {
    row: "26 more workers than actors",
    text: `${SMALLEST}run: {placement: pack, workers: 1000}\n`,
    exit: 78,
    says: [expect.stringMatching(/^error\[E024\] s.yaml:3:33 run.workers: .*1..76 are allowed$/)],
  },
  {
    row: "27 fault times",
    text: `${SMALLEST}run: {timeLimit: 30 s}\nfaults:\n  - {kind: gpu-dead, target: node0.gpu0, at: 40 s}\n  - {kind: gpu-dead, target: node0.gpu0, at: -5 ms}\n  - {kind: gpu-dead, target: node0.gpu0, at: 0.5 ps}\n`,
    exit: 78,
    says: [
      "error[E025] s.yaml:5:46 faults[0].at: fault f1 at 40 s, run ends at 30 s",
      "error[E025] s.yaml:6:46 faults[1].at: must be 0 or later, got -5 ms",
      "error[E025] s.yaml:7:46 faults[2].at: must be a whole number of ps, got 0.5 ps",
    ],
  },
  {
    row: "28 selectors and kinds",
    text: `${SMALLEST}faults:\n  - {kind: nic-down, target: node9.nic3, at: 5 ms}\n  - {kind: nic-down, target: [node0.nic0, node0.gpu3], at: 5 ms}\n  - {kind: nic-dwn, target: node0.nic3, at: 5 ms}\n`,
    exit: 78,
    says: [
      "error[E026] s.yaml:4:30 faults[0].target: selector 'node9.nic3' matches no nic (node0.nic0..node3.nic7)\n  hint: did you mean 'node0.nic3'?",
      "error[E026] s.yaml:5:43 faults[1].target[1]: nic-down takes a nic, 'node0.gpu3' is a gpu",
      `error[E026] s.yaml:6:12 faults[2].kind: must be one of ${FAULT_KINDS.join(", ")}, got "nic-dwn"\n  hint: did you mean 'nic-down'?`,
    ],
  },
  {
    row: "30 heals before it begins, and twice",
    text: `${SMALLEST}faults:\n  - {name: f4, kind: nic-down, target: node0.nic0, at: 5 ms, heal: 4 ms}\n  - {kind: nic-down, target: node0.nic0, at: 5 ms, heal: 6 ms, healAfter: 1 ms}\n`,
    exit: 78,
    says: [
      "error[E028] s.yaml:4:68 faults[0].heal: f4 heals at 4 ms, but begins at 5 ms\n  hint: heal is a virtual time; a duration is healAfter",
      "error[E028] s.yaml:5:75 faults[1].healAfter: give heal or healAfter, not both",
    ],
  },
  ...(
    [
      ["../models/a.json", "it has '..'"],
      ["/etc/passwd", "it is absolute"],
      ["-", "it begins with '-'"],
      ["C:/a.json", "it is absolute"],
    ] as const
  ).map(([path, why]) => ({
    row: `36 path ${path}`,
    text: `model: "${path}"\ncluster: {nodes: 4}\n`,
    exit: 77,
    says: [
      `error[E034] s.yaml:1:8 model: path must stay under the folder of this file; ${why}, got "${path}"`,
    ],
  })),
];

describe("a bad scenario file", () => {
  it.each(CATALOGUE)("row $row", ({ text, exit, says }) => {
    const result = parse(text);
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual(says);
    expect(result.ok ? 0 : result.exitCode).toBe(exit);
  });

  it("is accepted with a byte order mark and with CRLF (row 4)", () => {
    const windows = `\ufeff${drillText("default.yaml").replaceAll("\n", "\r\n")}`;
    expect(parse(windows)).toEqual(parse(drillText("default.yaml")));
    expect(parse(windows).ok).toBe(true);
  });

  it("is accepted with 8.0 for 8 (row 14)", () => {
    expect(parse(cluster("nodes: 8.0"))).toEqual(parse(cluster("nodes: 8")));
  });

  it("has all its problems told at once, with those of the relations", () => {
    const text = `${SMALLEST}workload: {stepz: 1}\nhardware: {nicRate: 4}\nrun: {seed: -1}\nfaults: [{kind: gpu-dead, target: node9.gpu0, at: 1 s}]\n`;
    const places = printed(text).map((line) => line.slice(0, line.indexOf(":", 20)));
    expect(places).toEqual([
      expect.stringContaining("E010"),
      expect.stringContaining("E016"),
      expect.stringContaining("E013"),
    ]);
    const withoutHardware = text.replace("hardware: {nicRate: 4}\n", "");
    expect(printed(withoutHardware).join("\n")).toContain("E026");
  });

  it("has at most twenty problems printed", () => {
    const keys = Array.from({ length: 23 }, (_, place) => `wrong${place}: 1\n`).join("");
    const result = parse(SMALLEST + keys);
    const text = result.ok ? "" : formatProblems(result.problems);
    expect(text.match(/error\[E010\]/g)).toHaveLength(20);
    expect(text.endsWith("\nand 3 more")).toBe(true);
  });

  it("cannot write to the terminal through what is quoted from it", () => {
    const text = `${SMALLEST}"k\\u202e\\u009b\\e[31m": 1\n"${"long".repeat(100)}": 1\n`;
    const lines = printed(text).join("\n");
    expect(lines).toContain("unknown key 'k\\u202e\\u009b\\u001b[31m'");
    expect(lines).toContain(`'${"long".repeat(20)}...'`);
    expect(lines).not.toMatch(/[^\n\x20-\x7e]/);
  });
});

describe("a bad model file", () => {
  it("is named with its own line, and what is missing with every name it may have", () => {
    const model = deepseek
      .replace('"n_routed_experts": 256', '"n_routed_experts": "256"')
      .replace(/ {2}"topk_group": 4,\n/, "")
      .replace('"sigmoid"', '"sqrtsoftplus"');
    expect(printed(SMALLEST, { [MODEL]: model })).toEqual([
      `error[E011] ${MODEL}:1:1 topk_group: topk_group is required (also read as n_limited_groups)`,
      `error[E012] ${MODEL}:7:23 n_routed_experts: expected integer, got string "256"`,
      `error[E013] ${MODEL}:11:19 scoring_func: must be sigmoid or softmax, got "sqrtsoftplus"`,
    ]);
  });

  it("is checked for relations: top-k, groups, the width of a scale block (row 21)", () => {
    const model = deepseek
      .replace('"num_experts_per_tok": 8', '"num_experts_per_tok": 9')
      .replace('"n_routed_experts": 256', '"n_routed_experts": 8')
      .replace('"n_group": 8', '"n_group": 3')
      .replace("7168", "7000");
    expect(printed(SMALLEST, { [MODEL]: model })).toEqual([
      `error[E019] ${MODEL}:3:18 hidden_size: hidden_size 7000 is not a multiple of 128`,
      `error[E019] ${MODEL}:9:26 num_experts_per_tok: top_k 9 exceeds 8 experts`,
      `error[E019] ${MODEL}:10:14 n_group: 8 experts do not divide over 3 groups`,
    ]);
  });
});

describe("a bad routing file", () => {
  it("is named with its own line", () => {
    const text = `${SMALLEST}routing: {source: file, path: r.csv}\n`;
    expect(printed(text, { "r.csv": "step,layer\n" })).toEqual([
      expect.stringMatching(/^error\[E036\] r.csv:1:1: the header is "step,layer"; for top-8/),
    ]);
  });
});
