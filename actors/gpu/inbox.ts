/**
 * Token copies that other ranks sent here for one layer: how many were announced, how many came,
 * and the packets themselves. A rank keeps two, since a faster rank may be one layer ahead.
 */
import { violated } from "../../src/base/assert.ts";
import { NEXT, NO_PACKET, ORIGIN, type Packet, type PacketPool } from "../../src/model/packet.ts";

/** "Not announced yet." */
const UNKNOWN = -1;

export class Inbox {
  /** Ordinal of the layer that it collects. */
  layer = -1;
  /** Ranks that it still waits for. */
  missing = 0;
  received = 0;
  readonly announced: Int32Array;
  readonly arrived: Int32Array;
  #head: Packet = NO_PACKET;
  #tail: Packet = NO_PACKET;

  constructor(ranks: number) {
    this.announced = new Int32Array(ranks);
    this.arrived = new Int32Array(ranks);
  }

  /** Starts to collect a layer from `live` ranks. */
  reset(layer: number, live: number): void {
    this.layer = layer;
    this.missing = live;
    this.received = 0;
    this.announced.fill(UNKNOWN);
    this.arrived.fill(0);
    this.#head = NO_PACKET;
    this.#tail = NO_PACKET;
  }

  /** Has everything that a rank announced arrived? */
  isWhole(rank: number): boolean {
    return this.announced[rank] === this.arrived[rank];
  }

  /** A token copy of a rank. */
  add(packets: PacketPool, packet: Packet, rank: number): void {
    packets.words[packet + NEXT] = NO_PACKET;
    if (this.#tail === NO_PACKET) this.#head = packet;
    else packets.words[this.#tail + NEXT] = packet;
    this.#tail = packet;
    this.received += 1;
    this.arrived[rank] += 1;
    this.#check(rank);
  }

  /** A rank says how many token copies it sent. */
  announce(rank: number, count: number): void {
    if (this.announced[rank] !== UNKNOWN)
      violated("announced-once", `layer ${this.layer}, rank ${rank}`);
    this.announced[rank] = count;
    this.#check(rank);
  }

  /** Stops waiting for a rank and drops what came from it. */
  forget(packets: PacketPool, rank: number, actor: number): void {
    if (!this.isWhole(rank)) this.missing -= 1;
    let packet = this.take();
    while (packet !== NO_PACKET) {
      const next = packets.words[packet + NEXT];
      if (packets.words[packet + ORIGIN] === actor) {
        packets.free(packet);
        this.received -= 1;
      } else {
        packets.words[packet + NEXT] = NO_PACKET;
        if (this.#tail === NO_PACKET) this.#head = packet;
        else packets.words[this.#tail + NEXT] = packet;
        this.#tail = packet;
      }
      packet = next;
    }
    this.arrived[rank] = 0;
    this.announced[rank] = 0;
  }

  /** First packet of the list, for a look. */
  get first(): Packet {
    return this.#head;
  }

  #check(rank: number): void {
    const announced = this.announced[rank];
    if (announced !== UNKNOWN && this.arrived[rank] > announced) {
      violated(
        "dispatched-once",
        `layer ${this.layer}: ${this.arrived[rank]} copies of rank ${rank}`,
      );
    }
    if (this.isWhole(rank)) this.missing -= 1;
  }

  /** Hands the whole list over. */
  take(): Packet {
    const head = this.#head;
    this.#head = NO_PACKET;
    this.#tail = NO_PACKET;
    return head;
  }
}
