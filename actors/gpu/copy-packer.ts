/**
 * Packs the copies of some tokens by the rank that each is sent to first, and sends them: to other
 * nodes one copy a node, on the sender's own plane; to ranks of this node directly.
 *
 * A copy in a cargo: token, choices, payload (two words), its checksum if there is one, then for
 * each choice slot, weight and the rank that holds the expert.
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
import type { ProtocolParts } from "./protocol.ts";
import { slotOf } from "./token-slot.ts";
import { CHOICE_WORDS, COPY_PAYLOAD, COPY_WORDS } from "./token-sum.ts";

export class CopyPacker {
  readonly #parts: ProtocolParts;
  /** Words of a copy without its choices. */
  readonly #copyWords: number;
  /** By rank: the rank that its copies are sent to first. */
  readonly #via: Int32Array;
  /**
   * By first rank: words of its message, its cargo's next word, the token and its count's place.
   */
  readonly #words: Int32Array;
  readonly #next: Int32Array;
  readonly #token: Int32Array;
  readonly #countAt: Int32Array;
  readonly #copies: Int32Array;
  readonly #packet: Int32Array;

  constructor(parts: ProtocolParts) {
    const { peers } = parts;
    this.#parts = parts;
    this.#copyWords = COPY_WORDS + parts.payloads.checkWords;
    this.#via = Int32Array.from({ length: peers.size }, (_, rank) => peers.viaOf(rank));
    this.#words = new Int32Array(peers.size);
    this.#next = new Int32Array(peers.size);
    this.#token = new Int32Array(peers.size);
    this.#countAt = new Int32Array(peers.size);
    this.#copies = new Int32Array(peers.size);
    this.#packet = new Int32Array(peers.size);
  }

  /** Sends the open assignments from `first` up to `end`; those of this rank go to its inbox. */
  post(context: ActorContext, first: number, end: number): void {
    this.#measure(first, end);
    this.#pack(context, first, end);
    this.#send(context);
  }

  /** How many words each first rank gets of the assignments from `first` up to `end`. */
  #measure(first: number, end: number): void {
    const { home, peers } = this.#parts;
    this.#words.fill(0);
    this.#token.fill(-1);
    this.#copies.fill(0);
    for (let place = first; place < end; place += 1) {
      if (!home.isOpen(place)) continue;
      const via = this.#via[home.holder[place]];
      if (via === peers.rank) continue;
      const token = Math.floor(place / home.batch.topK);
      if (this.#token[via] !== token) {
        this.#token[via] = token;
        this.#words[via] += this.#copyWords;
        this.#copies[via] += 1;
      }
      this.#words[via] += CHOICE_WORDS;
    }
  }

  /** Writes the copies; those for this rank go to its inbox. */
  #pack(context: ActorContext, first: number, end: number): void {
    const { home, peers, payloads } = this.#parts;
    const { batch } = home;
    for (let rank = 0; rank < peers.size; rank += 1) {
      if (this.#words[rank] > 0) this.#packet[rank] = this.#message(context, rank);
    }
    this.#token.fill(-1);
    const { words } = context.packets.cargo;
    for (let place = first; place < end; place += 1) {
      if (!home.isOpen(place)) continue;
      const holder = home.holder[place];
      const via = this.#via[holder];
      const token = Math.floor(place / batch.topK);
      const slot = slotOf(place % batch.topK, batch.experts[place]);
      const weight = batch.weights[place];
      if (via === peers.rank) {
        const inbox = this.#parts.inboxOf(home.exchange);
        inbox.add(peers.rank, token, slot, weight, batch.low[token], batch.high[token]);
        continue;
      }
      let at = this.#next[via];
      if (this.#token[via] !== token) {
        this.#token[via] = token;
        this.#countAt[via] = at + 1;
        words[at] = token;
        words[at + 1] = 0;
        words[at + 2] = batch.low[token];
        words[at + 3] = batch.high[token];
        payloads.written(context, words, at + COPY_PAYLOAD, at + COPY_WORDS);
        at += this.#copyWords;
      }
      words[this.#countAt[via]] += 1;
      words[at] = slot;
      words[at + 1] = weight;
      words[at + 2] = holder;
      this.#next[via] = at + CHOICE_WORDS;
    }
  }

  /** Sends what was packed: to other nodes first, since that way is the longer one. */
  #send(context: ActorContext): void {
    const { peers, messenger } = this.#parts;
    for (const isLocalTurn of [false, true]) {
      for (let distance = 1; distance < peers.size; distance += 1) {
        const rank = peers.around(distance);
        if (this.#words[rank] === 0) continue;
        const actor = peers.actorOf[rank];
        if (peers.isLocal(actor) !== isLocalTurn) continue;
        const packet = this.#packet[rank];
        context.packets.seal(packet);
        if (isLocalTurn) messenger.post(context, packet);
        else messenger.opposite(context, packet);
      }
    }
  }

  #message(context: ActorContext, rank: number): Packet {
    const { peers, home, services } = this.#parts;
    const actor = peers.actorOf[rank];
    const kind = peers.isLocal(actor) ? PacketKind.dispatch : PacketKind.nodeDispatch;
    const packet = context.packets.take(kind);
    const { words } = context.packets;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = actor;
    words[packet + LAYER] = home.exchange;
    words[packet + SIZE_BYTES] = this.#copies[rank] * services.dispatchCopyBytes;
    const cargo = context.packets.load(packet, this.#words[rank]);
    this.#next[rank] = context.packets.cargo.first(cargo);
    return packet;
  }
}
