/**
 * The EP group as one of its ranks sees it: who is where, how a message gets there, and whom this
 * rank has given up. A rank reaches another node over the plane of the receiver; when its own NIC
 * is not on that plane, the message first goes over NVLink to the local GPU that owns it.
 */

import { NO_FAULT } from "../../src/model/fault.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { gpuPlacesOf } from "./gpu-places.ts";

/** Why and when a rank was given up. */
export interface Mask {
  readonly fault: number;
  readonly atPs: number;
}

export class Peers {
  /** Place of this rank's group among the EP groups, and this rank's place in it. */
  readonly group: number;
  readonly rank: number;
  readonly size: number;
  /** Nodes that the group is spread over, and its ranks on each. */
  readonly nodes: number;
  readonly ranksPerNode: number;
  /** Actor index of each rank of the group. */
  readonly actorOf: Int32Array;
  readonly #self: number;
  readonly #cluster: ClusterSpec;
  /** Number of the group's first GPU. */
  readonly #first: number;
  readonly #numberOf: Int32Array;
  readonly #nodeOf: Int16Array;
  readonly #ordinalOf: Int16Array;
  readonly #planeOf: Int16Array;
  /** GPUs and NICs by node x gpusPerNode + ordinal. */
  readonly #gpuAt: Int32Array;
  readonly #nicAt: Int32Array;
  readonly #masks: (Mask | undefined)[];
  #masked = 0;

  constructor(self: number, topology: Topology, cluster: ClusterSpec, epSize: number) {
    const places = gpuPlacesOf(topology, cluster);
    this.#self = self;
    this.#cluster = cluster;
    this.#numberOf = places.numberOf;
    this.#nodeOf = places.nodeOf;
    this.#ordinalOf = places.ordinalOf;
    this.#planeOf = places.planeOf;
    this.#gpuAt = places.gpuAt;
    this.#nicAt = places.nicAt;
    const number = places.numberOf[self];
    this.#first = number - (number % epSize);
    this.group = Math.floor(number / epSize);
    this.rank = number % epSize;
    this.size = epSize;
    this.ranksPerNode = Math.min(epSize, cluster.gpusPerNode);
    this.nodes = epSize / this.ranksPerNode;
    this.actorOf = this.#gpuAt.slice(this.group * epSize, (this.group + 1) * epSize);
    this.#masks = Array.from({ length: epSize }, () => undefined);
  }

  /** Rank of an actor in this group; -1 for strangers. */
  rankOf(actor: number): number {
    const rank = this.#numberOf[actor] - this.#first;
    return rank >= 0 && rank < this.size ? rank : -1;
  }

  /** The rank `distance` places after this one, round the group. */
  around(distance: number): number {
    return (this.rank + distance) % this.size;
  }

  /** A rank's node among those of the group, and its place there. */
  nodeOf(rank: number): number {
    return Math.floor(rank / this.ranksPerNode);
  }

  localOf(rank: number): number {
    return rank % this.ranksPerNode;
  }

  /** The rank in a place of this node. */
  neighbour(local: number): number {
    return this.nodeOf(this.rank) * this.ranksPerNode + local;
  }

  isNeighbour(rank: number): boolean {
    return this.nodeOf(rank) === this.nodeOf(this.rank);
  }

  /** Normal protocol: the rank that copies for `rank` go to first, the one in this place there. */
  viaOf(rank: number): number {
    if (this.isNeighbour(rank)) return rank;
    return this.nodeOf(rank) * this.ranksPerNode + this.localOf(this.rank);
  }

  /** Normal protocol: the rank that results for `home` go to first, the one here in its place. */
  resultRelayOf(home: number): number {
    return this.isNeighbour(home) ? home : this.neighbour(this.localOf(home));
  }

  /**
   * Normal protocol: ranks that cannot be worked with when `rank` cannot: those behind it on its
   * node, or, when it is on this node, those that reach this rank through it.
   */
  behind(rank: number): number[] {
    const ranks = Array.from({ length: this.size }, (_, other) => other);
    return this.isNeighbour(rank)
      ? ranks.filter((other) => !this.isNeighbour(other) && this.resultRelayOf(other) === rank)
      : ranks.filter((other) => other !== rank && this.viaOf(other) === rank);
  }

  isLocal(actor: number): boolean {
    return this.#nodeOf[actor] === this.#nodeOf[this.#self];
  }

  /** Whom this rank has given up, ascending, and for which fault. */
  masked(): { readonly rank: number; readonly fault: number }[] {
    return this.#masks.flatMap((mask, rank) => (mask ? [{ rank, fault: mask.fault }] : []));
  }

  isMasked(rank: number): boolean {
    return this.#masks[rank] !== undefined;
  }

  maskOf(rank: number): Mask | undefined {
    return this.#masks[rank];
  }

  mask(rank: number, mask: Mask): void {
    this.#masks[rank] = mask;
    this.#masked += 1;
  }

  /** There is a new membership (see model/membership.ts): who is in is worked with again. */
  takeUp(members: Int32Array, nowPs: number): void {
    for (const [rank, member] of members.entries()) {
      if (member < NO_FAULT) this.#masks[rank] = undefined;
      else this.#masks[rank] ??= { fault: member, atPs: nowPs };
    }
    this.#masked = this.#masks.filter((mask) => mask !== undefined).length;
  }

  /** Ranks of the group, itself included, that this rank still works with. */
  get live(): number {
    return this.size - this.#masked;
  }

  /** Is this GPU's own NIC on the plane of `gpu`? Then no hop over NVLink is needed to reach it. */
  ownsPlaneOf(gpu: number): boolean {
    return this.#planeOf[gpu] === this.#planeOf[this.#self];
  }

  /**
   * The local GPU that owns the plane of a GPU elsewhere: the one in the same place of its node.
   */
  relayTo(gpu: number): number {
    return this.#gpuAt[this.#nodeOf[this.#self] * this.#cluster.gpusPerNode + this.#ordinalOf[gpu]];
  }

  /** Do messages to `rank` pass through `relay`, another rank of this node? */
  isReachedThrough(rank: number, relay: number): boolean {
    const gpu = this.actorOf[rank];
    if (this.isLocal(gpu) || this.ownsPlaneOf(gpu)) return false;
    return this.relayTo(gpu) === this.actorOf[relay];
  }

  /** On the usual way, do messages from `rank`, elsewhere, pass through `relay` of its node? */
  isReachedFrom(rank: number, relay: number): boolean {
    const gpu = this.actorOf[rank];
    if (rank === relay || this.isLocal(gpu) || this.ownsPlaneOf(gpu)) return false;
    const [other, self] = [this.actorOf[relay], this.#self];
    return (
      this.#nodeOf[other] === this.#nodeOf[gpu] && this.#ordinalOf[other] === this.#ordinalOf[self]
    );
  }

  /** The NIC that belongs to a GPU. */
  nicOf(gpu: number): number {
    return this.#nicAt[this.#nodeOf[gpu] * this.#cluster.gpusPerNode + this.#ordinalOf[gpu]];
  }

  /**
   * The NIC of the node of `gpu` that is in the place of this GPU's own, and so on the same plane.
   */
  nicOpposite(gpu: number): number {
    const ordinal = this.#ordinalOf[this.#self];
    return this.#nicAt[this.#nodeOf[gpu] * this.#cluster.gpusPerNode + ordinal];
  }

  /**
   * A local GPU to send through when the receiver's own plane does not work: the `way`-th after
   * the receiver's place, from 0. Its NIC leads to the GPU in the same place of the receiver's
   * node, which passes the message on over NVLink.
   */
  detourTo(gpu: number, way: number): number {
    const { gpusPerNode } = this.#cluster;
    const ordinal = (this.#ordinalOf[gpu] + 1 + way) % gpusPerNode;
    return this.#gpuAt[this.#nodeOf[this.#self] * gpusPerNode + ordinal];
  }

  /** The GPU of the receiver's node that passes on what comes by the `way`-th detour. */
  detourFrom(gpu: number, way: number): number {
    const { gpusPerNode } = this.#cluster;
    const ordinal = (this.#ordinalOf[gpu] + 1 + way) % gpusPerNode;
    return this.#gpuAt[this.#nodeOf[gpu] * gpusPerNode + ordinal];
  }

  /** The NIC of the receiver's node that the `way`-th detour comes in by. */
  nicBeside(gpu: number, way: number): number {
    const { gpusPerNode } = this.#cluster;
    const ordinal = (this.#ordinalOf[gpu] + 1 + way) % gpusPerNode;
    return this.#nicAt[this.#nodeOf[gpu] * gpusPerNode + ordinal];
  }

  /** Are the NICs of two GPUs on the same plane? */
  isOnPlaneOf(gpu: number, other: number): boolean {
    return this.#planeOf[gpu] === this.#planeOf[other];
  }

  /** Detours that there are. */
  get detours(): number {
    return this.#cluster.gpusPerNode - 1;
  }
}
