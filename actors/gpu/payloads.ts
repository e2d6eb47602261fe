/**
 * The payloads that a GPU writes into messages and reads from them: with end-to-end checks each has
 * a checksum beside it, and silent corruption flips bits of what this GPU sends, after any checksum
 * was taken. Only the sender's own new message is touched, before it is sealed and sent: never a
 * cargo that others hold.
 */
import { avalanche32, mix32 } from "../../src/base/hash.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import type { ExchangeNumbers } from "./exchange-numbers.ts";

const MILLION = 1_000_000;
const PAYLOAD_BITS = 64;

/** What a failed check is reported with. */
export interface CorruptedPayload {
  /** GPU whose message it came in, and another that had it in hands on the way; -1: nobody. */
  readonly fromActor: number;
  readonly viaActor: number;
  readonly exchange: number;
  /** Token's place on its home rank. */
  readonly token: number;
}

export class Payloads {
  /** Does every payload have a checksum? */
  readonly isChecked: boolean;
  /** Words that its checksum takes in a cargo, behind the other words of the entry: 0 or 1. */
  readonly checkWords: number;
  /** Payloads of a million that this GPU sends with a flipped bit. */
  flipsPerMillion = 0;
  readonly #services: DeviceServices;
  readonly #lookBackPs: () => number;
  readonly #numbers: ExchangeNumbers;

  /** `lookBackPs`: how far back a fault may explain what arrives now, ps of virtual time. */
  constructor(services: DeviceServices, numbers: ExchangeNumbers, lookBackPs: () => number) {
    this.#services = services;
    this.#lookBackPs = lookBackPs;
    this.isChecked = services.scenario.recovery.integrity === "checksum";
    this.checkWords = this.isChecked ? 1 : 0;
    this.#numbers = numbers;
  }

  /**
   * A payload, its two words from `at` on, is written: gives it its checksum at `checkAt`, and
   * perhaps a flipped bit.
   */
  written(context: ActorContext, words: Int32Array, at: number, checkAt: number): void {
    if (this.isChecked) words[checkAt] = checksumOf(words[at], words[at + 1]);
    if (this.flipsPerMillion > 0) this.passed(context, words, at);
  }

  /** A payload is written that keeps the checksum it came with; perhaps a bit flips. */
  passed(context: ActorContext, words: Int32Array, at: number): void {
    // Without a fault nothing is drawn, so that the stream says the same as in a healthy run.
    if (this.flipsPerMillion === 0) return;
    if (context.random.below(MILLION) >= this.flipsPerMillion) return;
    const bit = context.random.below(PAYLOAD_BITS);
    words[at + (bit >> 5)] ^= 1 << (bit & 31);
  }

  /** Is a payload as its sender meant it, as far as its checksum tells? */
  isWhole(words: Int32Array, at: number, checkAt: number): boolean {
    return !this.isChecked || words[checkAt] === checksumOf(words[at], words[at + 1]);
  }

  /** Says that a payload failed its check; returns the fault behind it. */
  corrupted(context: ActorContext, payload: CorruptedPayload): number {
    const { fromActor, viaActor, exchange, token } = payload;
    const sincePs = this.#lookBackPs();
    let fault = context.faults.corrupterOf(fromActor, sincePs);
    if (fault === NO_FAULT && viaActor >= 0) {
      fault = context.faults.corrupterOf(viaActor, sincePs);
    }
    const { scenario, topology } = this.#services;
    const { step, place } = this.#numbers.placeOf(exchange);
    context.record({
      type: "copy.corrupted",
      from: topology.actors[fromActor].id,
      layer: scenario.workload.layers[place],
      step,
      token,
      fault: context.faults.nameOf(fault),
    });
    return fault;
  }
}

/** A change of any one bit of the payload changes it. */
function checksumOf(low: number, high: number): number {
  return avalanche32(mix32(low, high));
}
