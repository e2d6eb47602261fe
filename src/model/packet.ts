/**
 * Packets live in one pool a process, rows of 64 bytes (a cache line), and are named by the
 * row's offset. A packet is moved, never copied: the handle that arrives at an actor is the handle
 * it sends on, and whoever ends a packet's life gives it back with `free`. Handles are local to one
 * process and never enter a digest.
 *
 * Gotcha: `take` may grow the pool and so replace `words`; read `packets.words` afresh after it
 * instead of keeping it in a variable.
 */
import { violated } from "../base/assert.ts";
import { type Cargo, CargoStore } from "./cargo.ts";
import { LaunchTimes } from "./launch-times.ts";

/** Offset of a packet's row in `words`. */
export type Packet = number;

/** No packet: the end of a list. */
export const NO_PACKET: Packet = -1;

/** What a packet is. The numbers are part of the digest and of the wire format: only append. */
export const PacketKind = {
  /** A token copy on its way to an expert. */
  dispatch: 1,
  /** "That was all": how many token copies this rank sent to that rank in this layer (in SLOT). */
  dispatchCount: 2,
  /** An expert's output on its way back to the token's home rank. */
  combine: 3,
  /** "I gave you up": the sender masks the receiver because of the fault in SLOT. */
  maskNotice: 4,
  /** "Are you alive?", asked of a rank that is waited for too long. */
  probe: 5,
  /** The answer to a probe. */
  probeAnswer: 6,
  /** InfiniBand RC acknowledgement, up to and including PSN. */
  ack: 7,
  /** InfiniBand RC negative acknowledgement: PSN is the one expected. */
  nak: 8,
  /** Bytes with no meaning to the model, for fabric measurements. */
  raw: 9,
  /** Room given back to the sender of a lane; the kernel's own, no actor sees it. */
  credit: 10,
  /** Normal protocol: token copies for ranks of a node, to the GPU there that passes them on. */
  nodeDispatch: 11,
  /** Normal protocol: one rank's share of results, to the GPU of its node that adds them up. */
  partial: 12,
  /**
   * Normal protocol: "expect no shares of mine for the rank in TOKEN, because of the fault in
   * SLOT".
   */
  sharesRefused: 13,
  /**
   * From a GPU to its own NIC: "begin anew with the NIC in NEXT_HOP, in the incarnation in SLOT".
   */
  qpReset: 14,
  /** The NIC's answer: it has. The words are those of the request. */
  qpResetDone: 15,
  /** To the recovery controller: what a rank has to say; model/membership.ts has the words. */
  report: 16,
  /** From the recovery controller: what the ranks of a group are to do; likewise. */
  order: 17,
  /**
   * "Send again what you have open with me": something did not come. SLOT: 0, or the way that is
   * lost, counted from 2 (2: the usual way).
   */
  sendAgain: 18,
} as const;

/** Bits of the KIND word beside the kind. */
export const PacketFlag = {
  /** The responder must acknowledge this packet at once (the AckReq bit of InfiniBand). */
  ackRequest: 0x100,
  /** The NIC gave the message up and returns it to its origin. */
  failed: 0x200,
  /** The message has a cargo: token copies in the pool's cargo store; TOKEN counts its requests. */
  cargo: 0x400,
  /**
   * Under way on a lane that a fault slowed: its times are in the pool's `launches`. The kernel's
   * own, no actor sees it.
   */
  timed: 0x8000,
} as const;

/** The kind's part of the KIND word. */
export const KIND_MASK = 0xff;

/** Words of a row: `packets.words[packet + TOKEN]`. */
/** {@link PacketKind} and {@link PacketFlag} bits; 0 marks a free row. */
export const KIND = 0;
/** Actor index of the GPU that made the message. */
export const ORIGIN = 1;
/** Actor index of the GPU that the message is for. */
export const DESTINATION = 2;
/** Actor index that the current leg leads to: a GPU over NVLink, a NIC over the network. */
export const NEXT_HOP = 3;
/** Actor index of the NIC that sent the packet across the network. */
export const SOURCE = 4;
export const SIZE_BYTES = 5;
/** Packet sequence number inside its queue pair. */
export const PSN = 6;
/** Ordinal of the MoE layer in the run (steps one after another); of the controller an epoch. */
export const LAYER = 7;
/**
 * Token's place on its home rank. With a cargo, the work requests that the message stands for: one
 * a copy in the low-latency protocol; none in the normal one, whose rate was measured with them.
 */
export const TOKEN = 8;
/**
 * Which of the token's top-k choices this copy is, plus 256 x expert; a count or a fault for
 * control kinds; with a cargo, the rank whose tokens they are.
 */
export const SLOT = 9;
/** The token's real payload, two words; with a cargo, two checksums of it. */
export const PAYLOAD_LOW = 10;
export const PAYLOAD_HIGH = 11;
/** Words that belong to the model: 0 up to this. */
export const MODEL_WORDS = 12;
/**
 * Words 12 and 13 are one float64: when the receiving actor handles it, ps (see {@link timePlace}).
 */
/** The sender's counter: order among equal instants, see event-order.ts. */
export const COUNTER = 14;
/** Next packet of the list this packet is in: free list, lane, an actor's own list. */
export const NEXT = 15;
/** Words a row. */
export const ROW_WORDS = 16;

/** Where in `packets.times` the arrival of a packet stands. */
export function timePlace(packet: Packet): number {
  return (packet >> 1) + 6;
}

/**
 * Work requests (RDMA writes) that a message of a GPU stands for: as many as its TOKEN says when it
 * has a cargo, else one.
 */
export function requestsOf(words: Int32Array, packet: Packet): number {
  return (words[packet + KIND] & PacketFlag.cargo) !== 0 ? words[packet + TOKEN] : 1;
}

/** All packets of one process. Grows by doubling; never shrinks. */
export class PacketPool {
  words: Int32Array;
  /** The same bytes as float64; see {@link timePlace}. */
  times: Float64Array;
  /** Contents of messages whose KIND has the cargo flag. */
  readonly cargo = new CargoStore();
  /** When messages whose KIND has the timed flag set out. */
  readonly launches = new LaunchTimes();
  /** By row: its cargo, when it has one. */
  #cargoOf: Int32Array;
  #rows: number;
  #free = NO_PACKET;
  #inUse = 0;

  constructor(rows = 1024) {
    this.#rows = rows;
    const bytes = makeRows(rows);
    this.words = new Int32Array(bytes);
    this.times = new Float64Array(bytes);
    this.#cargoOf = new Int32Array(rows);
    this.#linkFree(0, rows);
  }

  /** Packets taken and not yet given back. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Bytes that the pool holds. */
  get sizeBytes(): number {
    return this.words.byteLength;
  }

  /** Takes a packet of a kind; its other words are 0. */
  take(kind: number): Packet {
    const packet = this.#unlink();
    const words = this.words;
    words[packet + KIND] = kind;
    for (let word = ORIGIN; word < MODEL_WORDS; word += 1) words[packet + word] = 0;
    return packet;
  }

  /** Gives a packet back. Freeing one twice is a bug, caught here. */
  free(packet: Packet): void {
    const words = this.words;
    if (words[packet + KIND] === 0)
      violated("packet-freed-once", `packet ${packet} is free already`);
    if ((words[packet + KIND] & PacketFlag.cargo) !== 0) this.cargo.release(this.cargoOf(packet));
    words[packet + KIND] = 0;
    words[packet + NEXT] = this.#free;
    this.#free = packet;
    this.#inUse -= 1;
  }

  /** Gives a packet a cargo of `length` words, to be written and then sealed. */
  load(packet: Packet, length: number): Cargo {
    const cargo = this.cargo.take(length);
    this.#cargoOf[packet / ROW_WORDS] = cargo;
    this.words[packet + KIND] |= PacketFlag.cargo;
    return cargo;
  }

  /** Gives a packet a cargo that others hold too. */
  attach(packet: Packet, cargo: Cargo): void {
    this.cargo.retain(cargo);
    this.#cargoOf[packet / ROW_WORDS] = cargo;
    this.words[packet + KIND] |= PacketFlag.cargo;
  }

  /** The cargo of a packet that has one. */
  cargoOf(packet: Packet): Cargo {
    return this.#cargoOf[packet / ROW_WORDS];
  }

  /** Writes the checksums of a packet's cargo into its payload words, so that digests see it. */
  seal(packet: Packet): void {
    const { words } = this.cargo;
    const cargo = this.cargoOf(packet);
    const first = this.cargo.first(cargo);
    const end = first + this.cargo.lengthOf(cargo);
    let low = 0x9e3779b1 | 0;
    let high = 0x85ebca77 | 0;
    for (let place = first; place < end; place += 1) {
      low = Math.imul(low ^ words[place], 0x01000193);
      high = (Math.imul(high, 31) + words[place]) | 0;
    }
    this.words[packet + PAYLOAD_LOW] = low;
    this.words[packet + PAYLOAD_HIGH] = high;
  }

  #unlink(): Packet {
    if (this.#free === NO_PACKET) this.#grow();
    const packet = this.#free;
    this.#free = this.words[packet + NEXT];
    this.#inUse += 1;
    return packet;
  }

  #linkFree(fromRow: number, untilRow: number): void {
    for (let row = untilRow - 1; row >= fromRow; row -= 1) {
      this.words[row * ROW_WORDS + NEXT] = this.#free;
      this.#free = row * ROW_WORDS;
    }
  }

  #grow(): void {
    const rows = this.#rows * 2;
    const bytes = makeRows(rows);
    const words = new Int32Array(bytes);
    words.set(this.words);
    this.words = words;
    this.times = new Float64Array(bytes);
    const cargoOf = new Int32Array(rows);
    cargoOf.set(this.#cargoOf);
    this.#cargoOf = cargoOf;
    const from = this.#rows;
    this.#rows = rows;
    this.#linkFree(from, rows);
  }
}

function makeRows(rows: number): ArrayBuffer {
  return new ArrayBuffer(rows * ROW_WORDS * 4);
}
