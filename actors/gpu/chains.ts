/**
 * The chains of a rank: one exchange for each chain of the schedule, made here with all that
 * belongs to it, and what is asked of all of them together.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { DuplicateFilter } from "./duplicate-filter.ts";
import { Exchange } from "./exchange.ts";
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

  constructor(parts: ChainParts) {
    this.exchanges = parts.services.schedule.chains.map((_, chain) => exchangeOf(parts, chain));
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

  /** The rank goes: its open assignments are lost to a fault. */
  loseOpen(context: ActorContext, fault: number): void {
    for (const { home } of this.exchanges) home.loseOpen(context, fault);
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
  const { services, peers, messenger, payloads, pumpTag } = parts;
  const { scenario, schedule } = services;
  const home = new HomeSide(services, peers, chain);
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
