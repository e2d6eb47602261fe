/** Bytes, compute times and expert placement: exact values, worked out from published figures. */
import { describe, expect, it } from "vitest";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import { expertsPerRank, firstExpertOf, rankOfExpert } from "../../src/model/expert-placement.ts";
import {
  bf16Bytes,
  logFmtBytes,
  lowLatencyFp8Bytes,
  normalFp8Bytes,
} from "../../src/workload/bytes.ts";
import { decodeComputeTimes } from "../../src/workload/compute-time.ts";
import { DEEPSEEK_V3 } from "./shapes.ts";

describe("bytes of a token copy", () => {
  it("are DeepEP's at hidden 7,168", () => {
    expect(lowLatencyFp8Bytes(7_168)).toBe(7_408);
    expect(normalFp8Bytes(7_168)).toBe(7_392);
    expect(bf16Bytes(7_168)).toBe(14_336);
    expect(logFmtBytes(7_168, 10)).toBe(9_184);
  });

  it("follow the hidden size, with a scale for each begun block of 128", () => {
    expect(lowLatencyFp8Bytes(2_048)).toBe(2_048 + 64 + 16);
    expect(normalFp8Bytes(130)).toBe(130 + 8);
    expect(logFmtBytes(2_048, 8)).toBe(normalFp8Bytes(2_048));
    expect(logFmtBytes(129, 7)).toBe(113 + 8);
  });
});

describe("decode compute times", () => {
  it("are weight bytes over HBM bandwidth, in whole ps", () => {
    const model = {
      hidden_size: 1_000,
      n_shared_experts: 2,
      moe_intermediate_size: 100,
      intermediate_size: 900,
      attentionParameters: 4_000_000,
    };
    expect(
      decodeComputeTimes(model, {
        compute: { ...HARDWARE_PRESETS["h800-infiniband"].compute, hbmBytesPerSecond: 1e12 },
      }),
    ).toEqual({
      attentionPs: 4_000_000,
      denseMlpPs: 2_700_000,
      sharedExpertPs: 600_000,
      perExpertPs: 300_000,
    });
  });

  it("read 44 MB for one expert of DeepSeek-V3: 13.1 us at 3.35 TB/s", () => {
    const times = decodeComputeTimes(DEEPSEEK_V3, HARDWARE_PRESETS["h800-infiniband"]);
    expect(times.perExpertPs).toBe(Math.round(44_040_192 / 3.35));
    expect(times.sharedExpertPs).toBe(times.perExpertPs);
    expect(times.denseMlpPs).toBe(118_316_934);
    for (const ps of Object.values(times)) expect(Number.isSafeInteger(ps)).toBe(true);
  });
});

describe("expert placement", () => {
  it("gives each rank one block of experts", () => {
    expect(expertsPerRank(256, 64)).toBe(4);
    const ranks = [0, 3, 4, 252, 255].map((expert) => rankOfExpert(expert, 4));
    expect(ranks).toEqual([0, 0, 1, 63, 63]);
    for (let rank = 0; rank < 64; rank += 1) {
      const first = firstExpertOf(rank, 4);
      expect(rankOfExpert(first, 4)).toBe(rank);
      expect(first === 0 || rankOfExpert(first - 1, 4) === rank - 1).toBe(true);
    }
  });

  it("refuses an EP group that does not divide the experts", () => {
    expect(() => expertsPerRank(256, 144)).toThrow("experts-divide");
  });
});
