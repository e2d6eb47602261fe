/**
 * Every free parameter of the hardware model, with unit, source and the published row that fixes
 * it: one value for all workloads, none for a single row. Presets are made of these (presets.ts);
 * no other file has such numbers.
 *
 * Sources: [P] arXiv 2505.09343; [D] deepseek-ai/DeepEP; [F] deepseek-ai/profile-data, the training
 * profile (H800, one layer, a micro-batch of 4,096 tokens); [N] NVIDIA data sheets (H800, GB200
 * NVL72). "Ours" is a choice and "assumed" a guess that no source fixes.
 */
import { attentionFlops, mlpFlops, SEQUENCE_TOKENS } from "../model/layer-flops.ts";
import { PS_PER_S } from "../model/time.ts";
import {
  type EndToEndTimes,
  type LaneCosts,
  type LaneLatencies,
  splitLatencies,
} from "./latency-split.ts";

/** One number of the model. */
export interface Parameter {
  readonly value: number;
  readonly unit: "ps" | "ps/B" | "B" | "B/s" | "FLOP/s" | "GPUs";
  readonly source: string;
  /** The calibration row that fixed it; `none` when nothing was calibrated. */
  readonly row: string;
}

/** What a hardware is made of. */
export type ParameterName =
  | "nicPsPerByte"
  | "nvlinkPsPerByte"
  | "pciePsPerByte"
  | keyof LaneLatencies
  | "requestPs"
  | "packetBytes"
  | "managementPsPerByte"
  | "managementPs"
  | "nvlinkDomainGpus"
  | "hbmBytesPerSecond"
  | "attentionForward"
  | "mlpForward"
  | "attentionBackward"
  | "attentionWeights"
  | "mlpBackward"
  | "mlpWeights";

/** A whole hardware, with its sources. */
export type ParameterSet = Readonly<Record<ParameterName, Parameter>>;

/** A whole hardware, as numbers. */
export type ParameterValues = Readonly<Record<ParameterName, number>>;

const NONE = "none";
const AS_ON_H800 = "assumed, as on H800: ";
const OURS = "ours: how the end-to-end time divides over the path";

/** Costs of a byte and of a request on H800 nodes. */
const H800_COSTS: LaneCosts = {
  nicPsPerByte: 22.22,
  nvlinkPsPerByte: 7.405,
  pciePsPerByte: 15.625,
  requestPs: 7_770,
};
const GB200_COSTS: LaneCosts = { ...H800_COSTS, nvlinkPsPerByte: PS_PER_S / 900e9 };

/** [P Table 5], CPU-side, 64 bytes; the last three are our split. */
const INFINIBAND_TIMES: EndToEndTimes = {
  sameLeafPs: 2_800_000,
  acrossLeavesPs: 3_700_000,
  nvlinkPs: 3_330_000,
  gpuToNicPs: 450_000,
  nicSendPs: 150_000,
  nicReceivePs: 750_000,
};

/** [P Table 5]; the same nodes and split. */
const ROCE_TIMES: EndToEndTimes = {
  ...INFINIBAND_TIMES,
  sameLeafPs: 3_600_000,
  acrossLeavesPs: 5_600_000,
};

/** DeepSeek-V3: the shape of [F]. */
const PROFILE_SHAPE = {
  hidden_size: 7_168,
  moe_intermediate_size: 2_048,
  expertsPerToken: 9,
  attentionParameters: 187_105_280,
  attentionKeyWidth: 128 * 192,
  attentionValueWidth: 128 * 128,
};
const PROFILE_ATTENTION = attentionFlops(PROFILE_SHAPE, SEQUENCE_TOKENS);
const PROFILE_MLP = mlpFlops(
  PROFILE_SHAPE,
  PROFILE_SHAPE.moe_intermediate_size,
  SEQUENCE_TOKENS * PROFILE_SHAPE.expertsPerToken,
);

/** H800 nodes with ConnectX-7 on 400G InfiniBand: the cluster of [P]. */
export const H800_INFINIBAND: ParameterSet = {
  nicPsPerByte: {
    value: H800_COSTS.nicPsPerByte,
    unit: "ps/B",
    source: "effective rate of a 400G port, 20 ps/B nominal [P 4.1]",
    row: "normal, EP64, dispatch: 51 GB/s logical [D]",
  },
  nvlinkPsPerByte: {
    value: H800_COSTS.nvlinkPsPerByte,
    unit: "ps/B",
    source: "effective rate: 7 of 8 copies leave the GPU; 200 GB/s nominal one way [P 4.3]",
    row: "normal, EP8, dispatch: 153 GB/s [D]",
  },
  pciePsPerByte: {
    value: H800_COSTS.pciePsPerByte,
    unit: "ps/B",
    source: "PCIe 5.0 x16, 64 GB/s nominal one way [N]",
    row: NONE,
  },
  requestPs: {
    value: H800_COSTS.requestPs,
    unit: "ps",
    source: "one work request (RDMA write) on the NIC",
    row: "low-latency, pure RDMA, EP8, dispatch: 163 us [D]",
  },
  packetBytes: {
    value: 4_096,
    unit: "B",
    source: "largest MTU of InfiniBand: a device passes a message on packet by packet",
    row: NONE,
  },
  managementPsPerByte: {
    value: 800,
    unit: "ps/B",
    source: "assumed: management network of 10 Gbit/s Ethernet",
    row: NONE,
  },
  managementPs: {
    value: 50_000_000,
    unit: "ps",
    source: "assumed: 50 us from a host to the controller, over TCP",
    row: NONE,
  },
  nvlinkDomainGpus: { value: 8, unit: "GPUs", source: "8 GPUs a node [P 4.1]", row: NONE },
  hbmBytesPerSecond: { value: 3.35e12, unit: "B/s", source: "3.35 TB/s HBM3 [N]", row: NONE },
  ...latencies(INFINIBAND_TIMES, H800_COSTS, "InfiniBand: 2.8 / 3.7 us"),
  attentionForward: rate(PROFILE_ATTENTION.forward, "attention F", 4.83),
  mlpForward: rate(PROFILE_MLP, "MLP F", 4.29),
  attentionBackward: rate(PROFILE_ATTENTION.backward, "attention B", 9.21),
  attentionWeights: rate(PROFILE_ATTENTION.weights, "attention W", 2.38),
  mlpBackward: rate(PROFILE_MLP, "MLP B", 5.75),
  mlpWeights: rate(PROFILE_MLP, "MLP W", 5.33),
};

/** The same nodes on 400G RoCE. */
export const H800_ROCE: ParameterSet = {
  ...H800_INFINIBAND,
  ...latencies(ROCE_TIMES, H800_COSTS, "RoCE: 3.6 / 5.6 us"),
};

/** Dense FLOP/s at peak, GB200 over H800 [N]: 2,500 over 989.4 TFLOP/s in BF16, the same in FP8. */
const GB200_OVER_H800 = 2_500 / 989.4;

/** A rack of 72 GPUs in one NVLink domain, a 400G InfiniBand port a GPU. */
export const GB200_NVL72: ParameterSet = {
  nicPsPerByte: assumed(H800_INFINIBAND.nicPsPerByte),
  requestPs: assumed(H800_INFINIBAND.requestPs),
  pciePsPerByte: assumed(H800_INFINIBAND.pciePsPerByte),
  packetBytes: H800_INFINIBAND.packetBytes,
  managementPsPerByte: H800_INFINIBAND.managementPsPerByte,
  managementPs: H800_INFINIBAND.managementPs,
  nvlinkPsPerByte: {
    value: GB200_COSTS.nvlinkPsPerByte,
    unit: "ps/B",
    source: "900 GB/s one way, nominal [P 2.3.2]; an effective rate is not published",
    row: NONE,
  },
  nvlinkDomainGpus: { value: 72, unit: "GPUs", source: "72 GPUs a domain [P 2.3.2]", row: NONE },
  hbmBytesPerSecond: { value: 8e12, unit: "B/s", source: "8 TB/s HBM3e [N]", row: NONE },
  ...latencies(INFINIBAND_TIMES, GB200_COSTS, "InfiniBand: 2.8 / 3.7 us", AS_ON_H800),
  attentionForward: scaled(H800_INFINIBAND.attentionForward),
  mlpForward: scaled(H800_INFINIBAND.mlpForward),
  attentionBackward: scaled(H800_INFINIBAND.attentionBackward),
  attentionWeights: scaled(H800_INFINIBAND.attentionWeights),
  mlpBackward: scaled(H800_INFINIBAND.mlpBackward),
  mlpWeights: scaled(H800_INFINIBAND.mlpWeights),
};

/** The numbers without their sources. */
export function valuesOf(parameters: ParameterSet): ParameterValues {
  const entries = Object.entries(parameters).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(entries) as ParameterValues;
}

/** The lanes' latencies with the rows that their sums are; `caveat` opens their sources. */
function latencies(
  times: EndToEndTimes,
  costs: LaneCosts,
  network: string,
  caveat = "",
): Readonly<Record<keyof LaneLatencies, Parameter>> {
  const split = splitLatencies(times, costs);
  const part = (value: number, source: string, row: string): Parameter => ({
    value,
    unit: "ps",
    source: `${caveat}${source}`,
    row,
  });
  const row = `64 B, same leaf / across leaves, ${network} [P]`;
  return {
    networkPs: part(split.networkPs, "half of what a spine on the way adds [P Table 5]", row),
    nicSendPs: part(split.nicSendPs, OURS, row),
    nicReceivePs: part(split.nicReceivePs, OURS, row),
    gpuToNicPs: part(split.gpuToNicPs, OURS, row),
    nicToGpuPs: part(split.nicToGpuPs, "what the other lanes leave of the sum", row),
    nvlinkPs: part(split.nvlinkPs, "half of the way [P Table 5]", "64 B, NVLink: 3.33 us [P]"),
  };
}

/** The rate that gives the published time back. */
function rate(flops: number, kernel: string, milliseconds: number): Parameter {
  return {
    value: flops / (milliseconds / 1_000),
    unit: "FLOP/s",
    source: "FLOPs of src/model/layer-flops.ts at DeepSeek-V3's shape over the published time",
    row: `${kernel}: ${milliseconds} ms a layer and 4,096 tokens [F]`,
  };
}

/** The number of H800, which nobody has published for this hardware. */
function assumed(h800: Parameter): Parameter {
  return { ...h800, source: `${AS_ON_H800}${h800.source}` };
}

/** The same share of the peak as on H800. */
function scaled(h800: Parameter): Parameter {
  return {
    value: h800.value * GB200_OVER_H800,
    unit: "FLOP/s",
    source: "assumed: the share of peak that H800 reaches, times 2.53 [N]",
    row: NONE,
  };
}
