/**
 * What operators ask of a rank: to give another up at once (mask), or from its next step on
 * (drain). Every rank of a group looks it up on the fault board by itself. A mask or drain that is
 * taken back changes nothing here: masks last.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { PacketKind } from "../../src/model/packet.ts";
import type { MaskPolicy } from "./mask-policy.ts";
import type { Messenger } from "./messenger.ts";
import type { Peers } from "./peers.ts";

export class Operator {
  readonly #peers: Peers;
  readonly #messenger: Messenger;
  readonly #masks: MaskPolicy;

  constructor(peers: Peers, messenger: Messenger, masks: MaskPolicy) {
    this.#peers = peers;
    this.#messenger = messenger;
    this.#masks = masks;
  }

  /** Gives up the ranks that are to be masked. */
  heedMasks(context: ActorContext): void {
    const { actorOf, rank: self, size } = this.#peers;
    for (let rank = 0; rank < size; rank += 1) {
      const fault = context.faults.conditionOf(actorOf[rank]).maskedBy;
      if (rank !== self && fault !== NO_FAULT) this.#masks.mask(context, rank, "operator", fault);
    }
  }

  /**
   * A step is about to begin: gives up the ranks that are to be drained. When this rank is one of
   * them it tells its peers that it takes no further part; true then.
   */
  heedDrains(context: ActorContext): boolean {
    const { actorOf, rank: self, size } = this.#peers;
    const own = context.faults.conditionOf(actorOf[self]).drainedBy;
    if (own !== NO_FAULT) {
      this.#takeLeave(context, own);
      return true;
    }
    for (let rank = 0; rank < size; rank += 1) {
      const fault = context.faults.conditionOf(actorOf[rank]).drainedBy;
      if (fault !== NO_FAULT) this.#masks.mask(context, rank, "operator", fault);
    }
    return false;
  }

  /** By the usual way: so it comes after the results that were sent before. */
  #takeLeave(context: ActorContext, fault: number): void {
    const peers = this.#peers;
    for (let distance = 1; distance < peers.size; distance += 1) {
      const rank = peers.around(distance);
      if (peers.isMasked(rank)) continue;
      const actor = peers.actorOf[rank];
      const notice = this.#messenger.control(context, PacketKind.maskNotice, actor, fault);
      this.#messenger.post(context, notice);
    }
  }
}
