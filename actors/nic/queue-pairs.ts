/**
 * The queue pairs of one NIC, one per remote NIC, as columns. Each is both ends of InfiniBand RC:
 * the requester's sequence numbers and list of unacknowledged packets, the responder's expectation.
 */
import { NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import { NEXT, NO_PACKET, type Packet, type PacketPool } from "../../src/model/packet.ts";

export class QueuePairs {
  /** By queue pair: actor index of the remote NIC. */
  readonly remote: number[] = [];
  /**
   * Requester: sequence number of the next packet; retries since the last progress; has it failed?
   */
  readonly nextPsn: number[] = [];
  readonly retries: number[] = [];
  readonly failed: boolean[] = [];
  readonly timer: TimerId[] = [];
  /** Packets sent since one asked for an acknowledgement. */
  readonly unrequested: number[] = [];
  /** Sent and not acknowledged, oldest first. */
  readonly head: Packet[] = [];
  readonly tail: Packet[] = [];
  readonly outstanding: number[] = [];
  /** Responder: sequence number expected next; has it complained about the gap before it? */
  readonly expectedPsn: number[] = [];
  readonly complained: boolean[] = [];
  readonly #place = new Map<number, number>();

  /** The queue pair to a remote NIC; made when first used. */
  to(remote: number): number {
    const known = this.#place.get(remote);
    if (known !== undefined) return known;
    const pair = this.remote.length;
    this.#place.set(remote, pair);
    this.remote.push(remote);
    this.nextPsn.push(0);
    this.retries.push(0);
    this.failed.push(false);
    this.timer.push(NO_TIMER);
    this.unrequested.push(0);
    this.head.push(NO_PACKET);
    this.tail.push(NO_PACKET);
    this.outstanding.push(0);
    this.expectedPsn.push(0);
    this.complained.push(false);
    return pair;
  }

  /** Puts a packet at the end of the unacknowledged ones. */
  hold(packets: PacketPool, pair: number, packet: Packet): void {
    packets.words[packet + NEXT] = NO_PACKET;
    const last = this.tail[pair];
    if (last === NO_PACKET) this.head[pair] = packet;
    else packets.words[last + NEXT] = packet;
    this.tail[pair] = packet;
    this.outstanding[pair] += 1;
  }

  /** Takes the oldest unacknowledged packet off the list; there must be one. */
  release(packets: PacketPool, pair: number): Packet {
    const packet = this.head[pair];
    const next = packets.words[packet + NEXT];
    this.head[pair] = next;
    if (next === NO_PACKET) this.tail[pair] = NO_PACKET;
    this.outstanding[pair] -= 1;
    return packet;
  }
}
