/** Settings of the workload that contradict one another: exact messages, codes and exit codes. */
import { describe, expect, it } from "vitest";
import { drillText, parse, printed, SMALLEST } from "./reading.ts";

/** The smallest scenario with this workload on line 3. */
const workload = (text: string, cluster = "nodes: 4"): string =>
  `${SMALLEST.replace("nodes: 4", cluster)}workload: {${text}}\n`;

const RDMA =
  "error[E019] s.yaml:3:23 workload.intraNode: intraNode rdma sends from a GPU's own NIC to " +
  "every other, but network mpft has no way between its 8 planes\n" +
  "  hint: set network: mrft or planes: 1 in cluster, or leave intraNode out (nvlink)";

const rows: readonly (readonly [what: string, text: string, says: string])[] = [
  ["RDMA inside a node over planes that are apart", workload("intraNode: rdma"), RDMA],
  [
    "RDMA inside a node in the normal protocol",
    workload("intraNode: rdma, protocol: normal"),
    "error[E019] s.yaml:3:23 workload.intraNode: intraNode rdma is for protocol low-latency; " +
      "protocol normal forwards over NVLink\n" +
      "  hint: leave intraNode out, or set protocol: low-latency",
  ],
  [
    "two micro-batches of exchanges alone",
    workload("phase: all-to-all, microBatches: 2"),
    "error[E019] s.yaml:3:45 workload.microBatches: phase all-to-all has one chain of exchanges, " +
      "got 2 micro-batches\n  hint: leave microBatches out, or set it to 1",
  ],
  [
    "one micro-batch in two directions",
    workload("phase: training, microBatches: 1"),
    "error[E019] s.yaml:3:43 workload.microBatches: pass overlapped has 2 of them, one a " +
      "direction; got 1\n  hint: leave microBatches out",
  ],
  [
    "messages of more copies than they can stand for",
    workload("grain: message, tokensPerGpu: 8192"),
    "error[E019] s.yaml:3:19 workload.grain: 65536 token copies of a rank may all be for one " +
      "other; a message stands for at most 65535 work requests\n" +
      "  hint: set grain: token, or protocol: normal",
  ],
  [
    "a backward pass of decode",
    workload("pass: backward"),
    "error[E019] s.yaml:3:18 workload.pass: pass backward is for phase training; phase decode " +
      "has no backward pass\n  hint: leave pass out, or set phase: training",
  ],
  [
    "a forward pass of prefill by its name",
    workload("phase: prefill, pass: forward"),
    "error[E019] s.yaml:3:34 workload.pass: pass forward is for phase training; phase prefill " +
      "has no backward pass\n  hint: leave pass out, or set phase: training",
  ],
  [
    "multi-token prediction in training",
    workload("phase: training, acceptedTokensPerStep: 1.8"),
    "error[E019] s.yaml:3:52 workload.acceptedTokensPerStep: multi-token prediction is for phase " +
      "decode; in phase training acceptedTokensPerStep is 1, got 1.8\n" +
      "  hint: leave it out, or set phase: decode",
  ],
];

describe("a workload is refused with", () => {
  it.each(rows)("%s", (_what, text, says) => {
    expect(printed(text)).toEqual([says]);
    const result = parse(text);
    expect(result.ok ? 0 : result.exitCode).toBe(78);
  });

  it("more choices of a token than the normal protocol has bits for", () => {
    const path = "models/deepseek-v3.json";
    const model = (topK: number): Record<string, string> => ({
      [path]: drillText(path).replace('"num_experts_per_tok": 8', `"num_experts_per_tok": ${topK}`),
    });
    const says =
      "workload.protocol: protocol normal keeps the choices of a token as bits of a 32-bit word: " +
      "top_k 32 exceeds 31\n  hint: set protocol: low-latency";
    expect(printed(workload("protocol: normal"), model(32))).toEqual([
      `error[E019] s.yaml:3:22 ${says}`,
    ]);
    expect(printed(workload("phase: prefill"), model(32))).toEqual([
      `error[E019] s.yaml:3:1 ${says}`,
    ]);
    expect(printed(workload("protocol: normal"), model(31))).toEqual([]);
    expect(printed(workload("protocol: low-latency"), model(32))).toEqual([]);
  });
});

describe("a workload is accepted with", () => {
  it.each([
    [
      "RDMA inside a node where rails are joined",
      workload("intraNode: rdma", "nodes: 4, network: mrft"),
    ],
    ["RDMA inside a node on one plane", workload("intraNode: rdma", "nodes: 4, planes: 1")],
    ["one micro-batch of exchanges alone", workload("phase: all-to-all, microBatches: 1")],
    ["a pass of training", workload("phase: training, pass: backward")],
    ["multi-token prediction in decode", workload("acceptedTokensPerStep: 1.8")],
  ])("%s", (_what, text) => {
    expect(printed(text)).toEqual([]);
  });
});
