/** Presets: end-to-end times of the lanes are the published rows, and every number has a source. */
import { describe, expect, it } from "vitest";
import { valuesOf } from "../../src/hardware/parameters.ts";
import { HARDWARE_PRESETS, makeHardware, PRESET_PARAMETERS } from "../../src/hardware/presets.ts";
import type { Hardware, LaneClass } from "../../src/model/hardware.ts";

type LaneName = Exclude<keyof Hardware, "name" | "nvlinkDomainGpus" | "pciePsPerByte" | "compute">;

const SAME_LEAF: readonly LaneName[] = ["gpuToNic", "nicToLeaf", "leafToNic", "nicToGpu"];
const ACROSS: readonly LaneName[] = [...SAME_LEAF, "leafToSpine", "spineToLeaf"];
const NVLINK: readonly LaneName[] = ["gpuToNvswitch", "nvswitchToGpu"];

/** 64 bytes go whole over each lane: they are less than a head. */
function endToEndPs(hardware: Hardware, path: readonly LaneName[]): number {
  const lanePs = (lane: LaneClass): number =>
    lane.latencyPs + lane.psPerRequest + Math.ceil(64 * lane.psPerByte);
  return path.reduce((sum, name) => sum + lanePs(hardware[name]), 0);
}

describe("64 bytes end to end", () => {
  // arXiv 2505.09343, Table 5; what GB200 has is assumed to be the same.
  it.each([
    ["h800-infiniband", 2_800_000, 3_700_000],
    ["h800-roce", 3_600_000, 5_600_000],
    ["gb200-nvl72", 2_800_000, 3_700_000],
  ])("%s takes %i ps over a leaf, %i ps over a spine, 3.33 us over NVLink", (name, leaf, spine) => {
    const hardware = HARDWARE_PRESETS[name];
    expect(endToEndPs(hardware, SAME_LEAF)).toBe(leaf);
    expect(endToEndPs(hardware, ACROSS)).toBe(spine);
    expect(endToEndPs(hardware, NVLINK)).toBe(3_330_000);
  });
});

describe.each(Object.keys(PRESET_PARAMETERS))("preset %s", (name) => {
  const hardware = HARDWARE_PRESETS[name];

  it("has a source and a calibration row, or none, for every number", () => {
    for (const { value, source, row } of Object.values(PRESET_PARAMETERS[name])) {
      expect(value).toBeGreaterThan(0);
      expect(source).not.toBe("");
      expect(row).not.toBe("");
    }
  });

  it("has lanes of whole ps, with a latency of 1 ns at least", () => {
    for (const lane of ACROSS.concat(NVLINK)) {
      expect(Number.isSafeInteger(hardware[lane].latencyPs)).toBe(true);
      expect(hardware[lane].latencyPs).toBeGreaterThanOrEqual(1_000);
    }
  });

  it("charges requests where the NIC sends, and on the bus that it fetches over", () => {
    const charged = ACROSS.concat(NVLINK).filter((lane) => hardware[lane].psPerRequest > 0);
    expect(charged).toEqual(["gpuToNic", "nicToLeaf"]);
  });

  it("gives GPUs whole messages, and lets no device pass on faster than it receives", () => {
    const chain: readonly LaneName[] = [
      "gpuToNic",
      "nicToLeaf",
      "leafToSpine",
      "spineToLeaf",
      "leafToNic",
      "nicToGpu",
    ];
    for (let hop = 1; hop < chain.length; hop += 1) {
      const [before, after] = [hardware[chain[hop - 1]], hardware[chain[hop]]];
      expect(after.psPerByte).toBeGreaterThanOrEqual(before.psPerByte);
    }
    expect(hardware.nicToGpu.headBytes).toBe(0);
    expect(hardware.nvswitchToGpu.headBytes).toBe(0);
  });
});

describe("the presets apart", () => {
  it("put 8 and 72 GPUs in one NVLink domain", () => {
    expect(HARDWARE_PRESETS["h800-roce"].nvlinkDomainGpus).toBe(8);
    expect(HARDWARE_PRESETS["gb200-nvl72"].nvlinkDomainGpus).toBe(72);
  });

  it("have an NVLink rate on H800 that its row explains: 7 of 8 copies at 153 GB/s", () => {
    const { psPerByte } = HARDWARE_PRESETS["h800-infiniband"].gpuToNvswitch;
    const ratio = 1e12 / psPerByte / (153e9 * (7 / 8));
    // A little more: the exchange has a latency and uneven ranks, too.
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(1.02);
  });

  it("of 900 GB/s move the copies of arXiv 2505.09343, section 2.3.2, in 6.72 us", () => {
    const { psPerByte } = HARDWARE_PRESETS["gb200-nvl72"].gpuToNvswitch;
    expect(Math.round(3 * 32 * 9 * 7_000 * psPerByte)).toBe(6_720_000);
  });
});

describe("lanes of a hardware of one's own", () => {
  it("let the NIC wait for whole messages when its bus is slower than its port", () => {
    const values = valuesOf(PRESET_PARAMETERS["h800-infiniband"]);
    const slow = makeHardware("slow bus", { ...values, pciePsPerByte: 40 });
    expect(slow.gpuToNic).toMatchObject({ psPerByte: 40, headBytes: 0 });
    expect(slow.nicToGpu).toMatchObject({ psPerByte: 40, headBytes: 0 });
    expect(makeHardware("even", values).gpuToNic.headBytes).toBe(4_096);
  });
});
