/**
 * The lanes of a run as columns: where each leads, what it costs, and when it is free again. Lane
 * numbers follow the topology's order, so an actor's port p is lane firstLane + p. With flow
 * control every lane has a second one behind all others (count + lane), on which its credits come
 * back.
 */
import { violated } from "../base/assert.ts";
import type { Lane, Topology } from "../model/topology.ts";
import { orderBase } from "./event-order.ts";

export class LaneTable {
  /** Lanes of the topology. */
  readonly count: number;
  /** By actor: number of the lane out of its port 0; one entry more than there are actors. */
  readonly firstLane: Int32Array;
  /** By lane: end of the last serialization, ps. */
  readonly freeAtPs: Float64Array;
  /** Of credit lanes, that of the way back. */
  readonly latencyPs: Float64Array;
  /** By lane: 1 when a fault ever changed its rate or latency: its messages carry their times. */
  readonly isTimed: Uint8Array;
  /** By lane: when the leases of the stalls on it end; 0: nothing stalls it. */
  readonly stalledUntilPs: Float64Array;
  readonly psPerByte: Float64Array;
  readonly psPerRequest: Float64Array;
  /** Bytes after which the receiver handles a message; Infinity: it takes whole ones. */
  readonly headBytes: Float64Array;
  /** 1 for lanes that know neither requests nor cut-through nor credits, and count nothing. */
  readonly isPlain: Uint8Array;
  /** 1 for lanes on which a NIC sends to its leaf. */
  readonly isNetworkEntry: Uint8Array;
  /** Planes of the network; by lane on which a NIC sends to its leaf, that leaf's plane. */
  readonly planes: number;
  readonly plane: Int16Array;
  readonly fromActor: Int32Array;
  readonly toActor: Int32Array;
  readonly toPort: Int32Array;
  /** Worker at the far end; -1 when that is this one. */
  readonly peer: Int32Array;
  /** By lane to an actor of this worker, the worker that sends on it; -1 for all others. */
  readonly sender: Int32Array;
  /** Order of the sender's event 0. */
  readonly orderBase: Float64Array;
  readonly #lanes: readonly Lane[];
  /** By lane, credit lanes too: the last arrival on one that was ever late; made when one is. */
  #lastArrivalPs: Float64Array | undefined;

  constructor(topology: Topology, workerOf: Int32Array, worker: number, withCredits = false) {
    const { actors, lanes } = topology;
    this.#lanes = lanes;
    this.count = lanes.length;
    this.firstLane = new Int32Array(actors.length + 1).fill(lanes.length);
    lanes.forEach((lane, place) => {
      if (!(lane.lane.latencyPs >= 1)) violated("latency-positive", lane.link);
      if (place < this.firstLane[lane.from]) this.firstLane[lane.from] = place;
    });
    for (let actor = actors.length - 1; actor >= 0; actor -= 1) {
      this.firstLane[actor] = Math.min(this.firstLane[actor], this.firstLane[actor + 1]);
    }
    const back = withCredits ? lanes.map((lane) => this.#reverseOf(lane, lanes)) : [];
    const all = [...lanes, ...back];
    this.freeAtPs = new Float64Array(lanes.length);
    this.isTimed = new Uint8Array(all.length);
    this.stalledUntilPs = new Float64Array(lanes.length);
    this.latencyPs = Float64Array.from(all, ({ lane }) => lane.latencyPs);
    this.psPerByte = Float64Array.from(lanes, ({ lane }) => lane.psPerByte);
    this.psPerRequest = Float64Array.from(lanes, ({ lane }) => lane.psPerRequest);
    this.headBytes = Float64Array.from(lanes, ({ lane }) =>
      lane.headBytes > 0 ? lane.headBytes : Number.POSITIVE_INFINITY,
    );
    this.isNetworkEntry = Uint8Array.from(lanes, ({ from, to }) =>
      Number(actors[from].kind === "nic" && actors[to].kind === "leaf"),
    );
    this.planes = 1 + actors.reduce((most, { plane }) => Math.max(most, plane), -1);
    this.plane = Int16Array.from(lanes, ({ to }) => actors[to].plane);
    this.isPlain = Uint8Array.from(all, ({ lane }, place) => {
      const isSpecial = lane.psPerRequest > 0 || lane.headBytes > 0 || withCredits;
      return Number(!isSpecial && this.isNetworkEntry[place] !== 1);
    });
    this.fromActor = Int32Array.from(all, (lane) => lane.from);
    this.toActor = Int32Array.from(all, (lane) => lane.to);
    this.toPort = Int32Array.from(all, (lane) => lane.toPort);
    this.peer = new Int32Array(all.length);
    this.sender = new Int32Array(all.length);
    this.setPeers(workerOf, worker);
    this.orderBase = Float64Array.from(all, (lane) => orderBase(lane.from));
  }

  /** Which worker each actor is at, and which one this is. */
  setPeers(workerOf: Int32Array, worker: number): void {
    for (const [lane, to] of this.toActor.entries()) {
      const isHere = workerOf[to] === worker;
      this.peer[lane] = isHere ? -1 : workerOf[to];
      this.sender[lane] = isHere ? workerOf[this.fromActor[lane]] : -1;
    }
  }

  /** Serialization time of a message's bytes on a lane, whole ps. */
  serializationPs(lane: number, sizeBytes: number): number {
    return Math.ceil(sizeBytes * this.psPerByte[lane]);
  }

  /** What a message's work requests cost on a lane, whole ps; they go before its first byte. */
  requestsPs(lane: number, requests: number): number {
    return Math.ceil(requests * this.psPerRequest[lane]);
  }

  /** How long before its last byte a message is handled (cut-through), whole ps. */
  tailPs(lane: number, sizeBytes: number): number {
    const headBytes = this.headBytes[lane];
    if (sizeBytes <= headBytes) return 0;
    return this.serializationPs(lane, sizeBytes) - this.serializationPs(lane, headBytes);
  }

  /** How long before its last byte a message on a lane that no fault has touched is handled. */
  healthyTailPs(lane: number, sizeBytes: number): number {
    const { psPerByte } = this.#lanes[lane].lane;
    const headBytes = this.headBytes[lane];
    if (sizeBytes <= headBytes) return 0;
    return Math.ceil(sizeBytes * psPerByte) - Math.ceil(headBytes * psPerByte);
  }

  /**
   * From a message's beginning until its receiver has to have it all sent (with cut-through its
   * head), ps, on a lane that no fault has touched.
   */
  healthySendPs(lane: number, sizeBytes: number, requests: number): number {
    return (
      this.requestsPs(lane, requests) +
      Math.ceil(sizeBytes * this.#lanes[lane].lane.psPerByte) -
      this.healthyTailPs(lane, sizeBytes)
    );
  }

  /** Time of flight on a lane that no fault has touched, ps. */
  healthyLatencyPs(lane: number): number {
    return this.#lanes[lane].lane.latencyPs;
  }

  /**
   * Sets a lane's rate and latency, neither better than healthy ones, for what is sent from now on.
   * Its credits fly as long. What is under way keeps its times.
   */
  retime(lane: number, psPerByte: number, latencyPs: number): void {
    this.psPerByte[lane] = psPerByte;
    this.#setLatency(lane, latencyPs);
    const { to, toPort } = this.#lanes[lane];
    const credits = this.count + this.firstLane[to] + toPort;
    if (credits < this.latencyPs.length) this.#setLatency(credits, latencyPs);
  }

  /** A lane carries nothing until an instant; 0: it carries again. */
  setStalled(lane: number, untilPs: number): void {
    this.stalledUntilPs[lane] = untilPs;
    this.isPlain[lane] = 0;
  }

  /** An arrival on a timed lane: not before the last one there, so that the lane stays in order. */
  inOrderPs(lane: number, atPs: number): number {
    const last = this.#lastArrivalPs as Float64Array;
    last[lane] = Math.max(last[lane], atPs);
    return last[lane];
  }

  #setLatency(lane: number, latencyPs: number): void {
    this.#lastArrivalPs ??= new Float64Array(this.latencyPs.length);
    this.latencyPs[lane] = latencyPs;
    this.isTimed[lane] = 1;
    this.isPlain[lane] = 0;
  }

  /** The lane of the same link the other way. */
  #reverseOf(lane: Lane, lanes: readonly Lane[]): Lane {
    return lanes[this.firstLane[lane.to] + lane.toPort];
  }
}
