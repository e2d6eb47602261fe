/**
 * The weighted sum of a token's outputs over some of its choices, and how it stands in a cargo:
 * token, choices in it, choices given up on the way and for which fault, the sum (two words), its
 * checksum if there is one.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { LAYER, ORIGIN, type Packet } from "../../src/model/packet.ts";
import type { PartialSum } from "./home-side.ts";
import type { Payloads } from "./payloads.ts";

/** Words of a sum in a cargo, without its checksum; its payload's first word. */
export const SUM_WORDS = 6;
export const SUM_PAYLOAD = 4;
/** Words of a copy in a cargo, without its checksum, and of each of its choices; its payload. */
export const COPY_WORDS = 4;
export const CHOICE_WORDS = 3;
export const COPY_PAYLOAD = 2;

/** One sum, reused. */
export class TokenSum implements PartialSum {
  token = 0;
  combined = 0;
  lost = 0;
  fault = NO_FAULT;
  low = 0;
  high = 0;

  begin(token: number): void {
    this.token = token;
    this.combined = 0;
    this.lost = 0;
    this.fault = NO_FAULT;
    this.low = 0;
    this.high = 0;
  }

  /** Adds the weighted output of one choice. */
  add(choice: number, weight: number, low: number, high: number): void {
    this.combined |= 1 << choice;
    this.low = (this.low + Math.imul(weight, low)) | 0;
    this.high = (this.high + Math.imul(weight, high)) | 0;
  }

  /** One choice was given up for a fault before it was computed. */
  lose(choice: number, fault: number): void {
    this.lost |= 1 << choice;
    this.fault = fault;
  }

  /** The sum itself is worth nothing, because of a fault: all its choices are given up. */
  spoil(fault: number): void {
    this.lost |= this.combined;
    this.combined = 0;
    this.fault = fault;
    this.low = 0;
    this.high = 0;
  }

  /** Reads a sum from the cargo of a message; one that fails its check is spoilt. */
  receive(context: ActorContext, payloads: Payloads, packet: Packet, at: number): this {
    const { words, cargo } = context.packets;
    this.#read(cargo.words, at);
    if (payloads.isWhole(cargo.words, at + SUM_PAYLOAD, at + SUM_WORDS)) return this;
    const fault = payloads.corrupted(context, {
      fromActor: words[packet + ORIGIN],
      viaActor: -1,
      exchange: words[packet + LAYER],
      token: this.token,
    });
    this.spoil(fault);
    return this;
  }

  #read(words: Int32Array, at: number): void {
    this.token = words[at];
    this.combined = words[at + 1];
    this.lost = words[at + 2];
    this.fault = words[at + 3];
    this.low = words[at + 4];
    this.high = words[at + 5];
  }

  /** Writes the sum, and its checksum if there is one; returns the place behind it. */
  write(context: ActorContext, payloads: Payloads, words: Int32Array, at: number): number {
    words[at] = this.token;
    words[at + 1] = this.combined;
    words[at + 2] = this.lost;
    words[at + 3] = this.fault;
    words[at + 4] = this.low;
    words[at + 5] = this.high;
    payloads.written(context, words, at + SUM_PAYLOAD, at + SUM_WORDS);
    return at + SUM_WORDS + payloads.checkWords;
  }
}
