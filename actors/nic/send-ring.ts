/**
 * The messages that a queue pair has sent and that are not acknowledged yet, as the NIC would read
 * them again from memory: the words of each packet, one after another, and a hold on its cargo. An
 * acknowledgement only moves the ring's first place, so without cargoes it reads nothing.
 */
import type { Cargo } from "../../src/model/cargo.ts";
import {
  KIND,
  MODEL_WORDS,
  type Packet,
  PacketFlag,
  type PacketPool,
} from "../../src/model/packet.ts";

/** Messages that there is room for at first; a power of two, as all later sizes. */
const ROOM_START = 16;
const NO_CARGO: Cargo = -1;

export class SendRing {
  /** Messages that are not acknowledged. */
  count = 0;
  #first = 0;
  #room = ROOM_START;
  #words = new Int32Array(ROOM_START * MODEL_WORDS);
  /** By place; allocated with the first cargo. */
  #cargoes: Int32Array | undefined;
  /** Messages with a cargo. */
  #loaded = 0;

  /** Keeps a copy of a packet's words behind all others, and holds its cargo. */
  add(packets: PacketPool, packet: Packet): void {
    if (this.count === this.#room) this.#grow();
    const { words } = packets;
    const place = this.#place(this.count);
    const at = place * MODEL_WORDS;
    for (let word = 0; word < MODEL_WORDS; word += 1) this.#words[at + word] = words[packet + word];
    if ((words[packet + KIND] & PacketFlag.cargo) !== 0) {
      this.#cargoes ??= new Int32Array(this.#room).fill(NO_CARGO);
      const cargo = packets.cargoOf(packet);
      packets.cargo.retain(cargo);
      this.#cargoes[place] = cargo;
      this.#loaded += 1;
    }
    this.count += 1;
  }

  /** Makes a packet of the `index`-th message, the oldest being 0. */
  copyOf(packets: PacketPool, index: number): Packet {
    const place = this.#place(index);
    const at = place * MODEL_WORDS;
    const packet = packets.take(this.#words[at]);
    const { words } = packets;
    for (let word = 1; word < MODEL_WORDS; word += 1) {
      words[packet + word] = this.#words[at + word];
    }
    const cargo = this.#cargoes?.[place] ?? NO_CARGO;
    if (cargo !== NO_CARGO) packets.attach(packet, cargo);
    return packet;
  }

  /** Forgets the `count` oldest messages. */
  release(packets: PacketPool, count: number): void {
    if (this.#loaded > 0) this.#unload(packets, count);
    this.#first = (this.#first + count) & (this.#room - 1);
    this.count -= count;
  }

  #unload(packets: PacketPool, count: number): void {
    const cargoes = this.#cargoes as Int32Array;
    for (let index = 0; index < count; index += 1) {
      const place = this.#place(index);
      if (cargoes[place] === NO_CARGO) continue;
      packets.cargo.release(cargoes[place]);
      cargoes[place] = NO_CARGO;
      this.#loaded -= 1;
    }
  }

  #place(index: number): number {
    return (this.#first + index) & (this.#room - 1);
  }

  #grow(): void {
    this.#words = turned(this.#words, this.#first * MODEL_WORDS);
    if (this.#cargoes !== undefined) {
      const { length } = this.#cargoes;
      this.#cargoes = turned(this.#cargoes, this.#first);
      this.#cargoes.fill(NO_CARGO, length);
    }
    this.#room *= 2;
    this.#first = 0;
  }
}

/** Twice as long, and begins with the entry at `first`. */
function turned(old: Int32Array, first: number): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(old.length * 2);
  const tail = old.subarray(first);
  bigger.set(tail);
  bigger.set(old.subarray(0, first), tail.length);
  return bigger;
}
