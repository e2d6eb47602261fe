/**
 * Who looks on while messages cross the lanes of a kernel; nothing of the run depends on it, and
 * without one it costs nothing. What it sees of the kernel it must leave alone.
 */
import type { Packet, PacketPool } from "../model/packet.ts";
import type { FaultTable } from "./fault-table.ts";
import type { LaneTable } from "./lane-table.ts";

/** What of a kernel is looked at. */
export interface WatchedKernel {
  /** Virtual time, ps. */
  readonly nowPs: number;
  readonly packets: PacketPool;
  readonly lanes: LaneTable;
  readonly faultState: { readonly table: FaultTable; readonly deadBy: Int32Array };
  /** By actor: its part in the run, one of Part in part.ts. */
  readonly parts: Uint8Array;
}

export interface LaneWatch {
  /** Called once, when the kernel is made. */
  attach(kernel: WatchedKernel): void;
  /** An actor hands a message to a lane now; it begins at once or later. */
  sent(lane: number, packet: Packet, requests: number): void;
  /**
   * When its first byte leaves and its last has left is certain from now on, ps; so is its arrival,
   * which the pool has.
   */
  launched(lane: number, packet: Packet, beganPs: number, donePs: number): void;
  /** A fault ended a message that waited for a lane, or was to arrive by it. */
  dropped(lane: number, packet: Packet, fault: number): void;
}
