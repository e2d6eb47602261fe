/**
 * Hardware that scenarios name, and the lanes that parameters make. The numbers and their sources
 * stand in parameters.ts.
 */
import type { Hardware, LaneClass } from "../model/hardware.ts";
import { busPsPerByte } from "./latency-split.ts";
import {
  GB200_NVL72,
  H800_INFINIBAND,
  H800_ROCE,
  type ParameterSet,
  type ParameterValues,
  valuesOf,
} from "./parameters.ts";

/** Parameters of each preset, by the name that a scenario uses. */
export const PRESET_PARAMETERS: Readonly<Record<string, ParameterSet>> = {
  "h800-infiniband": H800_INFINIBAND,
  "h800-roce": H800_ROCE,
  "gb200-nvl72": GB200_NVL72,
};

/** Presets by the name that a scenario uses. */
export const HARDWARE_PRESETS: Readonly<Record<string, Hardware>> = Object.fromEntries(
  Object.entries(PRESET_PARAMETERS).map(([name, parameters]) => [
    name,
    makeHardware(name, valuesOf(parameters)),
  ]),
);

/**
 * The lanes and rates of a hardware. Devices pass a message on packet by packet; only the GPU takes
 * whole messages, from the NIC and from the NVSwitch. A NIC fetches no faster than its port sends
 * (what waits, waits in the GPU's memory) and delivers no faster than its port receives; where the
 * GPU's bus is slower than the port, the NIC has the whole message before it sends: no cut-through
 * may end before its data has come.
 */
export function makeHardware(name: string, values: ParameterValues): Hardware {
  const { nicPsPerByte, nvlinkPsPerByte, pciePsPerByte, networkPs, packetBytes } = values;
  const network: LaneClass = {
    latencyPs: networkPs,
    psPerByte: nicPsPerByte,
    psPerRequest: 0,
    headBytes: packetBytes,
  };
  const nvlink = { latencyPs: values.nvlinkPs, psPerByte: nvlinkPsPerByte, psPerRequest: 0 };
  return {
    name,
    gpuToNvswitch: { ...nvlink, headBytes: packetBytes },
    nvswitchToGpu: { ...nvlink, headBytes: 0 },
    gpuToNic: {
      latencyPs: values.gpuToNicPs,
      psPerByte: busPsPerByte(values),
      psPerRequest: values.requestPs,
      headBytes: pciePsPerByte > nicPsPerByte ? 0 : packetBytes,
    },
    nicToGpu: {
      latencyPs: values.nicToGpuPs,
      psPerByte: busPsPerByte(values),
      psPerRequest: 0,
      headBytes: 0,
    },
    nicToLeaf: {
      ...network,
      latencyPs: networkPs + values.nicSendPs,
      psPerRequest: values.requestPs,
    },
    leafToNic: { ...network, latencyPs: values.nicReceivePs },
    leafToSpine: network,
    spineToLeaf: network,
    management: {
      latencyPs: values.managementPs,
      psPerByte: values.managementPsPerByte,
      psPerRequest: 0,
      headBytes: 0,
    },
    nvlinkDomainGpus: values.nvlinkDomainGpus,
    pciePsPerByte,
    compute: {
      hbmBytesPerSecond: values.hbmBytesPerSecond,
      attentionForward: values.attentionForward,
      mlpForward: values.mlpForward,
      attentionBackward: values.attentionBackward,
      attentionWeights: values.attentionWeights,
      mlpBackward: values.mlpBackward,
      mlpWeights: values.mlpWeights,
    },
  };
}
