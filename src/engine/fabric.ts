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
import { Crossings } from "./crossings.ts";
import type { EventCounters } from "./event-order.ts";
import type { FaultChanges } from "./fault-changes.ts";
import { FlowControl, type LaneHost } from "./flow-control.ts";
import type { FabricCounters, RemoteSink } from "./kernel-options.ts";
import type { Crossing } from "./lane-faults.ts";
import { LaneQueue } from "./lane-queue.ts";
import type { LaneTable } from "./lane-table.ts";
import type { LaneWatch } from "./lane-watch.ts";
import type { PacketLog } from "./packet-log.ts";
import { requestsOf, withoutRequests, withRequests } from "./request-count.ts";
import { StalledLanes } from "./stalled-lanes.ts";
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
  readonly watch: LaneWatch | undefined;
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
  /** By plane: bytes that NICs put on it. */
  readonly #planeBytes: Float64Array;
  readonly #stalled: StalledLanes;
  readonly #crossings: Crossings;
  readonly #options: FabricOptions;
  readonly #lanes: LaneTable;
  readonly #packets: PacketPool;
  readonly #counters: FabricCounters;
  readonly #order: EventCounters;
  readonly #remote: RemoteSink;
  readonly #watch: LaneWatch | undefined;
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
    this.#watch = options.watch;
    this.#clock = options.clock;
    this.queue = new LaneQueue(packets, lanes.orderBase);
    this.#planeBytes = new Float64Array(lanes.planes);
    this.#crossings = new Crossings(lanes, packets);
    this.#stalled = new StalledLanes(lanes, packets);
    if (bufferBytes > 0) {
      this.flow = new FlowControl({ topology, lanes, packets, bufferBytes, counters, host: this });
    }
  }

  /** Bytes that NICs put on each plane, as counters by name. */
  get planeBytes(): Record<string, number> {
    const bytes = [...this.#planeBytes];
    return Object.fromEntries(bytes.map((sum, plane) => [`networkBytes.plane${plane}`, sum]));
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
    this.#watch?.sent(lane, packet, requests);
    if (lanes.isPlain[lane] === 0 || packet === this.#early) {
      this.#sendWithCare(lane, packet, requests);
      return;
    }
    const freeAt = lanes.freeAtPs[lane];
    const nowPs = this.#clock.nowPs;
    const began = freeAt > nowPs ? freeAt : nowPs;
    const done = began + lanes.serializationPs(lane, sizeBytes);
    lanes.freeAtPs[lane] = done;
    this.#packets.times[timePlace(packet)] = done + lanes.latencyPs[lane];
    this.#watch?.launched(lane, packet, began, done);
    this.#toQueue(lane, packet);
  }

  /**
   * Sends from a NIC to its leaf, on a lane with requests, cut-through or credits or that a fault
   * has touched, or a message whose tail is to come.
   */
  #sendWithCare(lane: number, packet: Packet, requests: number): void {
    const lanes = this.#lanes;
    const words = this.#packets.words;
    if (lanes.isNetworkEntry[lane] !== 0) {
      this.#counters.networkBytes += words[packet + SIZE_BYTES];
      this.#planeBytes[lanes.plane[lane]] += words[packet + SIZE_BYTES];
    }
    if (lanes.psPerRequest[lane] !== 0) {
      words[packet + KIND] = withRequests(words[packet + KIND], requests);
    }
    const isEarly = packet === this.#early;
    const notBeforePs = isEarly ? this.#tailAtPs - this.#busyPs(lane, packet) : 0;
    if (lanes.stalledUntilPs[lane] > 0) this.#stalled.hold(lane, packet, notBeforePs);
    else this.#begin(lane, packet, notBeforePs);
  }

  /** Has a message begin as soon as its lane is free, at `notBeforePs` at the earliest. */
  #begin(lane: number, packet: Packet, notBeforePs: number): void {
    if (this.flow?.isManaged(lane)) {
      this.flow.send(lane, packet, notBeforePs);
      return;
    }
    const freeAtPs = this.#lanes.freeAtPs[lane];
    const beganPs = Math.max(freeAtPs, this.#clock.nowPs, notBeforePs);
    const donePs = beganPs + this.#busyPs(lane, packet);
    this.#lanes.freeAtPs[lane] = donePs;
    this.launch(lane, packet, beganPs, donePs);
  }

  /** How long a message keeps its lane busy, ps. */
  #busyPs(lane: number, packet: Packet): number {
    const words = this.#packets.words;
    const busyPs = this.#lanes.serializationPs(lane, words[packet + SIZE_BYTES]);
    if (this.#lanes.psPerRequest[lane] === 0) return busyPs;
    return busyPs + this.#lanes.requestsPs(lane, requestsOf(words[packet + KIND]));
  }

  launch(lane: number, packet: Packet, beganPs: number, donePs: number): void {
    const lanes = this.#lanes;
    const { words, times } = this.#packets;
    const tailPs = lanes.tailPs(lane, words[packet + SIZE_BYTES]);
    let atPs = donePs - tailPs + lanes.latencyPs[lane];
    if (lanes.isTimed[lane] !== 0) {
      this.#crossings.note(packet, beganPs, donePs, tailPs);
      atPs = lanes.inOrderPs(lane, atPs);
    }
    times[timePlace(packet)] = atPs;
    this.#watch?.launched(lane, packet, beganPs, donePs);
    this.#toQueue(lane, packet);
  }

  launchCredit(creditLane: number, credit: Packet): void {
    const lanes = this.#lanes;
    let atPs = this.#clock.nowPs + lanes.latencyPs[creditLane];
    if (lanes.isTimed[creditLane] !== 0) atPs = lanes.inOrderPs(creditLane, atPs);
    this.#packets.times[timePlace(credit)] = atPs;
    this.#toQueue(creditLane, credit);
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

  /** See ActorContext. */
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
      this.#tailAtPs = this.#clock.nowPs + this.#crossings.tailPs(lane, packet);
    }
    if (lanes.isTimed[lane] !== 0) this.#crossings.forget(packet);
    this.flow?.arrived(lane, packet);
  }

  /** When a message that is handled now set out. The object is reused. */
  crossingOf(lane: number, packet: Packet): Crossing {
    return this.#crossings.of(lane, packet, this.nowPs);
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
    this.#watch?.dropped(lane, packet, cause);
    this.#counters.droppedPackets += 1;
    this.#counters.droppedBytes += sizeBytes;
    this.#packets.free(packet);
    if (this.#options.deadBy[actor] === NO_FAULT) this.flow?.dropped(lane, sizeBytes);
  }

  discard(lane: number, packet: Packet): void {
    const actor = this.#options.topology.lanes[lane].from;
    this.drop(lane, actor, packet, this.#options.deadBy[actor]);
  }

  /** Earliest instant at which something that waits for the end of a stall may go; NEVER_PS. */
  get stalledPs(): number {
    return this.#stalled.nextPs;
  }

  /** Faults began, changed or ended: what it means for what waits at lanes. */
  faultsChanged({ died, revived, retimed, unstalled }: FaultChanges): void {
    for (const actor of died) this.#died(actor);
    for (const actor of revived) this.flow?.revived(actor);
    for (const lane of retimed) this.flow?.retimed(lane);
    for (const lane of unstalled) {
      if (this.#lanes.stalledUntilPs[lane] > 0) continue;
      this.#stalled.release(lane, (packet, notBeforePs) => this.#begin(lane, packet, notBeforePs));
    }
  }

  /** A device of any process died: what it had queued is lost. */
  #died(actor: number): void {
    const { firstLane } = this.#lanes;
    for (let lane = firstLane[actor]; lane < firstLane[actor + 1]; lane += 1) {
      this.#stalled.release(lane, (packet) => this.discard(lane, packet));
    }
    this.flow?.died(actor);
  }
}
