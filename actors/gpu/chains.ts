/**
 * The chains of a rank: one exchange for each chain of the schedule, made here with all that
 * belongs to it, and what is asked of all of them together.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { KIND, KIND_MASK, LAYER, type Packet, PacketKind } from "../../src/model/packet.ts";
import { DuplicateFilter } from "./duplicate-filter.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeNumbers } from "./exchange-numbers.ts";
import type { ExpertHolders } from "./expert-holders.ts";
import { HomeSide } from "./home-side.ts";
import { Inbox } from "./inbox.ts";
import { LowLatency } from "./low-latency.ts";
import type { Messenger } from "./messenger.ts";
import { Normal } from "./normal.ts";
import type { Payloads } from "./payloads.ts";
import type { Peers } from "./peers.ts";

export interface ChainParts {
  readonly services: DeviceServices;
  readonly peers: Peers;
  readonly messenger: Messenger;
  readonly payloads: Payloads;
  readonly holders: ExpertHolders;
  /** Tag of the reminder that {@link Exchange.pump} wants; its value is the chain. */
  readonly pumpTag: number;
}

/** Assignments of a rank's tokens in the whole run. */
export interface RankTotals {
  readonly dispatched: number;
  readonly combined: number;
  readonly masked: number;
}

export class Chains {
  /** By chain of the schedule. */
  readonly exchanges: readonly Exchange[];
  readonly #parts: ChainParts;

  constructor(parts: ChainParts) {
    this.#parts = parts;
    this.exchanges = parts.services.schedule.chains.map((_, chain) => exchangeOf(parts, chain));
  }

  /**
   * Takes a message of an exchange, and returns whose; undefined when it comes too late, again or
   * of a masked rank, and counts for nothing.
   */
  received(context: ActorContext, packet: Packet, rank: number): Exchange | undefined {
    const { words } = context.packets;
    const { peers, messenger } = this.#parts;
    const exchange = this.exchanges[words[packet + LAYER] % this.exchanges.length];
    const isPast = messenger.resends && exchange.isPast(words, packet);
    if (isPast || peers.isMasked(rank)) {
      exchange.past(context, packet, rank);
      return undefined;
    }
    if ((words[packet + KIND] & KIND_MASK) === PacketKind.dispatchCount) {
      exchange.counted(context, packet, rank);
    } else exchange.protocol.received(context, packet, rank);
    return exchange;
  }

  /** Does any of them wait for other ranks, or has something here that waits for them? */
  get isWaiting(): boolean {
    return this.exchanges.some(({ isWaiting, protocol }) => isWaiting || protocol.isWaiting);
  }

  /** Is a rank that is not masked still needed? */
  isMissing(rank: number): boolean {
    return this.exchanges.some(
      (exchange) => exchange.isMissing(rank) || exchange.protocol.awaits(rank),
    );
  }

  /** Gives a rank up in all of them; returns how many open assignments that masks. */
  dropRank(context: ActorContext, rank: number, fault: number): number {
    let assignments = 0;
    for (const exchange of this.exchanges) assignments += exchange.dropRank(context, rank, fault);
    return assignments;
  }

  /** Sends a rank again what it may still need and not have. */
  sendAgain(context: ActorContext, rank: number): void {
    for (const exchange of this.exchanges) exchange.sendAgain(context, rank);
  }

  /** Gives the tokens of all chains the payloads that they start a step with. */
  load(step: number): void {
    this.exchanges.forEach(({ home }, chain) => {
      home.load(step, chain);
    });
  }

  /** Nothing that was begun goes on; what is open is lost to a fault. */
  abandon(context: ActorContext, fault: number): void {
    for (const exchange of this.exchanges) exchange.abandon(context, fault);
  }

  /** Forgets everything and goes on as the numbers say. */
  beginAnew(context: ActorContext, numbers: ExchangeNumbers): void {
    this.exchanges.forEach((exchange, chain) => {
      exchange.beginAnew(context, numbers.first + chain);
    });
  }

  get totals(): RankTotals {
    const sum = (pick: (home: HomeSide) => number): number =>
      this.exchanges.reduce((total, { home }) => total + pick(home), 0);
    return {
      dispatched: sum((home) => home.dispatched),
      combined: sum((home) => home.combined),
      masked: sum((home) => home.masked),
    };
  }
}

function exchangeOf(parts: ChainParts, chain: number): Exchange {
  const { services, peers, messenger, payloads, holders, pumpTag } = parts;
  const { scenario, schedule } = services;
  const home = new HomeSide(services, peers, holders, chain);
  return new Exchange({
    chain,
    chains: schedule.chains.length,
    experts: scenario.model.n_routed_experts,
    peers,
    messenger,
    home,
    makeInbox: () => new Inbox(peers.size, duplicateFilter(parts)),
    protocol: (inboxOf) => {
      const own = { services, peers, messenger, home, payloads, inboxOf };
      return scenario.workload.protocol === "normal" ? new Normal(own) : new LowLatency(own);
    },
    pumpTag,
  });
}

/** With failover a copy may arrive twice. */
function duplicateFilter({ services, peers, messenger }: ChainParts): DuplicateFilter | undefined {
  if (!messenger.resends) return undefined;
  const { workload, model } = services.scenario;
  return new DuplicateFilter(peers.size, workload.tokensPerGpu, model.num_experts_per_tok);
}
