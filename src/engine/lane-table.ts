/**
 * The lanes of a run as columns: where each leads, what it costs, and when it is free again. Lane
 * numbers follow the topology's order, so an actor's port p is lane firstLane + p.
 */
import { violated } from "../base/assert.ts";
import type { Topology } from "../model/topology.ts";
import { orderBase } from "./event-order.ts";

export class LaneTable {
  readonly count: number;
  /** By actor: number of the lane out of its port 0; one entry more than there are actors. */
  readonly firstLane: Int32Array;
  /** By lane: end of the last serialization, ps. */
  readonly freeAtPs: Float64Array;
  readonly latencyPs: Float64Array;
  readonly psPerByte: Float64Array;
  readonly toActor: Int32Array;
  readonly toPort: Int32Array;
  /** Worker at the far end; -1 when that is this one. */
  readonly peer: Int32Array;
  /** Order of the sender's event 0. */
  readonly orderBase: Float64Array;

  constructor(topology: Topology, workerOf: Int32Array, worker: number) {
    const { actors, lanes } = topology;
    this.count = lanes.length;
    this.firstLane = new Int32Array(actors.length + 1).fill(lanes.length);
    this.freeAtPs = new Float64Array(lanes.length);
    this.latencyPs = Float64Array.from(lanes, ({ lane }) => lane.latencyPs);
    this.psPerByte = Float64Array.from(lanes, ({ lane }) => lane.psPerByte);
    this.toActor = Int32Array.from(lanes, (lane) => lane.to);
    this.toPort = Int32Array.from(lanes, (lane) => lane.toPort);
    this.peer = Int32Array.from(lanes, ({ to }) => (workerOf[to] === worker ? -1 : workerOf[to]));
    this.orderBase = Float64Array.from(lanes, (lane) => orderBase(lane.from));
    lanes.forEach((lane, place) => {
      if (!(lane.lane.latencyPs >= 1)) violated("latency-positive", lane.link);
      if (place < this.firstLane[lane.from]) this.firstLane[lane.from] = place;
    });
    for (let actor = actors.length - 1; actor >= 0; actor -= 1) {
      this.firstLane[actor] = Math.min(this.firstLane[actor], this.firstLane[actor + 1]);
    }
  }

  /** Serialization time of a packet on a lane, whole ps. */
  serializationPs(lane: number, sizeBytes: number): number {
    return Math.ceil(sizeBytes * this.psPerByte[lane]);
  }
}
