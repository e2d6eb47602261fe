/**
 * DeepEP's low-latency protocol: every copy goes straight to the rank that holds its expert, every
 * output straight back, and the home rank weights and adds. A message is one copy, or all copies
 * from one rank to one other. A copy that fails its check comes back refused, in place of an output
 * and as large.
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
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { Entries } from "./entries.ts";
import { ExpertOutput } from "./expert-output.ts";
import type { Inbox } from "./inbox.ts";
import type { Protocol, ProtocolParts } from "./protocol.ts";
import { StableOrder } from "./stable-order.ts";
import { choiceOf, isRefused, refusedChoiceOf, refusedSlot, slotOf } from "./token-slot.ts";

export class LowLatency implements Protocol {
  readonly isWaiting = false;
  readonly #parts: ProtocolParts;
  readonly #byMessage: boolean;
  readonly #entries: Entries;
  readonly #order: StableOrder;
  readonly #output: ExpertOutput;
  readonly #dispatchBytes: number;
  readonly #combineBytes: number;
  /** Outputs that each home rank still has to get from the inbox being posted. */
  readonly #left: Int32Array;
  #inbox: Inbox | undefined;
  /** What is being received came before, and its results were sent. */
  #isAgain = false;

  constructor(parts: ProtocolParts) {
    const { services, peers } = parts;
    this.#parts = parts;
    this.#byMessage = services.scenario.workload.grain === "message";
    this.#entries = new Entries(parts.payloads);
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
      for (let at = first; at < end; at += this.#entries.words) {
        const entry = packets.cargo.words;
        if (this.#entries.isWhole(entry, at)) {
          this.#take(context, packet, rank, entry[at], entry[at + 1], entry[at + 2], entry[at + 3]);
        } else this.#refuse(context, packet, rank, entry[at], entry[at + 1]);
      }
    }
    packets.free(packet);
  }

  sendAgain(context: ActorContext, rank: number): void {
    const { holder } = this.#parts.home;
    for (let place = 0; place < holder.length; place += 1) {
      if (holder[place] === rank) this.#postCopy(context, place);
    }
  }

  receivedAgain(context: ActorContext, packet: Packet, rank: number): void {
    this.#isAgain = true;
    this.received(context, packet, rank);
    this.#isAgain = false;
  }

  awaits(): boolean {
    return false;
  }

  dropRank(): void {}

  forget(): void {}

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
      const exchange = words[packet + LAYER];
      if (this.#isAgain) this.#returnAgain(context, rank, exchange, token, slot, low, high);
      else this.#parts.inboxOf(exchange).add(rank, token, slot, 0, low, high);
      return;
    }
    const choice = isRefused(slot) ? refusedChoiceOf(slot) : choiceOf(slot);
    const place = token * home.batch.topK + choice;
    // A result that is not awaited any more has come before, by another way.
    if (this.#parts.messenger.resends && !home.isOpen(place)) return;
    if (isRefused(slot)) home.refused(context, place, low);
    else home.outputArrived(context, place, low, high);
  }

  /** A copy or output that fails its check: noted as refused, or given up. */
  #refuse(context: ActorContext, packet: Packet, rank: number, token: number, slot: number): void {
    const { words } = context.packets;
    const exchange = words[packet + LAYER];
    const fault = this.#parts.payloads.corrupted(context, {
      fromActor: words[packet + ORIGIN],
      viaActor: -1,
      exchange,
      token,
    });
    const refused = isRefused(slot) ? slot : refusedSlot(slot);
    this.#take(context, packet, rank, token, refused, fault, 0);
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
    this.#entries.writeOne(
      context,
      packet,
      this.#dispatchBytes,
      token,
      slot,
      batch.low[token],
      batch.high[token],
    );
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
    context.packets.words[packet + KIND] |= PacketFlag.ackRequest;
    let place = this.#entries.load(context, packet, count, this.#dispatchBytes);
    const { batch } = home;
    for (let at = this.#order.first(rank); at < this.#order.end(rank); at += 1) {
      const assignment = this.#order.at[at];
      if (!home.isOpen(assignment)) continue;
      const token = Math.floor(assignment / batch.topK);
      const slot = slotOf(assignment % batch.topK, batch.experts[assignment]);
      place = this.#entries.write(context, place, token, slot, batch.low[token], batch.high[token]);
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
    if (this.#left[rank] === 0) context.packets.words[packet + KIND] |= PacketFlag.ackRequest;
    this.#entries.writeOne(context, packet, this.#combineBytes, token, slot, low, high);
    messenger.post(context, packet);
  }

  /** The output for a copy that was computed before. */
  #returnAgain(
    context: ActorContext,
    rank: number,
    exchange: number,
    token: number,
    slot: number,
    copyLow: number,
    copyHigh: number,
  ): void {
    const { low, high } = this.#output.from(exchange, slot, copyLow, copyHigh);
    const packet = this.#message(context, PacketKind.combine, rank, exchange);
    context.packets.words[packet + KIND] |= PacketFlag.ackRequest;
    this.#entries.writeOne(context, packet, this.#combineBytes, token, slot, low, high);
    this.#parts.messenger.post(context, packet);
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
    context.packets.words[packet + KIND] |= PacketFlag.ackRequest;
    let place = this.#entries.load(context, packet, end - first, this.#combineBytes);
    for (let at = first; at < end; at += 1) {
      const row = this.#order.at[at];
      const { low, high } = this.#output.of(inbox, row);
      place = this.#entries.write(context, place, inbox.token[row], inbox.slot[row], low, high);
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
}
