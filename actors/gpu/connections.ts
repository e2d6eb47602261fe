/**
 * Has this GPU's NIC begin anew with the NICs of other ranks. After a change of who is in the group
 * queue pairs that had failed, or that a NIC has forgotten, must not stay so: those with every NIC
 * of a node on which a rank comes in, since messages to it may take any of them.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  DESTINATION,
  NEXT_HOP,
  ORIGIN,
  PacketKind,
  SIZE_BYTES,
  SLOT,
} from "../../src/model/packet.ts";
import { DevicePort } from "../../src/model/topology.ts";
import type { Peers } from "./peers.ts";

/** Bytes of a request to the NIC: a work queue entry. */
const REQUEST_BYTES = 64;

export class Connections {
  readonly #peers: Peers;
  /** Is there a queue pair between NICs of one node, too? */
  readonly #isAllOverNics: boolean;

  constructor(peers: Peers, isAllOverNics: boolean) {
    this.#peers = peers;
    this.#isAllOverNics = isAllOverNics;
  }

  /**
   * Begins anew with the NICs of the nodes for which `isNode` is 1 (by node of the group), or with
   * all if this rank's own is one; returns how many answers will come.
   */
  reset(context: ActorContext, isNode: Uint8Array, incarnation: number): number {
    const peers = this.#peers;
    const isAll = isNode[peers.nodeOf(peers.rank)] !== 0;
    let count = 0;
    for (let distance = 1; distance < peers.size; distance += 1) {
      const rank = peers.around(distance);
      if (!isAll && isNode[peers.nodeOf(rank)] === 0) continue;
      if (peers.isNeighbour(rank) && !this.#isAllOverNics) continue;
      const packet = context.packets.take(PacketKind.qpReset);
      const { words } = context.packets;
      words[packet + ORIGIN] = context.self;
      words[packet + DESTINATION] = context.self;
      words[packet + NEXT_HOP] = peers.nicOf(peers.actorOf[rank]);
      words[packet + SLOT] = incarnation;
      words[packet + SIZE_BYTES] = REQUEST_BYTES;
      context.send(DevicePort.gpuToNic, packet);
      count += 1;
    }
    return count;
  }
}
