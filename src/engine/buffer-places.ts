/** By message that waits in a switch: the lane whose buffer it is in, and its bytes there. */
import { type Packet, ROW_WORDS } from "../model/packet.ts";

const NO_LANE = -1;

export class BufferPlaces {
  #lanes = new Int32Array(1024).fill(NO_LANE);
  #bytes = new Int32Array(1024);

  /** Notes where a message waits; `lane` is -1 for one that came out of no buffer. */
  note(packet: Packet, lane: number, bytes: number): void {
    const row = packet / ROW_WORDS;
    while (row >= this.#lanes.length) this.#grow();
    this.#lanes[row] = lane;
    this.#bytes[row] = bytes;
  }

  /** The lane whose buffer a message is in; -1: none. */
  laneOf(packet: Packet): number {
    return this.#lanes[packet / ROW_WORDS];
  }

  bytesOf(packet: Packet): number {
    return this.#bytes[packet / ROW_WORDS];
  }

  #grow(): void {
    const lanes = new Int32Array(this.#lanes.length * 2).fill(NO_LANE);
    const bytes = new Int32Array(lanes.length);
    lanes.set(this.#lanes);
    bytes.set(this.#bytes);
    this.#lanes = lanes;
    this.#bytes = bytes;
  }
}
