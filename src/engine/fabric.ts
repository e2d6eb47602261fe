/**
 * The lanes of one process: what an actor sends goes out here, and arrives in the queue. A lane is
 * first in, first out. Without limits on buffers it costs no events of its own: `send` works out
 * when the message is there; with limits flow-control.ts keeps what waits.
 *
 * On a lane with cut-through the receiver handles a message while its tail is still on its way. If
 * it passes the message on in that very call, the next lane begins late enough not to run dry: the
 * last byte does not leave before it has come, however fast that lane is.
 */
import { violated } from "../base/assert.ts";
import { NO_FAULT } from "../model/fault.ts";
import {
  COUNTER,
  KIND,
  NO_PACKET,
  type Packet,
  type PacketPool,
  SIZE_BYTES,
  timePlace,
} from "../model/packet.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { EventCounters } from "./event-order.ts";
import { FlowControl, type LaneHost } from "./flow-control.ts";
import type { FabricCounters, RemoteSink } from "./kernel-options.ts";
import { LaneQueue } from "./lane-queue.ts";
import type { LaneTable } from "./lane-table.ts";
import type { PacketLog } from "./packet-log.ts";
import { withoutRequests, withRequests } from "./request-count.ts";
import type { TimerQueue } from "./timer-queue.ts";

export interface FabricOptions {
  readonly topology: Topology;
  readonly lanes: LaneTable;
  readonly packets: PacketPool;
  readonly counters: FabricCounters;
  readonly order: EventCounters;
  /** Where lanes wait to be free; their owner is the number of actors + the lane. */
  readonly timers: TimerQueue;
  readonly remote: RemoteSink;
  /** Bytes that a leaf or spine holds for one input port; 0: unlimited. */
  readonly portBufferBytes: number;
  readonly packetLog: PacketLog | undefined;
  /** By actor: the fault that killed it. */
  readonly deadBy: Int32Array;
  /** Where the present stands. */
  readonly clock: { readonly nowPs: number };
}

export class Fabric implements LaneHost {
  /** What is under way to actors of this process. */
  readonly queue: LaneQueue;
  /** Undefined when buffers are unlimited. */
  readonly flow: FlowControl | undefined;
  readonly #options: FabricOptions;
  readonly #lanes: LaneTable;
  readonly #packets: PacketPool;
  readonly #counters: FabricCounters;
  readonly #order: EventCounters;
  readonly #remote: RemoteSink;
  readonly #clock: { readonly nowPs: number };
  /** The message that is being handled before its tail has come, and when that will be. */
  #early: Packet = NO_PACKET;
  #tailAtPs = 0;

  constructor(options: FabricOptions) {
    const { topology, lanes, packets, counters, portBufferBytes: bufferBytes } = options;
    this.#options = options;
    this.#lanes = lanes;
    this.#packets = packets;
    this.#counters = counters;
    this.#order = options.order;
    this.#remote = options.remote;
    this.#clock = options.clock;
    this.queue = new LaneQueue(packets, lanes.orderBase);
    if (bufferBytes > 0) {
      this.flow = new FlowControl({ topology, lanes, packets, bufferBytes, counters, host: this });
    }
  }

  get nowPs(): number {
    return this.#clock.nowPs;
  }

  /** Sends a packet out of an actor's port now. */
  send(actor: number, port: number, packet: Packet, requests: number): void {
    const lanes = this.#lanes;
    const lane = lanes.firstLane[actor] + port;
    if (lane >= lanes.firstLane[actor + 1]) {
      violated("port-exists", `${this.#options.topology.actors[actor].id} has no port ${port}`);
    }
    const words = this.#packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    if (!(sizeBytes > 0)) violated("packet-has-size", `${sizeBytes} bytes`);
    words[packet + COUNTER] = this.#order.next(actor);
    this.#counters.sentPackets += 1;
    this.#counters.sentBytes += sizeBytes;
    if (lanes.isPlain[lane] === 0 || packet === this.#early) {
      this.#sendWithCare(lane, packet, requests);
      return;
    }
    const freeAt = lanes.freeAtPs[lane];
    const nowPs = this.#clock.nowPs;
    const done = (freeAt > nowPs ? freeAt : nowPs) + lanes.serializationPs(lane, sizeBytes);
    lanes.freeAtPs[lane] = done;
    this.#packets.times[timePlace(packet)] = done + lanes.latencyPs[lane];
    this.#toQueue(lane, packet);
  }

  /**
   * Sends from a NIC to its leaf, on a lane with requests, cut-through or credits, or a message
   * whose tail is to come.
   */
  #sendWithCare(lane: number, packet: Packet, requests: number): void {
    const lanes = this.#lanes;
    const words = this.#packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    if (lanes.isNetworkEntry[lane] !== 0) this.#counters.networkBytes += sizeBytes;
    let busyPs = lanes.serializationPs(lane, sizeBytes);
    if (lanes.psPerRequest[lane] !== 0) {
      words[packet + KIND] = withRequests(words[packet + KIND], requests);
      busyPs += lanes.requestsPs(lane, requests);
    }
    const notBeforePs = packet === this.#early ? this.#tailAtPs - busyPs : 0;
    if (this.flow?.isManaged(lane)) {
      this.flow.send(lane, packet, notBeforePs);
      return;
    }
    const done = Math.max(lanes.freeAtPs[lane], this.#clock.nowPs, notBeforePs) + busyPs;
    lanes.freeAtPs[lane] = done;
    this.launch(lane, packet, done - lanes.tailPs(lane, sizeBytes) + lanes.latencyPs[lane]);
  }

  launch(lane: number, packet: Packet, atPs: number): void {
    this.#packets.times[timePlace(packet)] = atPs;
    this.#toQueue(lane, packet);
  }

  /** Puts a packet whose arrival is set on its lane, here or at a peer. */
  #toQueue(lane: number, packet: Packet): void {
    const atPs = this.#packets.times[timePlace(packet)];
    if (!(atPs <= TIME_MAX_PS)) violated("packet-has-size", `arrival at ${atPs} ps`);
    const peer = this.#lanes.peer[lane];
    if (peer < 0) this.queue.push(lane, packet);
    else this.#remote.send(peer, lane, packet);
  }

  nextCounter(actor: number): number {
    return this.#order.next(actor);
  }

  wakeAt(atPs: number, lane: number): void {
    const { topology, timers } = this.#options;
    const actor = topology.lanes[lane].from;
    timers.add(atPs, this.#order.nextOrder(actor), topology.actors.length + lane, 0, 0);
  }

  /** How long a message for an actor's port would wait now before its first byte leaves, ps. */
  backlogPs(actor: number, port: number): number {
    const lane = this.#lanes.firstLane[actor] + port;
    if (this.flow !== undefined) return this.flow.backlogPs(lane);
    const freeAt = this.#lanes.freeAtPs[lane];
    const { nowPs } = this;
    return freeAt > nowPs ? freeAt - nowPs : 0;
  }

  /** A message of a lane that is not plain has come: its receiver is about to handle it. */
  beginHandling(lane: number, packet: Packet): void {
    const lanes = this.#lanes;
    const words = this.#packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    if (lanes.psPerRequest[lane] !== 0) {
      words[packet + KIND] = withoutRequests(words[packet + KIND]);
    }
    if (sizeBytes > lanes.headBytes[lane]) {
      this.#early = packet;
      this.#tailAtPs = this.#clock.nowPs + lanes.tailPs(lane, sizeBytes);
    }
    this.flow?.arrived(lane, packet);
  }

  /** The receiver has handled the message. */
  endHandling(): void {
    this.#early = NO_PACKET;
    this.flow?.handled();
  }

  /** Credit that came back on a credit lane: its sender may go on. */
  takeCredit(creditLane: number, credit: Packet): void {
    const bytes = this.#packets.words[credit + SIZE_BYTES];
    this.#packets.free(credit);
    this.flow?.credited(creditLane - this.#lanes.count, bytes);
  }

  /** Ends a message that a fault stopped; `actor` is where. */
  drop(lane: number, actor: number, packet: Packet, cause: number): void {
    const sizeBytes = this.#packets.words[packet + SIZE_BYTES];
    this.#options.packetLog?.note(actor, this.nowPs, lane, packet, cause);
    this.#counters.droppedPackets += 1;
    this.#counters.droppedBytes += sizeBytes;
    this.#packets.free(packet);
    if (this.#options.deadBy[actor] === NO_FAULT) this.flow?.dropped(lane, sizeBytes);
  }

  discard(lane: number, packet: Packet): void {
    const actor = this.#options.topology.lanes[lane].from;
    this.drop(lane, actor, packet, this.#options.deadBy[actor]);
  }
}
