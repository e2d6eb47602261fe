/**
 * DeepEP's normal protocol, as a rank sees it: one copy of a token to each node that holds experts
 * for it, on the sender's own plane, passed on there over NVLink (relay.ts); each rank returns the
 * weighted sum of its experts' outputs, which are added up on the way back. Ranks of the sender's
 * node are reached over NVLink directly. What fails its check on the way is named in the sums as
 * given up.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { CopyPacker } from "./copy-packer.ts";
import { CopyReader } from "./copy-reader.ts";
import { ExpertOutput } from "./expert-output.ts";
import type { Inbox } from "./inbox.ts";
import type { Protocol, ProtocolParts } from "./protocol.ts";
import { Relay } from "./relay.ts";
import { StableOrder } from "./stable-order.ts";
import { choiceOf, isRefused, refusedChoiceOf } from "./token-slot.ts";
import { CHOICE_WORDS, COPY_WORDS, SUM_WORDS, TokenSum } from "./token-sum.ts";

/** Tokens that one message carries when messages carry many. */
const CHUNK_TOKENS = 32;
/** Chunks that a batch has at least: filling the pipeline then costs little more than by tokens. */
const CHUNKS_LEAST = 64;

/** Tokens of a chunk: {@link CHUNK_TOKENS}, or fewer, 2 at least, in small batches. */
function chunkOf(tokensPerGpu: number): number {
  return Math.max(2, Math.min(CHUNK_TOKENS, Math.floor(tokensPerGpu / CHUNKS_LEAST)));
}

export class Normal implements Protocol {
  readonly #parts: ProtocolParts;
  readonly #chunk: number;
  /** Words of a copy without its choices, and of a sum. */
  readonly #copyWords: number;
  readonly #sumWords: number;
  /**
   * Results go block by block of tokens, round all home ranks in each: so the ranks of a node
   * return their shares for a token at about the same time, and its sum leaves while others are
   * computed.
   */
  readonly #order: StableOrder;
  readonly #blocks: number;
  #turn = new Int32Array(0);
  readonly #output: ExpertOutput;
  readonly #relay: Relay;
  readonly #packer: CopyPacker;
  readonly #reader: CopyReader;
  readonly #sum = new TokenSum();
  #inbox: Inbox | undefined;

  constructor(parts: ProtocolParts) {
    const { services, peers } = parts;
    this.#parts = parts;
    const { grain, tokensPerGpu } = services.scenario.workload;
    this.#chunk = grain === "message" ? chunkOf(tokensPerGpu) : 1;
    this.#copyWords = COPY_WORDS + parts.payloads.checkWords;
    this.#sumWords = SUM_WORDS + parts.payloads.checkWords;
    this.#blocks = Math.ceil(tokensPerGpu / CHUNK_TOKENS);
    this.#order = new StableOrder(this.#blocks * peers.size);
    this.#output = new ExpertOutput(services.oracle);
    this.#relay = new Relay(parts, this.#chunk);
    this.#packer = new CopyPacker(parts);
    this.#reader = new CopyReader(parts);
  }

  get isWaiting(): boolean {
    return this.#relay.isWaiting;
  }

  prepareCopies(): number {
    return Math.ceil(this.#parts.home.batch.tokens / this.#chunk);
  }

  postCopies(context: ActorContext, part: number): void {
    const { batch } = this.#parts.home;
    const firstToken = part * this.#chunk;
    const endToken = Math.min(firstToken + this.#chunk, batch.tokens);
    this.#packer.post(context, firstToken * batch.topK, endToken * batch.topK);
  }

  /** Shares leave over NVLink only; what the relays add up must not hold them back. */
  backlogPs(context: ActorContext, phase: "copies" | "results"): number {
    const { messenger } = this.#parts;
    return phase === "copies" ? messenger.backlogPs(context) : messenger.nvlinkBacklogPs(context);
  }

  prepareResults(inbox: Inbox): number {
    const { peers } = this.#parts;
    this.#inbox = inbox;
    if (this.#turn.length < inbox.count) this.#turn = new Int32Array(inbox.count * 2);
    for (let row = 0; row < inbox.count; row += 1) {
      const distance = (inbox.home[row] - peers.rank + peers.size) % peers.size;
      const block = Math.floor(inbox.token[row] / CHUNK_TOKENS);
      this.#turn[row] = block * peers.size + distance;
    }
    this.#order.sort(this.#turn, inbox.count);
    return this.#blocks * peers.size;
  }

  postResults(context: ActorContext, part: number): void {
    const { peers } = this.#parts;
    const rank = peers.around(part % peers.size);
    if (peers.isMasked(rank)) return;
    let at = this.#order.first(part);
    const end = this.#order.end(part);
    while (at < end) at = this.#postSums(context, rank, at, end);
  }

  received(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    switch (packets.words[packet + KIND] & KIND_MASK) {
      case PacketKind.nodeDispatch:
        this.#relay.forward(context, packet, rank);
        return;
      case PacketKind.partial:
        this.#relay.partialArrived(context, packet);
        return;
      case PacketKind.sharesRefused:
        this.#relay.refused(context, packet, rank);
        return;
      case PacketKind.dispatch:
        this.#copiesArrived(context, packet, rank);
        return;
      default:
        this.#sumsArrived(context, packet);
    }
  }

  awaits(rank: number): boolean {
    return this.#relay.awaits(rank);
  }

  /** There is no failover, so nothing is sent again. */
  sendAgain(): void {}

  receivedAgain(context: ActorContext, packet: Packet): void {
    context.packets.free(packet);
  }

  dropRank(context: ActorContext, rank: number, fault: number): void {
    const { peers, messenger } = this.#parts;
    this.#relay.dropRank(context, rank, fault);
    const relay = peers.resultRelayOf(rank);
    if (peers.isNeighbour(rank) || relay === peers.rank || peers.isMasked(relay)) return;
    const actor = peers.actorOf[relay];
    const packet = messenger.control(context, PacketKind.sharesRefused, actor, fault);
    context.packets.words[packet + LAYER] = messenger.firstExchange + this.#parts.home.chain;
    context.packets.words[packet + TOKEN] = rank;
    messenger.post(context, packet);
  }

  forget(): void {
    this.#relay.forget();
  }

  #copiesArrived(context: ActorContext, packet: Packet, rank: number): void {
    const { packets } = context;
    const exchange = packets.words[packet + LAYER];
    const cargo = packets.cargoOf(packet);
    let at = packets.cargo.first(cargo);
    const end = at + packets.cargo.lengthOf(cargo);
    const { words } = packets.cargo;
    while (at < end) {
      const copy = at;
      at += this.#copyWords;
      this.#reader.begin(copy, exchange, rank);
      for (let choice = 0; choice < words[copy + 1]; choice += 1, at += CHOICE_WORDS) {
        this.#reader.take(context, words, at);
      }
    }
    packets.free(packet);
  }

  #sumsArrived(context: ActorContext, packet: Packet): void {
    const { packets } = context;
    const { home, payloads } = this.#parts;
    if (packets.words[packet + LAYER] === home.exchange) {
      const cargo = packets.cargoOf(packet);
      const first = packets.cargo.first(cargo);
      const end = first + packets.cargo.lengthOf(cargo);
      for (let at = first; at < end; at += this.#sumWords) {
        home.sumArrived(context, this.#sum.receive(context, payloads, packet, at));
      }
    }
    packets.free(packet);
  }

  /** Sends sums for up to a chunk of tokens of one rank; returns where it stopped. */
  #postSums(context: ActorContext, rank: number, from: number, end: number): number {
    const { peers, home, payloads } = this.#parts;
    const inbox = this.#inbox as Inbox;
    let until = from;
    let tokens = 0;
    for (let last = -1; until < end; until += 1) {
      const token = inbox.token[this.#order.at[until]];
      if (token === last) continue;
      if (tokens === this.#chunk) break;
      last = token;
      tokens += 1;
    }
    const relay = peers.resultRelayOf(rank);
    const isKept = rank === peers.rank || relay === peers.rank;
    const packet = isKept ? -1 : this.#sumMessage(context, { rank, relay, tokens });
    const words = context.packets.cargo.words;
    let place = isKept ? 0 : context.packets.cargo.first(context.packets.cargoOf(packet));
    for (let at = from; at < until; ) {
      at = this.#sumOf(at, until);
      if (rank === peers.rank) home.sumArrived(context, this.#sum);
      else if (isKept) this.#relay.add(context, rank, inbox.exchange, this.#sum);
      else place = this.#sum.write(context, payloads, words, place);
    }
    if (isKept) return until;
    context.packets.seal(packet);
    this.#parts.messenger.post(context, packet);
    return until;
  }

  /** Adds up the outputs for the token at `from`; returns where the next token begins. */
  #sumOf(from: number, end: number): number {
    const inbox = this.#inbox as Inbox;
    const token = inbox.token[this.#order.at[from]];
    let at = from;
    this.#sum.begin(token);
    for (; at < end; at += 1) {
      const row = this.#order.at[at];
      if (inbox.token[row] !== token) break;
      const { low, high } = this.#output.of(inbox, row);
      const slot = inbox.slot[row];
      if (isRefused(slot)) this.#sum.lose(refusedChoiceOf(slot), low);
      else this.#sum.add(choiceOf(slot), inbox.weight[row], low, high);
    }
    return at;
  }

  #sumMessage(
    context: ActorContext,
    to: { readonly rank: number; readonly relay: number; readonly tokens: number },
  ): Packet {
    const { peers, services } = this.#parts;
    const isDirect = to.relay === to.rank;
    const packet = context.packets.take(isDirect ? PacketKind.combine : PacketKind.partial);
    context.packets.load(packet, to.tokens * this.#sumWords);
    const { words } = context.packets;
    words[packet + KIND] |= PacketFlag.ackRequest;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = peers.actorOf[to.relay];
    words[packet + LAYER] = (this.#inbox as Inbox).exchange;
    words[packet + SLOT] = to.rank;
    words[packet + SIZE_BYTES] = to.tokens * services.combineCopyBytes;
    return packet;
  }
}
