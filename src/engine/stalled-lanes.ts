/**
 * Messages that were sent on lanes that carry nothing for now. They wait where they were sent, in
 * order, and go when the stall is over; nothing is lost but what a dead sender had waiting.
 */
import { NEXT, NO_PACKET, type Packet, type PacketPool, timePlace } from "../model/packet.ts";
import { NEVER_PS } from "../model/time.ts";
import type { LaneTable } from "./lane-table.ts";

interface Waiting {
  first: Packet;
  last: Packet;
}

export class StalledLanes {
  readonly #lanes: LaneTable;
  readonly #packets: PacketPool;
  readonly #waiting = new Map<number, Waiting>();

  constructor(lanes: LaneTable, packets: PacketPool) {
    this.#lanes = lanes;
    this.#packets = packets;
  }

  /** Earliest end of the lease of a stall that something waits for; NEVER_PS: nothing waits. */
  get nextPs(): number {
    let nextPs = NEVER_PS;
    for (const lane of this.#waiting.keys()) {
      nextPs = Math.min(nextPs, this.#lanes.stalledUntilPs[lane]);
    }
    return nextPs;
  }

  /** A message that is to begin at `notBeforePs` at the earliest begins to wait. */
  hold(lane: number, packet: Packet, notBeforePs: number): void {
    const { words, times } = this.#packets;
    words[packet + NEXT] = NO_PACKET;
    times[timePlace(packet)] = notBeforePs;
    const waiting = this.#waiting.get(lane);
    if (waiting === undefined) {
      this.#waiting.set(lane, { first: packet, last: packet });
      return;
    }
    words[waiting.last + NEXT] = packet;
    waiting.last = packet;
  }

  /** Hands out in order what waits at a lane, and forgets it. */
  release(lane: number, each: (packet: Packet, notBeforePs: number) => void): void {
    let packet = this.#waiting.get(lane)?.first ?? NO_PACKET;
    this.#waiting.delete(lane);
    while (packet !== NO_PACKET) {
      const next = this.#packets.words[packet + NEXT];
      each(packet, this.#packets.times[timePlace(packet)]);
      packet = next;
    }
  }
}
