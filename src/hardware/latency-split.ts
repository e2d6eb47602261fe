/**
 * Latencies of the lanes, from published end-to-end times of a 64-byte message. The sum over a
 * path, with the serialization of 64 bytes on every lane and the overhead of a request, is the
 * published number to the picosecond. How it divides over the lanes is our choice; what is left of
 * the way over one leaf after the other lanes falls to the last, from the NIC to the GPU.
 */

/** Bytes of the message in the published rows. */
export const PROBE_BYTES = 64;

/** What is published, and the part of it that each lane takes, ps, all for 64 bytes. */
export interface EndToEndTimes {
  /** GPU to GPU through the NICs and one leaf. */
  readonly sameLeafPs: number;
  /** GPU to GPU over leaf, spine and leaf. */
  readonly acrossLeavesPs: number;
  /** GPU to GPU through the NVSwitch. */
  readonly nvlinkPs: number;
  /** Doorbell, descriptor and fetch of the data, with a request's overhead: GPU to NIC. */
  readonly gpuToNicPs: number;
  /** The NIC's own sending with the overhead of a request, on top of a hop. */
  readonly nicSendPs: number;
  /** Cable and the NIC's receiving: leaf to NIC. */
  readonly nicReceivePs: number;
}

/** Costs of the lanes that are no latency. */
export interface LaneCosts {
  readonly nicPsPerByte: number;
  readonly nvlinkPsPerByte: number;
  readonly pciePsPerByte: number;
  readonly requestPs: number;
}

/** Latency of each lane, ps; `nicSendPs` comes on top of `networkPs`. */
export interface LaneLatencies {
  readonly networkPs: number;
  readonly nicSendPs: number;
  readonly nicReceivePs: number;
  readonly gpuToNicPs: number;
  readonly nicToGpuPs: number;
  readonly nvlinkPs: number;
}

/** Divides `times` over the lanes. */
export function splitLatencies(times: EndToEndTimes, costs: LaneCosts): LaneLatencies {
  const probePs = (psPerByte: number): number => Math.ceil(PROBE_BYTES * psPerByte);
  const nicPs = probePs(costs.nicPsPerByte);
  const hopPs = (times.acrossLeavesPs - times.sameLeafPs) / 2;
  const othersPs = times.gpuToNicPs + hopPs + times.nicSendPs + times.nicReceivePs;
  return {
    networkPs: hopPs - nicPs,
    nicSendPs: times.nicSendPs - costs.requestPs,
    nicReceivePs: times.nicReceivePs - nicPs,
    gpuToNicPs: times.gpuToNicPs - probePs(busPsPerByte(costs)) - costs.requestPs,
    nicToGpuPs: times.sameLeafPs - othersPs - probePs(busPsPerByte(costs)),
    nvlinkPs: times.nvlinkPs / 2 - probePs(costs.nvlinkPsPerByte),
  };
}

/** The bus between GPU and NIC is used no faster than the NIC's port, nor than it can be. */
export function busPsPerByte(costs: Pick<LaneCosts, "nicPsPerByte" | "pciePsPerByte">): number {
  return Math.max(costs.nicPsPerByte, costs.pciePsPerByte);
}
