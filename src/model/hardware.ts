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
}

/** Every lane class of the fabric, and the memory that bounds decode compute. */
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
  /** HBM bandwidth of one GPU, bytes a second: the bound of decode compute. */
  readonly hbmBytesPerSecond: number;
}
