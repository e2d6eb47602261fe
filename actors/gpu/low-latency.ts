/**
 * DeepEP's low-latency protocol: every copy goes straight to the rank that holds its expert, every
 * output straight back, and the home rank weights and adds. A message is one copy, or all copies
 * from one rank to one other (then four words each in its cargo: token, slot, payload).
 */
import { violated } from "../../src/base/assert.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketFlag,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { ExpertOutput } from "./expert-output.ts";
import type { Inbox } from "./inbox.ts";
import type { Protocol, ProtocolParts } from "./protocol.ts";
import { StableOrder } from "./stable-order.ts";
import { choiceOf, slotOf } from "./token-slot.ts";

/** Words of a copy or output in a cargo. */
const ENTRY_WORDS = 4;

export class LowLatency implements Protocol {
  readonly isWaiting = false;
  readonly #parts: ProtocolParts;
  readonly #byMessage: boolean;
  readonly #order: StableOrder;
  readonly #output: ExpertOutput;
  readonly #dispatchBytes: number;
  readonly #combineBytes: number;
  /** Outputs that each home rank still has to get from the inbox being posted. */
  readonly #left: Int32Array;
  #inbox: Inbox | undefined;

  constructor(parts: ProtocolParts) {
    const { services, peers } = parts;
    this.#parts = parts;
    this.#byMessage = services.scenario.workload.grain === "message";
    this.#order = new StableOrder(peers.size);
    this.#output = new ExpertOutput(services.oracle);
    this.#dispatchBytes = services.dispatchCopyBytes;
    this.#combineBytes = services.combineCopyBytes;
    this.#left = new Int32Array(peers.size);
  }

  prepareCopies(): number {
    const { home, peers } = this.#parts;
    const count = home.batch.state.length;
    if (!this.#byMessage) return count;
    this.#order.sort(home.holder, count);
    return peers.size;
  }

  postCopies(context: ActorContext, part: number): void {
    if (this.#byMessage) this.#postCopyMessage(context, this.#parts.peers.around(part));
    else this.#postCopy(context, part);
  }

  backlogPs(context: ActorContext): number {
    return this.#parts.messenger.backlogPs(context);
  }

  prepareResults(inbox: Inbox): number {
    this.#inbox = inbox;
    if (!this.#byMessage) {
      this.#left.set(inbox.arrived);
      return inbox.count;
    }
    this.#order.sort(inbox.home, inbox.count);
    return this.#parts.peers.size;
  }

  postResults(context: ActorContext, part: number): void {
    if (this.#byMessage) this.#postOutputMessage(context, this.#parts.peers.around(part));
    else this.#postOutput(context, part);
  }

  received(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const { words } = packets;
    const isDispatch = (words[packet + KIND] & KIND_MASK) === PacketKind.dispatch;
    if (!isDispatch && words[packet + LAYER] !== this.#parts.home.exchange) {
      violated("combined-once", `exchange ${words[packet + LAYER]} from rank ${rank}`);
    }
    if ((words[packet + KIND] & PacketFlag.cargo) === 0) {
      const low = words[packet + PAYLOAD_LOW];
      const high = words[packet + PAYLOAD_HIGH];
      this.#take(context, packet, rank, words[packet + TOKEN], words[packet + SLOT], low, high);
    } else {
      const cargo = packets.cargoOf(packet);
      const first = packets.cargo.first(cargo);
      const end = first + packets.cargo.lengthOf(cargo);
      for (let at = first; at < end; at += ENTRY_WORDS) {
        const entry = packets.cargo.words;
        this.#take(context, packet, rank, entry[at], entry[at + 1], entry[at + 2], entry[at + 3]);
      }
    }
    packets.free(packet);
  }

  awaits(): boolean {
    return false;
  }

  dropRank(): void {}

  /** One copy or output of a message. */
  #take(
    context: ActorContext,
    packet: Packet,
    rank: number,
    token: number,
    slot: number,
    low: number,
    high: number,
  ): void {
    const { words } = context.packets;
    const { home } = this.#parts;
    if ((words[packet + KIND] & KIND_MASK) === PacketKind.dispatch) {
      this.#parts.inboxOf(words[packet + LAYER]).add(rank, token, slot, 0, low, high);
    } else home.outputArrived(context, token * home.batch.topK + choiceOf(slot), low, high);
  }

  #postCopy(context: ActorContext, place: number): void {
    const { home, peers, messenger } = this.#parts;
    if (!home.isOpen(place)) return;
    const { batch } = home;
    const token = Math.floor(place / batch.topK);
    const slot = slotOf(place % batch.topK, batch.experts[place]);
    const holder = home.holder[place];
    if (holder === peers.rank) {
      const inbox = this.#parts.inboxOf(home.exchange);
      inbox.add(holder, token, slot, 0, batch.low[token], batch.high[token]);
      return;
    }
    const packet = this.#message(context, PacketKind.dispatch, holder, home.exchange);
    const { words } = context.packets;
    words[packet + SIZE_BYTES] = this.#dispatchBytes;
    words[packet + TOKEN] = token;
    words[packet + SLOT] = slot;
    words[packet + PAYLOAD_LOW] = batch.low[token];
    words[packet + PAYLOAD_HIGH] = batch.high[token];
    messenger.post(context, packet);
  }

  /** All copies for a rank; those of this rank stay here. */
  #postCopyMessage(context: ActorContext, rank: number): void {
    const { home, peers, messenger } = this.#parts;
    if (rank === peers.rank) {
      for (let at = this.#order.first(rank); at < this.#order.end(rank); at += 1) {
        this.#postCopy(context, this.#order.at[at]);
      }
      return;
    }
    const count = home.batch.openOf[rank];
    if (count === 0) return;
    const packet = this.#message(context, PacketKind.dispatch, rank, home.exchange);
    let place = this.#load(context, packet, count, this.#dispatchBytes);
    const { words } = context.packets.cargo;
    const { batch } = home;
    for (let at = this.#order.first(rank); at < this.#order.end(rank); at += 1) {
      const assignment = this.#order.at[at];
      if (!home.isOpen(assignment)) continue;
      const token = Math.floor(assignment / batch.topK);
      words[place] = token;
      words[place + 1] = slotOf(assignment % batch.topK, batch.experts[assignment]);
      words[place + 2] = batch.low[token];
      words[place + 3] = batch.high[token];
      place += ENTRY_WORDS;
    }
    context.packets.seal(packet);
    messenger.post(context, packet);
  }

  /** The output for one row; the last for a rank asks for an acknowledgement. */
  #postOutput(context: ActorContext, row: number): void {
    const { home, peers, messenger } = this.#parts;
    const inbox = this.#inbox as Inbox;
    const rank = inbox.home[row];
    if (peers.isMasked(rank)) return;
    const { low, high } = this.#output.of(inbox, row);
    const token = inbox.token[row];
    const slot = inbox.slot[row];
    if (rank === peers.rank) {
      home.outputArrived(context, token * home.batch.topK + choiceOf(slot), low, high);
      return;
    }
    this.#left[rank] -= 1;
    const packet = this.#message(context, PacketKind.combine, rank, inbox.exchange);
    const { words } = context.packets;
    if (this.#left[rank] === 0) words[packet + KIND] |= PacketFlag.ackRequest;
    words[packet + SIZE_BYTES] = this.#combineBytes;
    words[packet + TOKEN] = token;
    words[packet + SLOT] = slot;
    words[packet + PAYLOAD_LOW] = low;
    words[packet + PAYLOAD_HIGH] = high;
    messenger.post(context, packet);
  }

  /** All outputs for a rank. */
  #postOutputMessage(context: ActorContext, rank: number): void {
    const { peers, messenger } = this.#parts;
    const inbox = this.#inbox as Inbox;
    const first = this.#order.first(rank);
    const end = this.#order.end(rank);
    if (first === end || peers.isMasked(rank)) return;
    if (rank === peers.rank) {
      for (let at = first; at < end; at += 1) this.#postOutput(context, this.#order.at[at]);
      return;
    }
    const packet = this.#message(context, PacketKind.combine, rank, inbox.exchange);
    let place = this.#load(context, packet, end - first, this.#combineBytes);
    const { words } = context.packets.cargo;
    for (let at = first; at < end; at += 1) {
      const row = this.#order.at[at];
      const { low, high } = this.#output.of(inbox, row);
      words[place] = inbox.token[row];
      words[place + 1] = inbox.slot[row];
      words[place + 2] = low;
      words[place + 3] = high;
      place += ENTRY_WORDS;
    }
    context.packets.seal(packet);
    messenger.post(context, packet);
  }

  #message(context: ActorContext, kind: number, rank: number, exchange: number): Packet {
    const packet = context.packets.take(kind);
    const { words } = context.packets;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = this.#parts.peers.actorOf[rank];
    words[packet + LAYER] = exchange;
    return packet;
  }

  /** Gives a message room for `count` copies, each a request; returns where the first one goes. */
  #load(context: ActorContext, packet: Packet, count: number, copyBytes: number): number {
    const { packets } = context;
    const cargo = packets.load(packet, count * ENTRY_WORDS);
    packets.words[packet + KIND] |= PacketFlag.ackRequest;
    packets.words[packet + SIZE_BYTES] = count * copyBytes;
    packets.words[packet + TOKEN] = count;
    return packets.cargo.first(cargo);
  }
}
