/** `hardware: {...}` of a scenario: every parameter can be given, and bad values say where. */
import { describe, expect, it } from "vitest";
import { HARDWARE_PRESETS, PRESET_PARAMETERS } from "../../src/hardware/presets.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import {
  COMPUTE_RATES,
  LANE_LATENCIES,
  LINK_RATES,
  OVERHEADS,
} from "../../src/scenario/hardware-fields.ts";
import { parse, printed, SMALLEST } from "../scenario/reading.ts";

const OWN = `hardware:
  preset: gb200-nvl72
  nicRate: 100 GB/s
  nvlinkRate: 500 GB/s
  pcieRate: 125 GB/s
  managementRate: 1 GB/s
  hbmRate: 4 TB/s
  networkLatency: 300 ns
  nvlinkLatency: 500 ns
  gpuToNicLatency: 400 ns
  nicReceiveLatency: 600 ns
  nicToGpuLatency: 700 ns
  managementLatency: 20 us
  nicSendLatency: 0 ns
  requestOverhead: 25 ns
  packetBytes: 2048
  nvlinkDomainGpus: 16
  computeRates:
    attentionForward: 1 TFLOP/s
    attentionBackward: 2 TFLOP/s
    attentionWeights: 3 TFLOP/s
    mlpForward: 4 TFLOP/s
    mlpBackward: 0.5 PFLOP/s
    mlpWeights: 6000 GFLOP/s
`;

/** What the smallest scenario with `fields` resolves to. */
function hardwareOf(fields: string): Hardware | undefined {
  const result = parse(`${SMALLEST}${fields}`);
  return result.ok ? result.scenario.hardware : undefined;
}

describe("a hardware of one's own", () => {
  it("is made of nothing but what the file gives", () => {
    const network = { latencyPs: 300_000, psPerByte: 10, psPerRequest: 0, headBytes: 2_048 };
    const nvlink = { latencyPs: 500_000, psPerByte: 2, psPerRequest: 0 };
    const expected: Hardware = {
      name: "gb200-nvl72, changed",
      gpuToNvswitch: { ...nvlink, headBytes: 2_048 },
      nvswitchToGpu: { ...nvlink, headBytes: 0 },
      // The bus could take 8 ps a byte; the NIC fetches at its own pace.
      gpuToNic: { ...network, latencyPs: 400_000, psPerRequest: 25_000 },
      nicToGpu: { ...network, latencyPs: 700_000, headBytes: 0 },
      nicToLeaf: { ...network, psPerRequest: 25_000 },
      leafToNic: { ...network, latencyPs: 600_000 },
      leafToSpine: network,
      spineToLeaf: network,
      management: { latencyPs: 20_000_000, psPerByte: 1_000, psPerRequest: 0, headBytes: 0 },
      nvlinkDomainGpus: 16,
      pciePsPerByte: 8,
      compute: {
        hbmBytesPerSecond: 4e12,
        attentionForward: 1e12,
        attentionBackward: 2e12,
        attentionWeights: 3e12,
        mlpForward: 4e12,
        mlpBackward: 5e14,
        mlpWeights: 6e12,
      },
    };
    expect(hardwareOf(OWN)).toEqual(expected);
  });

  it("can name every parameter of the model", () => {
    const tables = [LINK_RATES, LANE_LATENCIES, OVERHEADS, COMPUTE_RATES];
    const named: string[] = tables.flatMap((table) =>
      Object.values(table).map(([parameter]) => parameter),
    );
    named.push("hbmBytesPerSecond", "packetBytes", "nvlinkDomainGpus");
    expect(named.sort()).toEqual(Object.keys(PRESET_PARAMETERS["h800-infiniband"]).sort());
  });

  it("leaves what the file does not give as the preset has it", () => {
    const hardware = hardwareOf("hardware: {requestOverhead: 0 ps}\n");
    const preset = HARDWARE_PRESETS["h800-infiniband"];
    const nicToLeaf = { ...preset.nicToLeaf, psPerRequest: 0 };
    const gpuToNic = { ...preset.gpuToNic, psPerRequest: 0 };
    const name = "h800-infiniband, changed";
    expect(hardware).toEqual({ ...preset, name, nicToLeaf, gpuToNic });
  });
});

describe("bad values say where they are and what is allowed", () => {
  it.each([
    [
      "hardware: {requestOverhead: 14}\n",
      "error[E016] s.yaml:3:29 hardware.requestOverhead: write a time with its unit",
    ],
    [
      "hardware: {requestOverhead: -1 ns}\n",
      "error[E025] s.yaml:3:29 hardware.requestOverhead: must be 0 or later, got -1 ns",
    ],
    [
      "hardware: {nicToGpuLatency: 0.5 ns}\n",
      "error[E018] s.yaml:3:29 hardware.nicToGpuLatency: latency 0.5 ns gives no lookahead",
    ],
    [
      "hardware: {gpuToNicLatency: 0.0005 ns}\n",
      "error[E025] s.yaml:3:29 hardware.gpuToNicLatency: must be a whole number of ps",
    ],
    [
      "hardware: {requestOverhead: 1 h}\n",
      "error[E013] s.yaml:3:29 hardware.requestOverhead: must be at most 1 ms, got 1 h",
    ],
    [
      "hardware: {nvlinkLatency: 2 s}\n",
      "error[E013] s.yaml:3:27 hardware.nvlinkLatency: must be at most 1 s, got 2 s",
    ],
    [
      "hardware: {packetBytes: -1}\n",
      "error[E013] s.yaml:3:25 hardware.packetBytes: must be 0..1048576, got -1",
    ],
    [
      "hardware: {nvlinkRate: 0 GB/s}\n",
      "error[E017] s.yaml:3:24 hardware.nvlinkRate: bandwidth must be > 0, got 0 GB/s",
    ],
    [
      "hardware: {computeRates: {mlpForward: 700}}\n",
      "error[E016] s.yaml:3:39 hardware.computeRates.mlpForward: write a unit: GFLOP/s, TFLOP/s",
    ],
    [
      "hardware: {computeRates: {mlpForward: -1 TFLOP/s}}\n",
      "error[E013] s.yaml:3:39 hardware.computeRates.mlpForward: must be 1 TFLOP/s..1000 PFLOP/s",
    ],
    [
      "hardware: {computeRates: {mlp: 1 TFLOP/s}}\n",
      "error[E010] s.yaml:3:27 hardware.computeRates.mlp: unknown key",
    ],
    [
      "hardware: {preset: h900}\n",
      "error[E013] s.yaml:3:20 hardware.preset: must be one of h800-infiniband, h800-roce, gb200",
    ],
  ])("%s", (hardware, message) => {
    const problems = printed(`${SMALLEST}${hardware}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });
});
