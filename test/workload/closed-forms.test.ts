/** Bytes, compute times and closed forms: exact values of published figures. */
import { describe, expect, it } from "vitest";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { ComputeSpan } from "../../src/model/compute.ts";
import { attentionFlops, mlpFlops } from "../../src/model/layer-flops.ts";
import { copyBytes } from "../../src/workload/bytes.ts";
import {
  decodeLimit,
  expectedNodes,
  PUBLISHED_DECODE,
  tokenNetworkPs,
} from "../../src/workload/closed-forms.ts";
import { computeTimes } from "../../src/workload/compute-time.ts";
import { DEEPSEEK_V3 } from "./shapes.ts";

const H800 = HARDWARE_PRESETS["h800-infiniband"];

describe("bytes of a token copy", () => {
  it("are DeepEP's at hidden 7,168", () => {
    expect(copyBytes("fp8", "normal", 7_168)).toBe(7_392);
    expect(copyBytes("fp8", "low-latency", 7_168)).toBe(7_408);
    for (const protocol of ["normal", "low-latency"] as const) {
      expect(copyBytes("bf16", protocol, 7_168)).toBe(14_336);
      expect(copyBytes("logfmt-10", protocol, 7_168)).toBe(9_184);
    }
  });

  it("follow the hidden size, with a scale for each begun block of 128", () => {
    expect(copyBytes("fp8", "low-latency", 2_048)).toBe(2_048 + 64 + 16);
    expect(copyBytes("fp8", "normal", 130)).toBe(130 + 8);
    expect(copyBytes("logfmt-8", "normal", 2_048)).toBe(copyBytes("fp8", "normal", 2_048));
    expect(copyBytes("logfmt-7", "normal", 129)).toBe(113 + 8);
  });
});

describe("FLOPs of a layer", () => {
  // One layer of DeepSeek-V3 over 4,096 tokens, by hand.
  it("count projections and causal scores of attention", () => {
    const projections = 2 * 187_105_280 * 4_096;
    const pairs = (4_096 * 4_096) / 2;
    expect(attentionFlops(DEEPSEEK_V3, 4_096)).toEqual({
      forward: projections + 2 * pairs * 128 * (192 + 128),
      backward: projections + 2 * pairs * 128 * (3 * 192 + 2 * 128),
      weights: projections,
    });
  });

  it("grow with whole sequences of 4,096 tokens, and with the square of a shorter one", () => {
    const model = { attentionParameters: 0, attentionKeyWidth: 1, attentionValueWidth: 1 };
    expect(attentionFlops(model, 3 * 4_096).forward).toBe(6 * 4_096 * 4_096);
    expect(attentionFlops(model, 4_096 + 10).forward).toBe(2 * (4_096 * 4_096 + 100));
  });

  it("count three matrices of an MLP", () => {
    expect(mlpFlops({ hidden_size: 10 }, 7, 5)).toBe(2 * 3 * 10 * 7 * 5);
  });
});

describe("decode compute times", () => {
  it("are weight bytes over HBM bandwidth, in whole ps", () => {
    const model = {
      ...DEEPSEEK_V3,
      hidden_size: 1_000,
      n_shared_experts: 2,
      moe_intermediate_size: 100,
      intermediate_size: 900,
      attentionParameters: 4_000_000,
    };
    const hardware = { compute: { ...H800.compute, hbmBytesPerSecond: 1e12 } };
    const none = { fixedPs: 0, perExpertPs: 0, perCopyPs: 0 };
    const shared = 600_000;
    expect(computeTimes(model, hardware, { phase: "decode", tokensPerGpu: 8 })).toEqual({
      "attention-forward": { ...none, fixedPs: 4_000_000 + shared },
      "attention-backward": none,
      "attention-weights": none,
      "dense-forward": { ...none, fixedPs: 2_700_000 - shared },
      "dense-backward": none,
      "dense-weights": none,
      "mlp-forward": { ...none, perExpertPs: 300_000 },
      "mlp-backward": none,
      "mlp-weights": none,
    });
  });

  it("read 44 MB for one expert of DeepSeek-V3: 13.1 us at 3.35 TB/s", () => {
    const times = computeTimes(DEEPSEEK_V3, H800, { phase: "decode", tokensPerGpu: 128 });
    const expertPs = Math.round(44_040_192 / 3.35);
    expect(times["mlp-forward"].perExpertPs).toBe(expertPs);
    expect(times["attention-forward"].fixedPs).toBe(Math.round(187_105_280 / 3.35) + expertPs);
    expect(times["dense-forward"].fixedPs + expertPs).toBe(118_316_934);
  });

  it("are never negative, even where a dense MLP is smaller than the shared experts", () => {
    const model = { ...DEEPSEEK_V3, intermediate_size: 1_000 };
    const times = computeTimes(model, H800, { phase: "decode", tokensPerGpu: 8 });
    expect(times["dense-forward"].fixedPs).toBe(0);
  });
});

describe("compute times of prefill and training", () => {
  const TOKENS = 4_096;
  const times = computeTimes(DEEPSEEK_V3, H800, { phase: "training", tokensPerGpu: TOKENS });
  const wholePs = (span: ComputeSpan, copies: number): number =>
    span.fixedPs + copies * span.perCopyPs;

  // DeepSeek's published profile, a layer and a micro-batch of 4,096 tokens on H800.
  it.each([
    ["attention-forward", 4.83],
    ["mlp-forward", 4.29],
    ["attention-backward", 9.21],
    ["attention-weights", 2.38],
    ["mlp-backward", 5.75],
    ["mlp-weights", 5.33],
  ] as const)("%s takes the published %f ms with the mean number of copies", (name, ms) => {
    expect(wholePs(times[name], 8 * TOKENS)).toBe(Math.round(ms * 1e9));
  });

  it("are the same in prefill", () => {
    const prefill = computeTimes(DEEPSEEK_V3, H800, { phase: "prefill", tokensPerGpu: TOKENS });
    expect(prefill).toEqual(times);
  });

  it("charge a rank for the copies that it got", () => {
    const { fixedPs, perCopyPs, perExpertPs } = times["mlp-forward"];
    expect(perExpertPs).toBe(0);
    expect(perCopyPs).toBe(Math.floor(4.29e9 / 9 / TOKENS));
    // The shared expert is a ninth of the mean; rounding adds less than 1 ps a copy.
    expect(fixedPs - Math.round(4.29e9 / 9)).toBeGreaterThanOrEqual(0);
    expect(fixedPs - Math.round(4.29e9 / 9)).toBeLessThan(8 * TOKENS);
  });

  it("scale with tokens and with the model", () => {
    const half = computeTimes(DEEPSEEK_V3, H800, { phase: "prefill", tokensPerGpu: TOKENS / 2 });
    expect(half["attention-weights"].fixedPs).toBe(1.19e9);
    expect(half["mlp-forward"].perCopyPs).toBe(times["mlp-forward"].perCopyPs);
    expect(wholePs(half["mlp-forward"], 4 * TOKENS)).toBe(2.145e9);
    const wide = { ...DEEPSEEK_V3, moe_intermediate_size: 4_096 };
    const wider = computeTimes(wide, H800, { phase: "prefill", tokensPerGpu: TOKENS });
    expect(wholePs(wider["mlp-forward"], 8 * TOKENS)).toBe(8.58e9);
    // A dense layer of V3 is as wide as nine experts: the same FLOPs as top-8 and a shared one.
    expect(times["dense-forward"].fixedPs).toBe(4.29e9);
  });

  it("are whole ps, without shared experts too", () => {
    const model = { ...DEEPSEEK_V3, n_shared_experts: 0, hidden_size: 2_048 };
    const spans = computeTimes(model, H800, { phase: "training", tokensPerGpu: 1_000 });
    for (const span of Object.values(spans)) {
      for (const ps of Object.values(span)) {
        expect(Number.isSafeInteger(ps)).toBe(true);
        expect(ps).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

describe("the limit of decode (arXiv 2505.09343, section 2.3.2)", () => {
  it("is 120.96 us an exchange, 14.76 ms and 67 tokens a second at 50 GB/s", () => {
    const limit = decodeLimit(PUBLISHED_DECODE);
    expect(limit.exchangePs).toBe(120_960_000);
    expect(limit.timePerOutputTokenPs).toBe(2 * 61 * 120_960_000);
    expect((limit.timePerOutputTokenPs / 1e9).toFixed(2)).toBe("14.76");
    expect(Math.floor(limit.tokensPerSecond)).toBe(67);
  });

  it("is 6.72 us and 0.82 ms at 900 GB/s", () => {
    const limit = decodeLimit({ ...PUBLISHED_DECODE, bytesPerSecond: 900e9 });
    expect(limit.exchangePs).toBe(6_720_000);
    expect((limit.timePerOutputTokenPs / 1e9).toFixed(2)).toBe("0.82");
  });
});

describe("network time of a token (arXiv 2505.09343, section 4.3)", () => {
  it("is 8t with a copy an expert, Mt with a copy a node", () => {
    expect(tokenNetworkPs(1_000, 8, 4)).toEqual({ copyPerExpertPs: 8_000, copyPerNodePs: 4_000 });
    expect(tokenNetworkPs(1_000, 2, 4)).toEqual({ copyPerExpertPs: 2_000, copyPerNodePs: 2_000 });
  });
});

describe("expected number of nodes of a token", () => {
  const normalTest = (nodes: number): number =>
    expectedNodes({ experts: 256, nodes, topK: 8, nodeLimit: 4 });

  it("is that of DeepEP's normal test", () => {
    const means = [2, 4, 8, 16].map((nodes) => normalTest(nodes).toFixed(3));
    // 4.000 for 16 nodes is 3.9995 before rounding.
    expect(means).toEqual(["1.993", "3.614", "3.983", "4.000"]);
  });

  it("is what hypergeometric chances give where no limit binds", () => {
    // The chance that none of 8 from 256 experts is among the 64 of a node.
    let none = 1;
    for (let drawn = 0; drawn < 8; drawn += 1) none *= (192 - drawn) / (256 - drawn);
    expect(normalTest(4)).toBeCloseTo(4 * (1 - none), 12);
  });

  it("is exact where it can be counted", () => {
    const small = { experts: 4, nodes: 2, topK: 2, nodeLimit: 2 };
    expect(expectedNodes(small)).toBeCloseTo(5 / 3, 12);
    expect(expectedNodes({ ...small, nodeLimit: 1 })).toBeCloseTo(1, 12);
    expect(expectedNodes({ experts: 8, nodes: 8, topK: 8, nodeLimit: 8 })).toBe(8);
  });
});
