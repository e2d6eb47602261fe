/** What a rank has open with the others of its group: for whoever gives ranks up. */
import type { ActorContext } from "../../src/model/actor.ts";
import type { Chains } from "./chains.ts";
import type { LayerClock } from "./layer-clock.ts";
import type { Peers } from "./peers.ts";

export class OpenWork {
  readonly #chains: Chains;
  readonly #clock: LayerClock;
  readonly #peers: Peers;

  constructor(chains: Chains, clock: LayerClock, peers: Peers) {
    this.#chains = chains;
    this.#clock = clock;
    this.#peers = peers;
  }

  /** Does anything wait for other ranks? */
  get isWaiting(): boolean {
    return this.#chains.isWaiting;
  }

  /** Start of the previous layer, ps: how far back a fault may explain what is missing. */
  get lookBackPs(): number {
    return this.#clock.lookBackPs;
  }

  /** Is a rank still needed for the current phase? */
  isMissing(rank: number): boolean {
    if (rank === this.#peers.rank || this.#peers.isMasked(rank)) return false;
    return this.#chains.isMissing(rank);
  }

  /** Ends the open assignments to a rank as masked, forgets what came from it; returns how many. */
  dropRank(context: ActorContext, rank: number, fault: number): number {
    return this.#chains.dropRank(context, rank, fault);
  }

  /** Sends a rank again what it may still need and not have. */
  sendAgain(context: ActorContext, rank: number): void {
    this.#chains.sendAgain(context, rank);
  }
}
