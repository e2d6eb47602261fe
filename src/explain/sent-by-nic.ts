/**
 * By queue pair and sequence number: the hop by which a NIC sent a message last. A message that is
 * sent again is found by it, and so is the one that left a gap before it.
 */
import { NO_ROW } from "./row-store.ts";

/** Sequence numbers that are kept of a queue pair: far more than are ever open. */
const KEPT = 16_384;
/** More than there are actors. */
const ACTORS = 1 << 21;

export class SentByNic {
  readonly #pairs = new Map<number, Map<number, number>>();

  add(nic: number, peer: number, psn: number, hop: number): void {
    const key = nic * ACTORS + peer;
    let sent = this.#pairs.get(key);
    if (sent === undefined) {
      sent = new Map();
      this.#pairs.set(key, sent);
    }
    sent.set(psn, hop);
    if (sent.size <= KEPT) return;
    for (const oldest of sent.keys()) {
      sent.delete(oldest);
      break;
    }
  }

  /** NO_ROW: not seen. */
  last(nic: number, peer: number, psn: number): number {
    return this.#pairs.get(nic * ACTORS + peer)?.get(psn) ?? NO_ROW;
  }
}
