/**
 * Ways round ranks that are out of the group. What goes to another node on the plane of such a
 * rank's NIC would pass through its GPU, which may be dead: it takes a detour by other GPUs of both
 * nodes (see {@link Peers.detourTo}). Worked out anew whenever the membership changes.
 */
import { USUAL_WAY } from "./fallback.ts";
import type { Peers } from "./peers.ts";

export class Bypass {
  readonly #peers: Peers;
  /** By rank. */
  readonly #way: Int16Array;

  constructor(peers: Peers) {
    this.#peers = peers;
    this.#way = new Int16Array(peers.size).fill(USUAL_WAY);
  }

  /** The way to the GPU of a rank. */
  wayTo(gpu: number): number {
    const rank = this.#peers.rankOf(gpu);
    return rank < 0 ? USUAL_WAY : this.#way[rank];
  }

  /** Looks who is masked now. */
  look(): void {
    const peers = this.#peers;
    for (let rank = 0; rank < peers.size; rank += 1) {
      const gpu = peers.actorOf[rank];
      const isDirect = peers.isLocal(gpu) || peers.ownsPlaneOf(gpu);
      const isOpen = isDirect || !peers.isMasked(peers.rankOf(peers.relayTo(gpu)));
      this.#way[rank] = isOpen ? USUAL_WAY : this.#wayRound(gpu);
    }
  }

  /** The first detour between ranks that are in, each sender beginning with another one. */
  #wayRound(gpu: number): number {
    const peers = this.#peers;
    const isIn = (actor: number): boolean => !peers.isMasked(peers.rankOf(actor));
    for (let turn = 0; turn < peers.detours; turn += 1) {
      const way = (turn + peers.localOf(peers.rank)) % peers.detours;
      if (isIn(peers.detourTo(gpu, way)) && isIn(peers.detourFrom(gpu, way))) return way;
    }
    return USUAL_WAY;
  }
}
