/**
 * Pending deliveries. Each lane is first in, first out, so only the heads of the lanes compete: a
 * binary heap of lanes with its keys in typed arrays, and an intrusive list of packets behind each
 * head. A fabric with 100,000 packets in flight has a heap of a few hundred entries.
 */
import { violated } from "../base/assert.ts";
import {
  COUNTER,
  NEXT,
  NO_PACKET,
  type Packet,
  type PacketPool,
  timePlace,
} from "../model/packet.ts";
import { NEVER_PS } from "../model/time.ts";

/** Takes over a packet and the lane that it was on. */
export type TakePacket = (lane: number, packet: Packet) => void;

export class LaneQueue {
  /** Instant of the earliest delivery; NEVER_PS when there is none. */
  headPs = NEVER_PS;
  /** Order of the earliest delivery among equal instants. */
  headOrder = NEVER_PS;
  /** Lane of the packet that `pop` returned last. */
  poppedLane = -1;
  readonly #packets: PacketPool;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #time: Float64Array;
  readonly #order: Float64Array;
  readonly #lane: Int32Array;
  /** By lane: order of its sender's event 0. */
  readonly #orderBase: Float64Array;
  #size = 0;

  /** `orderBase` is, by lane, what the sender's counter is added to. */
  constructor(packets: PacketPool, orderBase: Float64Array) {
    const lanes = orderBase.length;
    this.#packets = packets;
    this.#orderBase = orderBase;
    this.#head = new Int32Array(lanes).fill(NO_PACKET);
    this.#tail = new Int32Array(lanes).fill(NO_PACKET);
    this.#time = new Float64Array(lanes + 1);
    this.#order = new Float64Array(lanes + 1);
    this.#lane = new Int32Array(lanes + 1);
  }

  /**
   * Adds a packet at the end of a lane; its arrival and COUNTER are set, and it is not before the
   * lane's last.
   */
  push(lane: number, packet: Packet): void {
    const packets = this.#packets;
    packets.words[packet + NEXT] = NO_PACKET;
    const last = this.#tail[lane];
    this.#tail[lane] = packet;
    const at = packets.times[timePlace(packet)];
    if (last !== NO_PACKET) {
      if (at < packets.times[timePlace(last)]) {
        violated("lane-in-order", `lane ${lane}: delivery at ${at} ps after a later one`);
      }
      packets.words[last + NEXT] = packet;
      return;
    }
    this.#head[lane] = packet;
    this.#insert(at, this.#orderBase[lane] + (packets.words[packet + COUNTER] >>> 0), lane);
  }

  /** Removes and returns the earliest packet; there must be one. */
  pop(): Packet {
    const lane = this.#lane[0];
    const packet = this.#head[lane];
    const next = this.#packets.words[packet + NEXT];
    this.#head[lane] = next;
    this.poppedLane = lane;
    if (next === NO_PACKET) {
      this.#tail[lane] = NO_PACKET;
      const last = this.#size - 1;
      this.#size = last;
      if (last > 0) this.#sink(this.#time[last], this.#order[last], this.#lane[last]);
    } else {
      const packets = this.#packets;
      const counter = packets.words[next + COUNTER] >>> 0;
      this.#sink(packets.times[timePlace(next)], this.#orderBase[lane] + counter, lane);
    }
    if (this.#size === 0) {
      this.headPs = NEVER_PS;
      this.headOrder = NEVER_PS;
    } else {
      this.headPs = this.#time[0];
      this.headOrder = this.#order[0];
    }
    return packet;
  }

  /**
   * Takes all packets of the lanes that `isChosen` says yes to out of the queue, and hands them to
   * `each`, lane by lane, in the order of their lane.
   */
  takeLanes(isChosen: (lane: number) => boolean, each: TakePacket): void {
    const size = this.#size;
    const times = this.#time.slice(0, size);
    const orders = this.#order.slice(0, size);
    const lanes = this.#lane.slice(0, size);
    this.#size = 0;
    this.headPs = NEVER_PS;
    this.headOrder = NEVER_PS;
    const chosen: number[] = [];
    for (const [place, lane] of lanes.entries()) {
      if (isChosen(lane)) chosen.push(lane);
      else this.#insert(times[place], orders[place], lane);
    }
    for (const lane of chosen.sort((left, right) => left - right)) {
      let packet = this.#head[lane];
      this.#head[lane] = NO_PACKET;
      this.#tail[lane] = NO_PACKET;
      while (packet !== NO_PACKET) {
        const next = this.#packets.words[packet + NEXT];
        each(lane, packet);
        packet = next;
      }
    }
  }

  #insert(at: number, order: number, lane: number): void {
    const time = this.#time;
    const orders = this.#order;
    const lanes = this.#lane;
    let place = this.#size;
    this.#size = place + 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const parentTime = time[parent];
      if (parentTime < at || (parentTime === at && orders[parent] < order)) break;
      time[place] = parentTime;
      orders[place] = orders[parent];
      lanes[place] = lanes[parent];
      place = parent;
    }
    time[place] = at;
    orders[place] = order;
    lanes[place] = lane;
    this.headPs = time[0];
    this.headOrder = orders[0];
  }

  /** Puts an entry at the root and lets it sink to its place. */
  #sink(at: number, order: number, lane: number): void {
    const time = this.#time;
    const orders = this.#order;
    const lanes = this.#lane;
    const size = this.#size;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      let childTime = time[child];
      const right = child + 1;
      if (right < size) {
        const rightTime = time[right];
        if (rightTime < childTime || (rightTime === childTime && orders[right] < orders[child])) {
          child = right;
          childTime = rightTime;
        }
      }
      if (at < childTime || (at === childTime && order < orders[child])) break;
      time[place] = childTime;
      orders[place] = orders[child];
      lanes[place] = lanes[child];
      place = child;
    }
    time[place] = at;
    orders[place] = order;
    lanes[place] = lane;
  }
}
