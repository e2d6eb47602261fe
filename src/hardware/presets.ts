/**
 * Hardware presets: every free parameter of the physical model, with unit, source and the published
 * row that fixes it. The only file with such numbers.
 *
 * Sources: [P] arXiv 2505.09343; [N] NVIDIA H800 data sheet. Latencies are split over a path so
 * that its sum is the published end-to-end figure; the split itself is our choice:
 * - IB, 64 B, same leaf, 2.8 us [P Table 5] = GPU to NIC 0.45 (doorbell, descriptor and data fetch)
 *   + NIC to leaf 0.60 (NIC send 0.15, cable 0.15, switch 0.30) + leaf to NIC 0.75 (cable 0.15, NIC
 *   receive 0.60) + NIC to GPU 1.00 (DMA write, completion seen).
 * - across leaves 3.7 us [P Table 5]: two more hops of 0.45.
 * - NVLink, 64 B, 3.33 us [P Table 5]: two hops of 1.665 through the NVSwitch.
 */
import type { Hardware, LaneClass } from "../model/hardware.ts";

const lane = (latencyNs: number, psPerByte: number): LaneClass => ({
  latencyPs: latencyNs * 1_000,
  psPerByte,
  psPerRequest: 0,
  headBytes: 0,
});

/** 400 Gb/s [P 4.1: 400G InfiniBand, one NIC a GPU]. */
const NIC_PS_PER_BYTE = 20;
/** 160 GB/s achievable of 200 nominal [P 4.3]. */
const NVLINK_PS_PER_BYTE = 6.25;
/** PCIe 5.0 x16, 64 GB/s nominal one way [N]. */
const PCIE_PS_PER_BYTE = 15.625;

/** H800 nodes with ConnectX-7 on InfiniBand: the cluster of the paper. */
const H800_INFINIBAND: Hardware = {
  name: "h800-infiniband",
  gpuToNvswitch: lane(1_665, NVLINK_PS_PER_BYTE),
  nvswitchToGpu: lane(1_665, NVLINK_PS_PER_BYTE),
  gpuToNic: lane(450, PCIE_PS_PER_BYTE),
  nicToGpu: lane(1_000, PCIE_PS_PER_BYTE),
  nicToLeaf: lane(600, NIC_PS_PER_BYTE),
  leafToNic: lane(750, NIC_PS_PER_BYTE),
  leafToSpine: lane(450, NIC_PS_PER_BYTE),
  spineToLeaf: lane(450, NIC_PS_PER_BYTE),
  nvlinkDomainGpus: 8,
  /** 3.35 TB/s HBM3 [N]. */
  compute: {
    hbmBytesPerSecond: 3.35e12,
    attentionForward: 459e12,
    mlpForward: 757e12,
    attentionBackward: 459e12,
    attentionWeights: 459e12,
    mlpBackward: 757e12,
    mlpWeights: 757e12,
  },
};

/** Presets by the name that a scenario uses. */
export const HARDWARE_PRESETS: Readonly<Record<string, Hardware>> = {
  "h800-infiniband": H800_INFINIBAND,
};
