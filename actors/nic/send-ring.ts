/**
 * The messages that a queue pair has sent and that are not acknowledged yet, as the NIC would read
 * them again from memory: the words of each packet, one after another, and a hold on its cargo. An
 * acknowledgement only moves the ring's first place, so without cargoes it reads nothing. Of a NIC
 * with several ports it also holds the port by which each message went last.
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
/** A port's byte: the port, and whether the message was sent more than once. */
const PORT_MASK = 0x7f;
const REPEATED = 0x80;

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
  /** By place: a network port, from 0; none when the NIC has one port. */
  #ports: Uint8Array | undefined;

  constructor(withPorts = false) {
    if (withPorts) this.#ports = new Uint8Array(ROOM_START);
  }

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

  /** The port by which the `index`-th message went last; 0 when the NIC has one port. */
  portOf(index: number): number {
    return (this.#ports?.[this.#place(index)] ?? 0) & PORT_MASK;
  }

  /** Was the `index`-th message sent more than once? Known of a NIC with several ports only. */
  wasRepeated(index: number): boolean {
    return ((this.#ports?.[this.#place(index)] ?? 0) & REPEATED) !== 0;
  }

  /** Notes by which port the `index`-th message goes; the ring was made with ports. */
  setPort(index: number, port: number, isRepeat: boolean): void {
    (this.#ports as Uint8Array)[this.#place(index)] = isRepeat ? port | REPEATED : port;
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
    this.#words = turned(this.#words, this.#first * MODEL_WORDS, Int32Array);
    if (this.#ports !== undefined) this.#ports = turned(this.#ports, this.#first, Uint8Array);
    if (this.#cargoes !== undefined) {
      const { length } = this.#cargoes;
      this.#cargoes = turned(this.#cargoes, this.#first, Int32Array);
      this.#cargoes.fill(NO_CARGO, length);
    }
    this.#room *= 2;
    this.#first = 0;
  }
}

/** Twice as long, and begins with the entry at `first`. */
function turned<T extends Int32Array | Uint8Array>(
  old: T,
  first: number,
  make: new (length: number) => T,
): T {
  const bigger = new make(old.length * 2);
  const tail = old.subarray(first);
  bigger.set(tail);
  bigger.set(old.subarray(0, first), tail.length);
  return bigger;
}
