/**
 * The physical parameters of one emulated cluster: what a link costs. Values and their sources
 * stand in src/hardware presets; this file only says what there is.
 */

/** One direction of a link. Its latency includes the receiving device's pipeline. */
export interface LaneClass {
  /**
   * Time of flight, from the end of serialization to the receiver's handling, ps; at least 1,000.
   */
  readonly latencyPs: number;
  /** Serialization time of one byte, ps (400 Gb/s is 20). */
  readonly psPerByte: number;
  /** What every work request (an RDMA write) costs on top of its bytes, ps. */
  readonly psPerRequest: number;
  /**
   * Bytes of a message after which the receiver may pass it on (cut-through); 0: it takes whole
   * messages only.
   */
  readonly headBytes: number;
}

/**
 * Compute of one GPU. Decode is bound by memory, the large batches of prefill and training by the
 * rate at which each kind of kernel really runs, FLOP/s.
 */
export interface ComputeRates {
  readonly hbmBytesPerSecond: number;
  readonly attentionForward: number;
  readonly mlpForward: number;
  readonly attentionBackward: number;
  readonly attentionWeights: number;
  readonly mlpBackward: number;
  readonly mlpWeights: number;
}

/** Every lane class of the fabric, and what computes. */
export interface Hardware {
  readonly name: string;
  readonly gpuToNvswitch: LaneClass;
  readonly nvswitchToGpu: LaneClass;
  readonly gpuToNic: LaneClass;
  readonly nicToGpu: LaneClass;
  readonly nicToLeaf: LaneClass;
  readonly leafToNic: LaneClass;
  readonly leafToSpine: LaneClass;
  readonly spineToLeaf: LaneClass;
  /** Between a GPU's host and the recovery controller, both ways: Ethernet, not the fabric. */
  readonly management: LaneClass;
  /** GPUs that one NVLink domain can hold: the most that `gpusPerNode` may be. */
  readonly nvlinkDomainGpus: number;
  /**
   * PCIe between a GPU and its NIC at full rate, ps a byte: the lanes between them may be used
   * slower, never faster. What others take of it is missing here.
   */
  readonly pciePsPerByte: number;
  readonly compute: ComputeRates;
}
