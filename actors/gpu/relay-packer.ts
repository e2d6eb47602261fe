/**
 * Splits a message of copies from another node by the local ranks that they are for, and sends each
 * rank its part over NVLink, with the checksums that the copies came with; this rank's own part
 * goes to its inbox.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  DESTINATION,
  LAYER,
  ORIGIN,
  type Packet,
  PacketKind,
  SIZE_BYTES,
} from "../../src/model/packet.ts";
import { CopyReader } from "./copy-reader.ts";
import type { ProtocolParts } from "./protocol.ts";
import { CHOICE_WORDS, COPY_PAYLOAD, COPY_WORDS } from "./token-sum.ts";

export class RelayPacker {
  readonly #parts: ProtocolParts;
  /** Words of a copy without its choices. */
  readonly #copyWords: number;
  readonly #reader: CopyReader;
  /** By local rank: words and copies of its part, and while writing its next word. */
  readonly #words: Int32Array;
  readonly #copies: Int32Array;
  readonly #next: Int32Array;
  readonly #countAt: Int32Array;
  readonly #packet: Int32Array;
  /** By local rank: the last copy, by its place, that had a choice for it. */
  readonly #lastCopy: Int32Array;

  constructor(parts: ProtocolParts) {
    const width = parts.peers.ranksPerNode;
    this.#parts = parts;
    this.#copyWords = COPY_WORDS + parts.payloads.checkWords;
    this.#reader = new CopyReader(parts);
    this.#words = new Int32Array(width);
    this.#copies = new Int32Array(width);
    this.#next = new Int32Array(width);
    this.#countAt = new Int32Array(width);
    this.#packet = new Int32Array(width);
    this.#lastCopy = new Int32Array(width);
  }

  /** Sends on what the message of `home` holds; the message itself is left alone. */
  passOn(context: ActorContext, packet: Packet, home: number): void {
    const { cargo } = context.packets;
    const first = cargo.first(context.packets.cargoOf(packet));
    const end = first + cargo.lengthOf(context.packets.cargoOf(packet));
    this.#measure(cargo.words, first, end);
    this.#take(context, packet);
    this.#write(context, { exchange: context.packets.words[packet + LAYER], home, first, end });
    this.#send(context);
  }

  #measure(words: Int32Array, first: number, end: number): void {
    this.#words.fill(0);
    this.#copies.fill(0);
    this.#lastCopy.fill(-1);
    const { peers } = this.#parts;
    for (let copy = first; copy < end; ) {
      let at = copy + this.#copyWords;
      for (let choice = 0; choice < words[copy + 1]; choice += 1, at += CHOICE_WORDS) {
        const rank = words[at + 2];
        if (rank === peers.rank || peers.isMasked(rank)) continue;
        const local = peers.localOf(rank);
        if (this.#lastCopy[local] !== copy) {
          this.#lastCopy[local] = copy;
          this.#words[local] += this.#copyWords;
          this.#copies[local] += 1;
        }
        this.#words[local] += CHOICE_WORDS;
      }
      copy = at;
    }
  }

  /** Takes a message for each local rank that gets something. */
  #take(context: ActorContext, packet: Packet): void {
    const { peers, services } = this.#parts;
    const { packets } = context;
    for (let local = 0; local < peers.ranksPerNode; local += 1) {
      if (this.#words[local] === 0) continue;
      const part = packets.take(PacketKind.dispatch);
      const { words } = packets;
      words[part + ORIGIN] = words[packet + ORIGIN];
      words[part + DESTINATION] = peers.actorOf[peers.neighbour(local)];
      words[part + LAYER] = words[packet + LAYER];
      words[part + SIZE_BYTES] = this.#copies[local] * services.dispatchCopyBytes;
      this.#next[local] = packets.cargo.first(packets.load(part, this.#words[local]));
      this.#packet[local] = part;
    }
  }

  #write(
    context: ActorContext,
    from: {
      readonly exchange: number;
      readonly home: number;
      readonly first: number;
      readonly end: number;
    },
  ): void {
    const { peers } = this.#parts;
    const { words } = context.packets.cargo;
    this.#lastCopy.fill(-1);
    for (let copy = from.first; copy < from.end; ) {
      let at = copy + this.#copyWords;
      this.#reader.begin(copy, from.exchange, from.home);
      for (let choice = 0; choice < words[copy + 1]; choice += 1, at += CHOICE_WORDS) {
        const rank = words[at + 2];
        if (rank === peers.rank) this.#reader.take(context, words, at);
        else if (!peers.isMasked(rank)) {
          this.#writeChoice(context, copy, at, peers.localOf(rank));
        }
      }
      copy = at;
    }
  }

  #writeChoice(context: ActorContext, copy: number, choice: number, local: number): void {
    const { words } = context.packets.cargo;
    let next = this.#next[local];
    if (this.#lastCopy[local] !== copy) {
      this.#lastCopy[local] = copy;
      this.#countAt[local] = next + 1;
      for (let word = 0; word < this.#copyWords; word += 1) words[next + word] = words[copy + word];
      words[next + 1] = 0;
      this.#parts.payloads.passed(context, words, next + COPY_PAYLOAD);
      next += this.#copyWords;
    }
    words[this.#countAt[local]] += 1;
    words[next] = words[choice];
    words[next + 1] = words[choice + 1];
    words[next + 2] = words[choice + 2];
    this.#next[local] = next + CHOICE_WORDS;
  }

  #send(context: ActorContext): void {
    const { peers, messenger } = this.#parts;
    for (let step = 1; step < peers.ranksPerNode; step += 1) {
      const local = (peers.localOf(peers.rank) + step) % peers.ranksPerNode;
      if (this.#words[local] === 0) continue;
      context.packets.seal(this.#packet[local]);
      messenger.post(context, this.#packet[local]);
    }
  }
}
