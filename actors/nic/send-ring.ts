/**
 * The messages that a queue pair has sent and that are not acknowledged yet, as the NIC would read
 * them again from memory: the words of each packet, one after another. An acknowledgement only
 * moves the ring's first place, so it reads nothing.
 */
import { MODEL_WORDS, type Packet, type PacketPool } from "../../src/model/packet.ts";

/** Messages that there is room for at first; a power of two, as all later sizes. */
const ROOM_START = 16;

export class SendRing {
  /** Messages that are not acknowledged. */
  count = 0;
  #first = 0;
  #room = ROOM_START;
  #words = new Int32Array(ROOM_START * MODEL_WORDS);

  /** Keeps a copy of a packet's words behind all others. */
  add(packets: PacketPool, packet: Packet): void {
    if (this.count === this.#room) this.#grow();
    const { words } = packets;
    const at = this.#place(this.count);
    for (let word = 0; word < MODEL_WORDS; word += 1) this.#words[at + word] = words[packet + word];
    this.count += 1;
  }

  /** Makes a packet of the `index`-th message, the oldest being 0. */
  copyOf(packets: PacketPool, index: number): Packet {
    const at = this.#place(index);
    const packet = packets.take(this.#words[at]);
    const { words } = packets;
    for (let word = 1; word < MODEL_WORDS; word += 1) {
      words[packet + word] = this.#words[at + word];
    }
    return packet;
  }

  /** Forgets the `count` oldest messages. */
  release(count: number): void {
    this.#first = (this.#first + count) & (this.#room - 1);
    this.count -= count;
  }

  #place(index: number): number {
    return ((this.#first + index) & (this.#room - 1)) * MODEL_WORDS;
  }

  #grow(): void {
    const bigger = new Int32Array(this.#room * 2 * MODEL_WORDS);
    const tail = this.#words.subarray(this.#first * MODEL_WORDS);
    bigger.set(tail);
    bigger.set(this.#words.subarray(0, this.#first * MODEL_WORDS), tail.length);
    this.#words = bigger;
    this.#room *= 2;
    this.#first = 0;
  }
}
