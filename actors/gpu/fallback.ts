/**
 * Failover: by which way a rank reaches each of the others once the transport has given a message
 * to it back. The detours lead over NVLink to a GPU of this node, through its NIC to the GPU in the
 * same place of the receiver's node, and over NVLink to the receiver. A way is kept as long as the
 * membership of the group, also when the usual one has healed: NCCL's port failover does not go
 * back either.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { Peers } from "./peers.ts";

/** The usual way. */
export const USUAL_WAY = -1;

export class Fallback {
  readonly #peers: Peers;
  readonly #idOf: (actor: number) => string;
  /** By rank: the detour that its messages take, as {@link Peers.detourTo} counts them. */
  readonly #way: Int16Array;
  /** By rank: detours tried, the one in use included. */
  readonly #tried: Int16Array;

  constructor(peers: Peers, idOf: (actor: number) => string) {
    this.#peers = peers;
    this.#idOf = idOf;
    this.#way = new Int16Array(peers.size).fill(USUAL_WAY);
    this.#tried = new Int16Array(peers.size);
  }

  /** There is a new membership: every rank is reached by the way that `wayTo` has for its GPU. */
  beginAnew(wayTo: (gpu: number) => number): void {
    this.#tried.fill(0);
    for (const [rank, gpu] of this.#peers.actorOf.entries()) this.#way[rank] = wayTo(gpu);
  }

  /** The way to the GPU of a rank now. */
  wayTo(gpu: number): number {
    const rank = this.#peers.rankOf(gpu);
    return rank < 0 ? USUAL_WAY : this.#way[rank];
  }

  /**
   * A message to a rank came back, since `nic` of the rank's node could not be reached. True when
   * there is a way to send it again: another one was taken after it, or is taken now.
   */
  next(context: ActorContext, rank: number, nic: number): boolean {
    const gpu = this.#peers.actorOf[rank];
    return this.#nicOf(gpu, this.#way[rank]) !== nic || this.#take(context, rank);
  }

  /** What was sent to a rank by a way is lost; likewise. */
  leave(context: ActorContext, rank: number, way: number): boolean {
    return this.#way[rank] !== way || this.#take(context, rank);
  }

  /** Takes the next detour; false when none is left. */
  #take(context: ActorContext, rank: number): boolean {
    const peers = this.#peers;
    const gpu = peers.actorOf[rank];
    const ways = this.#waysTo(rank);
    if (this.#tried[rank] === ways.length) return false;
    this.#way[rank] = ways[this.#tried[rank]];
    this.#tried[rank] += 1;
    context.record({
      type: "detour.taken",
      rank: this.#idOf(gpu),
      through: this.#idOf(peers.detourTo(gpu, this.#way[rank])),
      tried: this.#tried[rank],
    });
    return true;
  }

  /** The NIC of a GPU's node that a way to it comes in by. */
  #nicOf(gpu: number, way: number): number {
    const peers = this.#peers;
    return way === USUAL_WAY ? peers.nicOf(gpu) : peers.nicBeside(gpu, way);
  }

  /**
   * The detours to a rank in the order in which they are tried: those on other planes than the
   * rank's own come first, each kind from another one on for every pair of nodes and sender, so
   * that the neighbours share what a plane carried.
   */
  #waysTo(rank: number): number[] {
    const peers = this.#peers;
    const gpu = peers.actorOf[rank];
    if (peers.isLocal(gpu)) return [0];
    const ways = Array.from({ length: peers.detours }, (_, way) => way);
    const start = peers.nodeOf(rank) + peers.nodeOf(peers.rank) + peers.localOf(peers.rank);
    const isSame = (way: number): boolean => peers.isOnPlaneOf(gpu, peers.detourTo(gpu, way));
    return [
      ...rotated(
        ways.filter((way) => !isSame(way)),
        start,
      ),
      ...rotated(ways.filter(isSame), start),
    ];
  }
}

function rotated(ways: readonly number[], start: number): number[] {
  const first = ways.length === 0 ? 0 : start % ways.length;
  return [...ways.slice(first), ...ways.slice(0, first)];
}
