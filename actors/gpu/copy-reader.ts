/**
 * Reads the copies of a normal-protocol message that are for experts of this rank into its inbox. A
 * copy that fails its check is refused: it counts as arrived, and is not computed.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { ProtocolParts } from "./protocol.ts";
import { refusedSlot } from "./token-slot.ts";
import { COPY_PAYLOAD, COPY_WORDS } from "./token-sum.ts";

export class CopyReader {
  readonly #parts: ProtocolParts;
  #copy = -1;
  #exchange = -1;
  #home = -1;
  #isChecked = false;
  #isWhole = true;
  #fault = 0;

  constructor(parts: ProtocolParts) {
    this.#parts = parts;
  }

  /** Turns to the copy at a place of a cargo; `home`: the rank that owns its token. */
  begin(copy: number, exchange: number, home: number): void {
    this.#copy = copy;
    this.#exchange = exchange;
    this.#home = home;
    this.#isChecked = false;
  }

  /** Takes the choice at a place of the same cargo, which is for an expert of this rank. */
  take(context: ActorContext, words: Int32Array, choice: number): void {
    const copy = this.#copy;
    if (!this.#isChecked) this.#check(context, words);
    const inbox = this.#parts.inboxOf(this.#exchange);
    const slot = words[choice];
    const weight = words[choice + 1];
    if (this.#isWhole) {
      inbox.add(this.#home, words[copy], slot, weight, words[copy + 2], words[copy + 3]);
    } else inbox.add(this.#home, words[copy], refusedSlot(slot), weight, this.#fault, 0);
  }

  #check(context: ActorContext, words: Int32Array): void {
    const { payloads, peers } = this.#parts;
    const copy = this.#copy;
    this.#isChecked = true;
    this.#isWhole = payloads.isWhole(words, copy + COPY_PAYLOAD, copy + COPY_WORDS);
    if (this.#isWhole) return;
    this.#fault = payloads.corrupted(context, {
      fromActor: peers.actorOf[this.#home],
      viaActor: peers.actorOf[peers.resultRelayOf(this.#home)],
      exchange: this.#exchange,
      token: words[copy],
    });
  }
}
