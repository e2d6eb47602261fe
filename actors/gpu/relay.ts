/**
 * A rank as the one through which ranks of other nodes reach its node: it passes their copies on
 * over NVLink, waits for the shares of the ranks that got one, adds them up, and returns one sum a
 * token. It serves the ranks in its own place of all other nodes. What a rank that is given up
 * would have added is named in the sum as lost, so that nobody waits for it.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import {
  DESTINATION,
  KIND,
  LAYER,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import type { ProtocolParts } from "./protocol.ts";
import { RelayPacker } from "./relay-packer.ts";
import { choiceOf } from "./token-slot.ts";
import { CHOICE_WORDS, COPY_WORDS, SUM_WORDS, TokenSum } from "./token-sum.ts";

/** In place of a fault; NO_FAULT would be a refusal that nothing explains. */
const NO_REFUSAL = -2;

export class Relay {
  readonly #parts: ProtocolParts;
  readonly #chunk: number;
  /** Words of a copy without its choices, and of a sum. */
  readonly #copyWords: number;
  readonly #sumWords: number;
  readonly #packer: RelayPacker;
  readonly #sum = new TokenSum();
  readonly #tokens: number;
  /** By home node: its exchange here, and its tokens that wait for a share. */
  readonly #exchange: Int32Array;
  readonly #openTokens: Int32Array;
  /** By home node: sums that wait to be sent. */
  readonly #sums: readonly Int32Array[];
  readonly #sumCount: Int32Array;
  /** By home node and token: shares awaited, choices here and in the sum, and the sum. */
  readonly #pending: Uint8Array;
  readonly #expected: Int32Array;
  readonly #combined: Int32Array;
  readonly #fault: Int32Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  /** By home node, token and local rank: 1 when its share is awaited. */
  readonly #awaited: Uint8Array;
  /** By home node and local rank: the fault for which it refuses shares. */
  readonly #refusal: Int32Array;
  /** By local rank: tokens that wait for its share. */
  readonly #awaitedOf: Int32Array;
  #open = 0;

  constructor(parts: ProtocolParts, chunk: number) {
    const { peers, services } = parts;
    const nodes = peers.nodes;
    const tokens = services.scenario.workload.tokensPerGpu;
    const places = nodes > 1 ? nodes * tokens : 0;
    this.#parts = parts;
    this.#chunk = chunk;
    this.#copyWords = COPY_WORDS + parts.payloads.checkWords;
    this.#sumWords = SUM_WORDS + parts.payloads.checkWords;
    this.#packer = new RelayPacker(parts);
    this.#tokens = tokens;
    this.#exchange = new Int32Array(nodes).fill(-1);
    this.#openTokens = new Int32Array(nodes);
    this.#sums = Array.from({ length: nodes }, () => new Int32Array(chunk * this.#sumWords));
    this.#sumCount = new Int32Array(nodes);
    this.#pending = new Uint8Array(places);
    this.#expected = new Int32Array(places);
    this.#combined = new Int32Array(places);
    this.#fault = new Int32Array(places);
    this.#low = new Int32Array(places);
    this.#high = new Int32Array(places);
    this.#awaited = new Uint8Array(places * peers.ranksPerNode);
    this.#refusal = new Int32Array(nodes * peers.ranksPerNode).fill(NO_REFUSAL);
    this.#awaitedOf = new Int32Array(peers.ranksPerNode);
  }

  get isWaiting(): boolean {
    return this.#open > 0;
  }

  awaits(rank: number): boolean {
    const { peers } = this.#parts;
    return peers.isNeighbour(rank) && this.#awaitedOf[peers.localOf(rank)] > 0;
  }

  /** Copies of a rank of another node: notes who gets one, and passes them on. */
  forward(context: ActorContext, packet: Packet, home: number): void {
    const { packets } = context;
    const exchange = packets.words[packet + LAYER];
    const node = this.#parts.peers.nodeOf(home);
    if (this.#exchange[node] !== exchange) this.#begin(node, exchange);
    const cargo = packets.cargoOf(packet);
    const first = packets.cargo.first(cargo);
    const end = first + packets.cargo.lengthOf(cargo);
    for (let at = first; at < end; ) at = this.#note(packets.cargo.words, at, node);
    this.#packer.passOn(context, packet, home);
    for (let at = first; at < end; ) {
      const { words } = packets.cargo;
      const place = node * this.#tokens + words[at];
      const next = at + this.#copyWords + words[at + 1] * CHOICE_WORDS;
      if (this.#pending[place] === 0) this.#emit(context, node, words[at]);
      at = next;
    }
    packets.free(packet);
  }

  /** A rank of this node returns its shares for the tokens of a home rank. */
  partialArrived(context: ActorContext, packet: Packet): void {
    const { packets } = context;
    const { peers, payloads } = this.#parts;
    const rank = peers.rankOf(packets.words[packet + ORIGIN]);
    const node = peers.nodeOf(packets.words[packet + SLOT]);
    const exchange = packets.words[packet + LAYER];
    const cargo = packets.cargoOf(packet);
    const first = packets.cargo.first(cargo);
    const end = first + packets.cargo.lengthOf(cargo);
    for (let at = first; at < end; at += this.#sumWords) {
      const share = this.#sum.receive(context, payloads, packet, at);
      this.#addShare(context, node, exchange, rank, share);
    }
    packets.free(packet);
  }

  /** A rank of this node has given a home rank up, and will return no share for it. */
  refused(context: ActorContext, packet: Packet, rank: number): void {
    const { words } = context.packets;
    const { peers } = this.#parts;
    const node = peers.nodeOf(words[packet + TOKEN]);
    const local = peers.localOf(rank);
    const fault = words[packet + SLOT];
    this.#refusal[node * peers.ranksPerNode + local] = fault;
    context.packets.free(packet);
    this.#giveUp(context, node, local, fault);
  }

  /** This rank's own share. */
  add(context: ActorContext, home: number, exchange: number, sum: TokenSum): void {
    const { peers } = this.#parts;
    this.#addShare(context, peers.nodeOf(home), exchange, peers.rank, sum);
  }

  /** A rank was given up: nobody waits for its shares, or nobody for its sums. */
  dropRank(context: ActorContext, rank: number, fault: number): void {
    const { peers } = this.#parts;
    if (!peers.isNeighbour(rank)) {
      if (peers.localOf(rank) === peers.localOf(peers.rank)) this.#begin(peers.nodeOf(rank), -1);
      return;
    }
    const local = peers.localOf(rank);
    for (let node = 0; node < peers.nodes; node += 1) this.#giveUp(context, node, local, fault);
  }

  /** Waits for nothing, and nobody refuses anything. */
  forget(): void {
    for (let node = 0; node < this.#exchange.length; node += 1) this.#begin(node, -1);
    this.#refusal.fill(NO_REFUSAL);
  }

  /** No token of a home node waits for the shares of a local rank any more. */
  #giveUp(context: ActorContext, node: number, local: number, fault: number): void {
    for (let token = 0; token < this.#tokens && this.#awaitedOf[local] > 0; token += 1) {
      if (!this.#settle(node, token, local)) continue;
      this.#fault[node * this.#tokens + token] = fault;
      this.#emitIfWhole(context, node, token);
    }
  }

  /** Starts with a new exchange of a home node; what the last one left behind is forgotten. */
  #begin(node: number, exchange: number): void {
    if (this.#openTokens[node] > 0) {
      const { ranksPerNode } = this.#parts.peers;
      for (let token = 0; token < this.#tokens; token += 1) {
        for (let local = 0; local < ranksPerNode; local += 1) this.#settle(node, token, local);
      }
      this.#open -= this.#openTokens[node];
      this.#openTokens[node] = 0;
    }
    this.#sumCount[node] = 0;
    this.#exchange[node] = exchange;
  }

  /** Notes whose shares a token waits for; returns where the next copy begins. */
  #note(words: Int32Array, at: number, node: number): number {
    const { peers } = this.#parts;
    const place = node * this.#tokens + words[at];
    this.#expected[place] = 0;
    this.#combined[place] = 0;
    this.#fault[place] = NO_FAULT;
    this.#low[place] = 0;
    this.#high[place] = 0;
    const choices = words[at + 1];
    let choiceAt = at + this.#copyWords;
    for (let choice = 0; choice < choices; choice += 1, choiceAt += CHOICE_WORDS) {
      const rank = words[choiceAt + 2];
      this.#expected[place] |= 1 << choiceOf(words[choiceAt]);
      const local = peers.localOf(rank);
      const refusal = this.#refusal[node * peers.ranksPerNode + local];
      const mask = peers.maskOf(rank);
      if (mask !== undefined || refusal !== NO_REFUSAL) {
        this.#fault[place] = mask?.fault ?? refusal;
        continue;
      }
      const flag = place * peers.ranksPerNode + local;
      if (this.#awaited[flag] !== 0) continue;
      this.#awaited[flag] = 1;
      this.#awaitedOf[local] += 1;
      this.#pending[place] += 1;
    }
    this.#openTokens[node] += 1;
    this.#open += 1;
    return choiceAt;
  }

  /** A share is awaited no more; says whether it was. */
  #settle(node: number, token: number, local: number): boolean {
    const place = node * this.#tokens + token;
    const flag = place * this.#parts.peers.ranksPerNode + local;
    if (this.#awaited[flag] === 0) return false;
    this.#awaited[flag] = 0;
    this.#awaitedOf[local] -= 1;
    this.#pending[place] -= 1;
    return true;
  }

  #addShare(
    context: ActorContext,
    node: number,
    exchange: number,
    rank: number,
    share: TokenSum,
  ): void {
    if (this.#exchange[node] !== exchange) return;
    if (!this.#settle(node, share.token, this.#parts.peers.localOf(rank))) return;
    const place = node * this.#tokens + share.token;
    if (share.lost !== 0) this.#fault[place] = share.fault;
    this.#combined[place] |= share.combined;
    this.#low[place] += share.low;
    this.#high[place] += share.high;
    this.#emitIfWhole(context, node, share.token);
  }

  #emitIfWhole(context: ActorContext, node: number, token: number): void {
    if (this.#pending[node * this.#tokens + token] === 0) this.#emit(context, node, token);
  }

  /** A token has all its shares: its sum goes home, with others if messages carry many. */
  #emit(context: ActorContext, node: number, token: number): void {
    const place = node * this.#tokens + token;
    const sum = this.#sum;
    sum.begin(token);
    sum.combined = this.#combined[place];
    sum.lost = this.#expected[place] & ~this.#combined[place];
    sum.fault = this.#fault[place];
    sum.low = this.#low[place];
    sum.high = this.#high[place];
    const at = this.#sumCount[node] * this.#sumWords;
    sum.write(context, this.#parts.payloads, this.#sums[node], at);
    this.#sumCount[node] += 1;
    this.#openTokens[node] -= 1;
    this.#open -= 1;
    const isFull = this.#sumCount[node] === this.#chunk;
    if (isFull || this.#openTokens[node] === 0) this.#flush(context, node);
  }

  #flush(context: ActorContext, node: number): void {
    const { peers, services, messenger } = this.#parts;
    const count = this.#sumCount[node];
    const home = node * peers.ranksPerNode + peers.localOf(peers.rank);
    const packet = context.packets.take(PacketKind.combine);
    const cargo = context.packets.load(packet, count * this.#sumWords);
    const sums = this.#sums[node].subarray(0, count * this.#sumWords);
    context.packets.cargo.words.set(sums, context.packets.cargo.first(cargo));
    const { words } = context.packets;
    words[packet + KIND] |= PacketFlag.ackRequest;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = peers.actorOf[home];
    words[packet + LAYER] = this.#exchange[node];
    words[packet + SLOT] = home;
    words[packet + SIZE_BYTES] = count * services.combineCopyBytes;
    context.packets.seal(packet);
    this.#sumCount[node] = 0;
    messenger.opposite(context, packet);
  }
}
