/** What a kernel is made from, and what it counts. */
import { violated } from "../base/assert.ts";
import type { Actor } from "../model/actor.ts";
import type { Packet } from "../model/packet.ts";
import type { Topology } from "../model/topology.ts";
import type { FaultTable } from "./fault-table.ts";
import type { LaneWatch } from "./lane-watch.ts";

/** What a packet on its way to another process leaves behind: the sender's side keeps no packet. */
export interface RemoteSink {
  /** The packet goes to `peer` over `lane`; it still is in the pool until the sink frees it. */
  send(peer: number, lane: number, packet: Packet): void;
}

export interface KernelOptions {
  readonly topology: Topology;
  /** Worker of each actor, and the worker that this kernel is. */
  readonly workerOf: Int32Array;
  readonly worker: number;
  readonly seed: string;
  readonly faults: FaultTable;
  readonly remote: RemoteSink;
  /** Bytes that a leaf or spine holds for one input port; 0, the default: unlimited. */
  readonly portBufferBytes?: number;
  /** Length of the bins in which traffic is counted, ps; default {@link TRAFFIC_BIN_PS}. */
  readonly trafficEveryPs?: number;
  /** Record a fact for every packet; default: no. */
  readonly logPackets?: boolean;
  readonly watch?: LaneWatch | undefined;
  /** Makes the actors of this worker. */
  readonly actorAt: (actor: number) => Actor;
}

/** Counters of the fabric, for the report and the balance of bytes. */
export interface FabricCounters {
  sentPackets: number;
  sentBytes: number;
  deliveredPackets: number;
  deliveredBytes: number;
  droppedPackets: number;
  droppedBytes: number;
  /** Bytes that NICs put on the network, acknowledgements and resends included. */
  networkBytes: number;
  /** Time that messages waited for room in a buffer, first in their queue and with a free lane. */
  stalledPs: number;
}

/** A kernel that is alone in its run: nothing leaves it. */
export const NO_REMOTE: RemoteSink = {
  send: () => violated("alone", "a packet left a run that has one process"),
};

/** Counters at the start of a run. */
export function makeCounters(): FabricCounters {
  return {
    sentPackets: 0,
    sentBytes: 0,
    deliveredPackets: 0,
    deliveredBytes: 0,
    droppedPackets: 0,
    droppedBytes: 0,
    networkBytes: 0,
    stalledPs: 0,
  };
}
