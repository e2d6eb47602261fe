/**
 * Token copies and outputs of the low-latency protocol as they stand in a message: one in the row
 * of its packet, or any number in a cargo, with four words each: token, slot, payload. With
 * end-to-end checks there is a cargo always, and a fifth word in each entry.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import type { Payloads } from "./payloads.ts";

/** Words of an entry without its checksum; its payload's first word. */
export const ENTRY_WORDS = 4;
const ENTRY_PAYLOAD = 2;

export class Entries {
  /** Words of an entry in a cargo. */
  readonly words: number;
  readonly #payloads: Payloads;

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
    this.words = ENTRY_WORDS + payloads.checkWords;
  }

  /** Makes a packet the message of one entry. */
  writeOne(
    context: ActorContext,
    packet: Packet,
    sizeBytes: number,
    token: number,
    slot: number,
    low: number,
    high: number,
  ): void {
    if (this.#payloads.isChecked) {
      const place = this.load(context, packet, 1, sizeBytes);
      this.write(context, place, token, slot, low, high);
      context.packets.seal(packet);
      return;
    }
    const { words } = context.packets;
    words[packet + SIZE_BYTES] = sizeBytes;
    words[packet + TOKEN] = token;
    words[packet + SLOT] = slot;
    words[packet + PAYLOAD_LOW] = low;
    words[packet + PAYLOAD_HIGH] = high;
    this.#payloads.passed(context, words, packet + PAYLOAD_LOW);
  }

  /**
   * Gives a message room for `count` entries of `entryBytes` on the wire, each a work request;
   * returns where the first one goes.
   */
  load(context: ActorContext, packet: Packet, count: number, entryBytes: number): number {
    const { packets } = context;
    const cargo = packets.load(packet, count * this.words);
    packets.words[packet + SIZE_BYTES] = count * entryBytes;
    packets.words[packet + TOKEN] = count;
    return packets.cargo.first(cargo);
  }

  /** Writes an entry into a cargo; returns where the next one goes. */
  write(
    context: ActorContext,
    place: number,
    token: number,
    slot: number,
    low: number,
    high: number,
  ): number {
    const { words } = context.packets.cargo;
    words[place] = token;
    words[place + 1] = slot;
    words[place + 2] = low;
    words[place + 3] = high;
    this.#payloads.written(context, words, place + ENTRY_PAYLOAD, place + ENTRY_WORDS);
    return place + this.words;
  }

  /** Does the payload of an entry of a cargo pass its check? */
  isWhole(words: Int32Array, place: number): boolean {
    return this.#payloads.isWhole(words, place + ENTRY_PAYLOAD, place + ENTRY_WORDS);
  }
}
