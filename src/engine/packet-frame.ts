/**
 * The data frame: all packets that one worker sends another in one window, as one run of bytes.
 *
 *   header, 16 words: magic, sender, receiver, sequence, packets, checksum, words behind the rows,
 *     then zeros
 *   then the packets' rows of 16 words as they stand in the pool, with the lane in place of NEXT
 *   then, for each packet that has them, its times (6 words), its cargo's length and its cargo
 *
 * Little-endian, fixed layout, self-checking. It holds whole numbers only, so nothing can change
 * its value on the way; and what stands behind a packet in memory is never sent.
 */
import { violated } from "../base/assert.ts";
import { LAUNCH_WORDS } from "../model/launch-times.ts";
import {
  KIND,
  KIND_MASK,
  NEXT,
  type Packet,
  PacketFlag,
  type PacketPool,
  ROW_WORDS,
  timePlace,
} from "../model/packet.ts";

const MAGIC = 0x46504c31;
const HEADER_BYTES = 64;
/** Bytes of one packet in a frame. */
export const PACKET_BYTES = ROW_WORDS * 4;

/** A frame that passed all checks and waits for its window. */
export interface StagedFrame {
  readonly sequence: number;
  readonly packets: number;
  /** Arrival of the earliest packet, ps. */
  readonly earliestPs: number;
  readonly bytes: Uint8Array;
}

/** Collects the packets for one peer during a window. */
export class Outbox {
  #lanes = new Int32Array(64);
  #packets = new Int32Array(64);
  #count = 0;
  earliestPs = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  add(lane: number, packet: Packet, deliverAtPs: number): void {
    if (this.#count === this.#lanes.length) {
      this.#lanes = doubled(this.#lanes);
      this.#packets = doubled(this.#packets);
    }
    this.#lanes[this.#count] = lane;
    this.#packets[this.#count] = packet;
    this.#count += 1;
    if (deliverAtPs < this.earliestPs) this.earliestPs = deliverAtPs;
  }

  /** Writes the frame and gives the packets back to the pool. */
  drain(pool: PacketPool, sender: number, receiver: number, sequence: number): Uint8Array {
    const count = this.#count;
    const extraWords = this.#extraWords(pool);
    const bytes = new Uint8Array(HEADER_BYTES + count * PACKET_BYTES + extraWords * 4);
    const header = new Int32Array(bytes.buffer, 0, HEADER_BYTES / 4);
    const words = new Int32Array(bytes.buffer, HEADER_BYTES);
    let extraAt = count * ROW_WORDS;
    for (let place = 0; place < count; place += 1) {
      const packet = this.#packets[place];
      const at = place * ROW_WORDS;
      for (let word = 0; word < NEXT; word += 1) words[at + word] = pool.words[packet + word];
      words[at + NEXT] = this.#lanes[place];
      if ((words[at + KIND] & PacketFlag.timed) !== 0) {
        pool.launches.write(packet, words, extraAt);
        extraAt += LAUNCH_WORDS;
      }
      if ((words[at + KIND] & PacketFlag.cargo) !== 0) {
        extraAt += writeCargo(pool, packet, words, extraAt);
      }
      pool.free(packet);
    }
    header[0] = MAGIC;
    header[1] = sender;
    header[2] = receiver;
    header[3] = sequence;
    header[4] = count;
    header[5] = checksum(bytes);
    header[6] = extraWords;
    this.#count = 0;
    this.earliestPs = Number.POSITIVE_INFINITY;
    return bytes;
  }

  /** Words that the times and cargoes of all packets take in a frame. */
  #extraWords(pool: PacketPool): number {
    let sum = 0;
    for (let place = 0; place < this.#count; place += 1) {
      const packet = this.#packets[place];
      if ((pool.words[packet + KIND] & PacketFlag.timed) !== 0) sum += LAUNCH_WORDS;
      if ((pool.words[packet + KIND] & PacketFlag.cargo) === 0) continue;
      sum += 1 + pool.cargo.lengthOf(pool.cargoOf(packet));
    }
    return sum;
  }
}

/**
 * Checks a frame from a peer, byte by byte where it matters; throws what a peer must never send.
 */
export function openFrame(frame: Uint8Array, receiver: number): StagedFrame & { sender: number } {
  if (frame.byteLength < HEADER_BYTES) violated("frame-whole", `${frame.byteLength} bytes`);
  const aligned = frame.byteOffset % 8 === 0 ? frame : new Uint8Array(frame);
  const header = new Int32Array(aligned.buffer, aligned.byteOffset, HEADER_BYTES / 4);
  const sender = header[1];
  const sequence = header[3];
  const packets = header[4];
  if (header[0] !== MAGIC) violated("frame-magic", `${header[0].toString(16)}`);
  if (header[2] !== receiver) {
    violated("frame-address", `for worker ${header[2]}, this is ${receiver}`);
  }
  const bytes = HEADER_BYTES + packets * PACKET_BYTES + header[6] * 4;
  if (packets < 1 || header[6] < 0 || aligned.byteLength !== bytes) {
    violated("frame-length", `${packets} packets in ${aligned.byteLength} bytes`);
  }
  if (checksum(aligned) !== header[5])
    violated("frame-checksum", `frame ${sequence} of worker ${sender}`);
  const earliestPs = checkRows(aligned, packets);
  return { sender, sequence, packets, earliestPs, bytes: aligned };
}

/** Checks that each row of a frame is a packet; returns when the earliest arrives, ps. */
function checkRows(bytes: Uint8Array, count: number): number {
  const length = (bytes.byteLength - HEADER_BYTES) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, length);
  const times = new Float64Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, length >> 1);
  let extraAt = count * ROW_WORDS;
  let earliestPs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count * ROW_WORDS; at += ROW_WORDS) {
    const kind = words[at + KIND];
    const atPs = times[timePlace(at)];
    if ((kind & KIND_MASK) === 0) violated("frame-packets", "a packet has no kind");
    if (!Number.isSafeInteger(atPs)) violated("frame-packets", `a packet arrives at ${atPs} ps`);
    if (atPs < earliestPs) earliestPs = atPs;
    if ((kind & PacketFlag.timed) !== 0) extraAt += LAUNCH_WORDS;
    if ((kind & PacketFlag.cargo) === 0) continue;
    const size = words[extraAt];
    if (!(size >= 0 && extraAt + 1 + size <= length)) {
      violated("frame-packets", `a cargo of ${size} words at ${extraAt} of ${length}`);
    }
    extraAt += 1 + size;
  }
  if (extraAt !== length) violated("frame-packets", `${length - extraAt} words of no packet`);
  return earliestPs;
}

/**
 * Likewise, for a frame that is to be one of `peer`, whose packets are on lanes from there to here.
 * `senders`: by lane to here, the worker that sends on it; -1 for all others.
 */
export function openFrameOf(
  peer: number,
  bytes: Uint8Array,
  receiver: number,
  senders: Int32Array,
): StagedFrame {
  const frame = openFrame(bytes, receiver);
  if (frame.sender !== peer) {
    violated("frame-of-its-link", `worker ${peer} sent a frame of ${frame.sender}`);
  }
  checkLanes(frame, senders);
  return frame;
}

function checkLanes(frame: StagedFrame & { sender: number }, senders: Int32Array): void {
  const { bytes, packets, sender } = frame;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, packets * ROW_WORDS);
  for (let at = NEXT; at < words.length; at += ROW_WORDS) {
    if (senders[words[at]] === sender) continue;
    violated("frame-lanes", `worker ${sender} sent on lane ${words[at]}`);
  }
}

/** Moves the packets of a frame into a pool and hands each, with its lane, to `admit`. */
export function unpackFrame(
  staged: StagedFrame,
  pool: PacketPool,
  admit: (lane: number, packet: Packet) => void,
): void {
  const { bytes, packets: count } = staged;
  const length = (bytes.byteLength - HEADER_BYTES) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, length);
  let extraAt = count * ROW_WORDS;
  for (let place = 0; place < count; place += 1) {
    const at = place * ROW_WORDS;
    const packet = pool.take(words[at]);
    for (let word = 1; word < NEXT; word += 1) pool.words[packet + word] = words[at + word];
    if ((words[at] & PacketFlag.timed) !== 0) {
      pool.launches.read(packet, words, extraAt);
      extraAt += LAUNCH_WORDS;
    }
    if ((words[at] & PacketFlag.cargo) !== 0) extraAt += readCargo(pool, packet, words, extraAt);
    admit(words[at + NEXT], packet);
  }
}

/** Appends a packet's cargo to a frame at `at`; returns how many words it took. */
function writeCargo(pool: PacketPool, packet: Packet, frame: Int32Array, at: number): number {
  const { cargo } = pool;
  const block = pool.cargoOf(packet);
  const first = cargo.first(block);
  const length = cargo.lengthOf(block);
  frame[at] = length;
  frame.set(cargo.words.subarray(first, first + length), at + 1);
  return length + 1;
}

/** Gives a packet its cargo from a frame at `at`; returns how many words that took. */
function readCargo(pool: PacketPool, packet: Packet, frame: Int32Array, at: number): number {
  const length = frame[at];
  const first = pool.cargo.first(pool.load(packet, length));
  pool.cargo.words.set(frame.subarray(at + 1, at + 1 + length), first);
  return length + 1;
}

/** Sum over all words behind the header, each times its place: catches swaps as well as flips. */
function checksum(bytes: Uint8Array): number {
  const words = new Int32Array(
    bytes.buffer,
    bytes.byteOffset + HEADER_BYTES,
    (bytes.byteLength - HEADER_BYTES) >> 2,
  );
  let sum = 0x9e3779b1 | 0;
  for (let place = 0; place < words.length; place += 1) {
    sum = (Math.imul(sum, 31) + words[place]) | 0;
  }
  return sum;
}

function doubled(old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(old.length * 2);
  bigger.set(old);
  return bigger;
}
