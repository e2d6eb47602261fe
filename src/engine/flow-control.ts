/**
 * Finite buffers with lossless back-pressure, credit by credit as InfiniBand has it (PFC behaves
 * alike). Every lane into a leaf or spine ends at a buffer. A message begins when the buffer has
 * room for all of it, or is empty; the room comes back one latency after the switch has begun to
 * send the message on. What waits does so at its lane, in order, so a full buffer blocks all that
 * is behind. Nothing in here depends on the placement: a lane's queue and its room are kept where
 * its sender is, and credits travel as packets.
 *
 * A lane to a dead device has no buffer, since nothing would give its room back; a dead device's
 * own queues are lost with it. A device that lives again has empty buffers, which take in beyond
 * their size what is on its way to them then. Every process knows who is dead, unasked.
 */
import {
  COUNTER,
  KIND,
  NEXT,
  NO_PACKET,
  type Packet,
  PacketKind,
  type PacketPool,
  SIZE_BYTES,
  timePlace,
} from "../model/packet.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { BufferPlaces } from "./buffer-places.ts";
import type { FabricCounters } from "./kernel-options.ts";
import type { LaneTable } from "./lane-table.ts";
import { requestsOf } from "./request-count.ts";

/** What flow control asks of the kernel that it serves. */
export interface LaneHost {
  readonly nowPs: number;
  /** Puts a packet on its way over a lane: from its first byte to its last, ps. */
  launch(lane: number, packet: Packet, beganPs: number, donePs: number): void;
  /** Puts a credit on its way back, now. */
  launchCredit(creditLane: number, credit: Packet): void;
  /** Has {@link FlowControl.wake} called for a lane at an instant in the future. */
  wakeAt(atPs: number, lane: number): void;
  /** The next number of an actor's own counter. */
  nextCounter(actor: number): number;
  /** Ends a packet that was waiting in the queue of a dead actor. */
  discard(lane: number, packet: Packet): void;
}

export interface FlowControlOptions {
  readonly topology: Topology;
  readonly lanes: LaneTable;
  readonly packets: PacketPool;
  /** Buffer of each lane into a leaf or spine, bytes; above 0. */
  readonly bufferBytes: number;
  readonly counters: FabricCounters;
  readonly host: LaneHost;
}

const NO_LANE = -1;

export class FlowControl {
  readonly #lanes: LaneTable;
  readonly #packets: PacketPool;
  readonly #bufferBytes: number;
  readonly #counters: FabricCounters;
  readonly #host: LaneHost;
  /** By lane: 1 when it ends at a buffer; 1 when it begins or ends at a switch with buffers. */
  readonly #buffered: Uint8Array;
  readonly #managed: Uint8Array;
  /** By lane: 1 while messages wait for room: its receiver has a buffer and lives. */
  readonly #credited: Uint8Array;
  /** By lane: bytes that its sender knows to be free; below 0 under a message beyond the buffer. */
  readonly #roomBytes: Float64Array;
  /** By lane: first and last message that wait, and the serialization of all that do, ps. */
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #queuedPs: Float64Array;
  /** By lane: since when its first message waits for room only; NEVER_PS when none does. */
  readonly #stalledSincePs: Float64Array;
  /** By lane: 1 while a wake is pending. */
  readonly #waking: Uint8Array;
  readonly #places = new BufferPlaces();
  /** The message that its receiver is handling right now, if it came out of a buffer. */
  #handed: Packet = NO_PACKET;
  #handedLane = NO_LANE;
  #handedBytes = 0;

  constructor(options: FlowControlOptions) {
    const { topology, lanes } = options;
    const { count } = lanes;
    const isSwitch = (actor: number): boolean => {
      const { kind } = topology.actors[actor];
      return kind === "leaf" || kind === "spine";
    };
    this.#lanes = lanes;
    this.#packets = options.packets;
    this.#bufferBytes = options.bufferBytes;
    this.#counters = options.counters;
    this.#host = options.host;
    this.#buffered = Uint8Array.from(topology.lanes, ({ to }) => Number(isSwitch(to)));
    this.#managed = Uint8Array.from(topology.lanes, ({ from, to }) =>
      Number(isSwitch(from) || isSwitch(to)),
    );
    this.#credited = this.#buffered.slice();
    this.#roomBytes = new Float64Array(count).fill(options.bufferBytes);
    this.#head = new Int32Array(count).fill(NO_PACKET);
    this.#tail = new Int32Array(count).fill(NO_PACKET);
    this.#queuedPs = new Float64Array(count);
    this.#stalledSincePs = new Float64Array(count).fill(NEVER_PS);
    this.#waking = new Uint8Array(count);
  }

  /** Does a lane go by these rules? All others never wait for anything but themselves. */
  isManaged(lane: number): boolean {
    return this.#managed[lane] !== 0;
  }

  /** How long a message sent on a lane now would wait if there were room for all before it, ps. */
  backlogPs(lane: number): number {
    const freeAt = this.#lanes.freeAtPs[lane];
    const { nowPs } = this.#host;
    return this.#queuedPs[lane] + (freeAt > nowPs ? freeAt - nowPs : 0);
  }

  /** A message for a managed lane; it begins at `notBeforePs` at the earliest. COUNTER is set. */
  send(lane: number, packet: Packet, notBeforePs: number): void {
    const { words, times } = this.#packets;
    this.#hold(packet);
    times[timePlace(packet)] = notBeforePs;
    words[packet + NEXT] = NO_PACKET;
    this.#queuedPs[lane] += this.#busyPs(lane, packet);
    const last = this.#tail[lane];
    this.#tail[lane] = packet;
    if (last !== NO_PACKET) {
      words[last + NEXT] = packet;
      return;
    }
    this.#head[lane] = packet;
    this.#pump(lane);
  }

  /** A lane that was busy is free again. */
  wake(lane: number): void {
    this.#waking[lane] = 0;
    this.#pump(lane);
  }

  /** The sender of a lane gets room back. */
  credited(lane: number, bytes: number): void {
    // Room that a device gave back before it died, or for what it then found, may be too much.
    this.#roomBytes[lane] = Math.min(this.#roomBytes[lane] + bytes, this.#bufferBytes);
    this.#pump(lane);
  }

  /** A message of a lane is about to be handled. */
  arrived(lane: number, packet: Packet): void {
    if (this.#buffered[lane] === 0) return;
    this.#handed = packet;
    this.#handedLane = lane;
    this.#handedBytes = this.#packets.words[packet + SIZE_BYTES];
  }

  /** It has been handled: what the switch has not sent on is in its buffer no more. */
  handled(): void {
    if (this.#handed === NO_PACKET) return;
    this.#handed = NO_PACKET;
    this.#giveBack(this.#handedLane, this.#handedBytes);
  }

  /** A fault stopped a message of a lane whose receiver lives. */
  dropped(lane: number, bytes: number): void {
    if (this.#buffered[lane] !== 0) this.#giveBack(lane, bytes);
  }

  /** A device of any process died: its queues are lost, and what goes to it needs no room. */
  died(actor: number): void {
    for (let lane = 0; lane < this.#lanes.count; lane += 1) {
      if (this.#lanes.fromActor[lane] === actor) this.#empty(lane);
      if (this.#lanes.toActor[lane] === actor && this.#credited[lane] !== 0) {
        this.#credited[lane] = 0;
        this.#pump(lane);
      }
    }
  }

  /** A device of any process lives again, with empty buffers. */
  revived(actor: number): void {
    for (let lane = 0; lane < this.#lanes.count; lane += 1) {
      if (this.#lanes.toActor[lane] !== actor || this.#buffered[lane] === 0) continue;
      this.#credited[lane] = 1;
      this.#roomBytes[lane] = this.#bufferBytes;
    }
  }

  /** A lane takes longer or less long for a byte from now on. */
  retimed(lane: number): void {
    const { words } = this.#packets;
    this.#queuedPs[lane] = 0;
    for (let packet = this.#head[lane]; packet !== NO_PACKET; packet = words[packet + NEXT]) {
      this.#queuedPs[lane] += this.#busyPs(lane, packet);
    }
  }

  /** Lanes with messages that wait, or whose sender does not know all room to be free. */
  get unsettledLanes(): number {
    const isShort = (lane: number): boolean =>
      this.#buffered[lane] !== 0 && this.#roomBytes[lane] !== this.#bufferBytes;
    return this.#head.filter((head, lane) => head !== NO_PACKET || isShort(lane)).length;
  }

  /** Begins the first message of a lane, if it may; has the lane woken when it will be free. */
  #pump(lane: number): void {
    for (;;) {
      const packet = this.#head[lane];
      if (packet === NO_PACKET) return;
      const { nowPs } = this.#host;
      const readyPs = Math.max(this.#lanes.freeAtPs[lane], this.#packets.times[timePlace(packet)]);
      if (readyPs > nowPs) {
        if (this.#waking[lane] === 0) this.#host.wakeAt(readyPs, lane);
        this.#waking[lane] = 1;
        return;
      }
      if (this.#credited[lane] !== 0 && !this.#hasRoom(lane, packet)) {
        if (this.#stalledSincePs[lane] === NEVER_PS) this.#stalledSincePs[lane] = nowPs;
        return;
      }
      this.#endStall(lane);
      this.#begin(lane, packet);
    }
  }

  #hasRoom(lane: number, packet: Packet): boolean {
    const room = this.#roomBytes[lane];
    return this.#packets.words[packet + SIZE_BYTES] <= room || room === this.#bufferBytes;
  }

  #endStall(lane: number): void {
    const since = this.#stalledSincePs[lane];
    if (since === NEVER_PS) return;
    this.#counters.stalledPs += this.#host.nowPs - since;
    this.#stalledSincePs[lane] = NEVER_PS;
  }

  /** The first byte of a lane's first message leaves now. */
  #begin(lane: number, packet: Packet): void {
    const lanes = this.#lanes;
    const { words } = this.#packets;
    const sizeBytes = words[packet + SIZE_BYTES];
    const { nowPs } = this.#host;
    const donePs = nowPs + this.#busyPs(lane, packet);
    this.#unlink(lane, packet);
    lanes.freeAtPs[lane] = donePs;
    this.#roomBytes[lane] -= sizeBytes;
    this.#host.launch(lane, packet, nowPs, donePs);
    const heldLane = this.#places.laneOf(packet);
    if (heldLane !== NO_LANE) this.#giveBack(heldLane, this.#places.bytesOf(packet));
  }

  #unlink(lane: number, packet: Packet): void {
    const next = this.#packets.words[packet + NEXT];
    this.#head[lane] = next;
    if (next === NO_PACKET) this.#tail[lane] = NO_PACKET;
    this.#queuedPs[lane] -= this.#busyPs(lane, packet);
  }

  /** A credit of so many bytes sets out for the sender of a lane. */
  #giveBack(lane: number, bytes: number): void {
    const lanes = this.#lanes;
    const credit = this.#packets.take(PacketKind.credit);
    const { words } = this.#packets;
    words[credit + SIZE_BYTES] = bytes;
    words[credit + COUNTER] = this.#host.nextCounter(lanes.toActor[lane]);
    this.#host.launchCredit(lanes.count + lane, credit);
  }

  /** Notes for a message that begins to wait in whose buffer it does. */
  #hold(packet: Packet): void {
    const isHanded = packet === this.#handed;
    this.#places.note(packet, isHanded ? this.#handedLane : NO_LANE, this.#handedBytes);
    if (isHanded) this.#handed = NO_PACKET;
  }

  #empty(lane: number): void {
    this.#endStall(lane);
    for (let packet = this.#head[lane]; packet !== NO_PACKET; packet = this.#head[lane]) {
      this.#unlink(lane, packet);
      this.#host.discard(lane, packet);
    }
  }

  /** How long a message keeps its lane busy, ps. */
  #busyPs(lane: number, packet: Packet): number {
    const { words } = this.#packets;
    const requests = requestsOf(words[packet + KIND]);
    return (
      this.#lanes.serializationPs(lane, words[packet + SIZE_BYTES]) +
      this.#lanes.requestsPs(lane, requests)
    );
  }
}
