/**
 * The keys under which a scenario gives parameters of its own hardware: one key for each parameter
 * of the model, so that a file can describe a whole hardware. Only names and descriptions; the
 * schema makes fields of them, and units.ts reads their quantities.
 */
import type { ParameterName } from "../hardware/parameters.ts";

type Keys = Readonly<Record<string, readonly [parameter: ParameterName, about: string]>>;

/** Rates of links, as `400 Gbit/s`. */
export const LINK_RATES = {
  nicRate: ["nicPsPerByte", "Effective rate of a NIC port and of every switch link, one way."],
  nvlinkRate: ["nvlinkPsPerByte", "Effective rate between a GPU and its NVSwitch, one way."],
  pcieRate: ["pciePsPerByte", "Rate between a GPU and its NIC, one way."],
  managementRate: ["managementPsPerByte", "Between a GPU's host and a controller, one way."],
} as const satisfies Keys;

/** Latencies of lanes, as `450 ns`: at least 1 ns, since lookahead rests on them. */
export const LANE_LATENCIES = {
  networkLatency: ["networkPs", "Cable and switch, per hop; the NIC's own send time comes on top."],
  nvlinkLatency: ["nvlinkPs", "GPU to NVSwitch and NVSwitch to GPU, each."],
  gpuToNicLatency: ["gpuToNicPs", "Doorbell, descriptor and fetch of the data."],
  nicReceiveLatency: ["nicReceivePs", "Leaf to NIC: cable and the NIC's receiving."],
  nicToGpuLatency: ["nicToGpuPs", "DMA write into the GPU, and its noticing."],
  managementLatency: ["managementPs", "Between a GPU's host and a controller."],
} as const satisfies Keys;

/** Times on top of others, as `14 ns`: may be 0. */
export const OVERHEADS = {
  nicSendLatency: ["nicSendPs", "The NIC's own sending, on top of the first hop."],
  requestOverhead: ["requestPs", "What a NIC spends on every work request beside its bytes."],
} as const satisfies Keys;

/** Rates at which kernels really run in prefill and training, as `459 TFLOP/s`. */
export const COMPUTE_RATES = {
  attentionForward: ["attentionForward", "Attention block, forward."],
  attentionBackward: ["attentionBackward", "Attention block, gradients of inputs."],
  attentionWeights: ["attentionWeights", "Attention block, gradients of weights."],
  mlpForward: ["mlpForward", "MLPs and experts, forward."],
  mlpBackward: ["mlpBackward", "MLPs and experts, gradients of inputs."],
  mlpWeights: ["mlpWeights", "MLPs and experts, gradients of weights."],
} as const satisfies Keys;
