/**
 * When a message set out over the lane at whose end it is now. On a lane that no fault ever slowed
 * its receiver works that out; on others the message carries it, since the sender alone knows at
 * which rate it went.
 */
import { KIND, type Packet, PacketFlag, type PacketPool, SIZE_BYTES } from "../model/packet.ts";
import type { Crossing } from "./lane-faults.ts";
import type { LaneTable } from "./lane-table.ts";
import { requestsOf } from "./request-count.ts";

export class Crossings {
  readonly #lanes: LaneTable;
  readonly #packets: PacketPool;
  readonly #crossing = { beganPs: 0, sentPs: 0, handledPs: 0 };

  constructor(lanes: LaneTable, packets: PacketPool) {
    this.#lanes = lanes;
    this.#packets = packets;
  }

  /** Writes down of a message on a lane that was ever slowed when it sets out. */
  note(packet: Packet, beganPs: number, donePs: number, tailPs: number): void {
    this.#packets.words[packet + KIND] |= PacketFlag.timed;
    this.#packets.launches.note(packet, beganPs, donePs - tailPs, tailPs);
  }

  /** Forgets it, before the receiver sees the message. */
  forget(packet: Packet): void {
    this.#packets.words[packet + KIND] &= ~PacketFlag.timed;
  }

  /** How much later than its head the last byte of a message comes, ps. */
  tailPs(lane: number, packet: Packet): number {
    return this.#isTimed(packet)
      ? this.#packets.launches.tailPs(packet)
      : this.#lanes.healthyTailPs(lane, this.#packets.words[packet + SIZE_BYTES]);
  }

  /** The crossing of a message that is handled at an instant. The object is reused. */
  of(lane: number, packet: Packet, handledPs: number): Crossing {
    const { words, launches } = this.#packets;
    const crossing = this.#crossing;
    crossing.handledPs = handledPs;
    if (this.#isTimed(packet)) {
      crossing.sentPs = launches.sentPs(packet);
      crossing.beganPs = launches.beganPs(packet);
      return crossing;
    }
    const requests = requestsOf(words[packet + KIND]);
    const sendPs = this.#lanes.healthySendPs(lane, words[packet + SIZE_BYTES], requests);
    crossing.sentPs = handledPs - this.#lanes.healthyLatencyPs(lane);
    crossing.beganPs = crossing.sentPs - sendPs;
    return crossing;
  }

  #isTimed(packet: Packet): boolean {
    return (this.#packets.words[packet + KIND] & PacketFlag.timed) !== 0;
  }
}
