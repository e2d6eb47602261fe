/**
 * The exchange that is looked at, as each rank that owns tokens in it: what its gate chose, and how
 * and when each (token, expert) assignment ended.
 */
import type { WatchedExchange } from "../model/rank-watch.ts";
import type { EventClock } from "./event-clock.ts";
import { NO_ROW } from "./row-store.ts";

/** How an assignment stands; the numbers stand in columns. */
export const CopyState = { open: 0, combined: 1, masked: 2, lost: 3 } as const;

/** Which exchange is looked at: that of a chain in a layer of a step, the first time it is run. */
export interface WantedExchange {
  readonly step: number;
  /** Place in `workload.layers`. */
  readonly place: number;
  readonly chain: number;
}

/** One rank's part in it. */
export interface HomeExchange {
  /** The rank's GPU. */
  readonly actor: number;
  readonly exchange: number;
  readonly openedPs: number;
  readonly topK: number;
  /** By assignment (token x topK + choice): expert, and the GPU that serves it. */
  readonly experts: Int32Array;
  readonly holders: Int32Array;
  /** GPUs of the EP group by rank. */
  readonly actorOf: Int32Array;
  /** By assignment: {@link CopyState}, when it ended (NaN: not yet), its fault, by which hop. */
  readonly state: Uint8Array;
  readonly endedPs: Float64Array;
  readonly fault: Int32Array;
  readonly hop: Int32Array;
  /** In which event. */
  readonly eventNumber: Float64Array;
  /** When the rank's combine was whole, or its exchange given up; NaN: it is not over. */
  closedPs: number;
}

interface Ending {
  readonly assignment: number;
  readonly state: number;
  readonly fault: number;
}

export class ExchangeLog {
  readonly #wanted: WantedExchange;
  readonly #topK: number;
  readonly #clock: EventClock;
  /** By GPU. */
  readonly homes = new Map<number, HomeExchange>();
  readonly #numbers = new Set<number>();
  /** What ended in the present event, before the rank told which exchange that is. */
  #early: Ending[] = [];
  #earlyEvent = -1;

  constructor(wanted: WantedExchange, topK: number, clock: EventClock) {
    this.#wanted = wanted;
    this.#topK = topK;
    this.#clock = clock;
  }

  /** Has an exchange, by its number, been opened that is looked at? */
  isWanted(exchange: number): boolean {
    return this.#numbers.has(exchange);
  }

  /** A rank has opened an exchange; true when it is the one that is looked at. */
  opened(
    home: Pick<HomeExchange, "actor" | "openedPs" | "experts" | "holders" | "actorOf">,
    at: WatchedExchange,
  ): boolean {
    const { step, place, chain } = this.#wanted;
    const { actor, openedPs, actorOf } = home;
    if (at.step !== step || at.place !== place || at.chain !== chain) return false;
    if (this.homes.has(actor)) return false;
    const count = home.holders.length;
    this.#numbers.add(at.exchange);
    this.homes.set(actor, {
      actor,
      exchange: at.exchange,
      openedPs,
      topK: this.#topK,
      experts: home.experts.slice(),
      holders: home.holders.map((rank) => actorOf[rank]),
      actorOf,
      state: new Uint8Array(count),
      endedPs: new Float64Array(count).fill(Number.NaN),
      fault: new Int32Array(count).fill(-1),
      hop: new Int32Array(count).fill(NO_ROW),
      eventNumber: new Float64Array(count).fill(-1),
      closedPs: Number.NaN,
    });
    if (this.#earlyEvent === this.#clock.number) {
      for (const { assignment, state, fault } of this.#early) {
        this.ended(actor, openedPs, assignment, state, fault);
      }
    }
    return true;
  }

  /** An assignment of a rank ended; `assignment` as the ledger counts them. */
  ended(actor: number, atPs: number, assignment: number, state: number, fault: number): void {
    const home = this.homes.get(actor);
    if (home === undefined) {
      this.#keepEarly({ assignment, state, fault });
      return;
    }
    const place = assignment - home.exchange * home.state.length;
    if (place < 0 || place >= home.state.length || !Number.isNaN(home.closedPs)) return;
    home.state[place] = state;
    home.endedPs[place] = atPs;
    home.fault[place] = fault;
    home.hop[place] = this.#clock.kind === "delivery" ? this.#clock.hop : NO_ROW;
    home.eventNumber[place] = this.#clock.number;
  }

  /** A rank's combine of an exchange is whole. */
  closed(actor: number, exchange: number, atPs: number): void {
    const home = this.homes.get(actor);
    if (home?.exchange === exchange) home.closedPs = atPs;
  }

  /** Has everything of a rank that has opened it ended, its combine too or its job? */
  isClosed(actor: number): boolean {
    const home = this.homes.get(actor);
    if (home === undefined) return false;
    return !Number.isNaN(home.closedPs) || home.state.includes(CopyState.lost);
  }

  #keepEarly(ending: Ending): void {
    if (this.#earlyEvent !== this.#clock.number) this.#early = [];
    this.#earlyEvent = this.#clock.number;
    this.#early.push(ending);
  }
}
