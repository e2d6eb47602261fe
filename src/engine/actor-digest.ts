/**
 * The digest: a rolling hash per actor over every event it handled, folded into epochs. An epoch is
 * a fixed slice of virtual time; its digest part is a sum over actors, so that it does not depend
 * on which process holds which actor, or on where windows fall.
 */
import { avalanche32, hashString, mix32 } from "../base/hash.ts";
import { PS_PER_MS } from "../model/time.ts";
import type { EpochPart } from "../model/window.ts";

/** Length of an epoch, ps. */
export const EPOCH_PS = PS_PER_MS;

export class ActorDigest {
  /** Two 32-bit rolling hashes by actor. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** End of the current epoch, ps. */
  epochEndPs = EPOCH_PS;
  #epoch = 0;
  /**
   * By actor: what the open epoch's part already holds of it; the epoch it was last touched in,
   * plus 1.
   */
  readonly #addedLow: Int32Array;
  readonly #addedHigh: Int32Array;
  readonly #touchedEpoch: Int32Array;
  readonly #dirty: Uint8Array;
  readonly #touched: number[] = [];
  readonly #dirtyActors: number[] = [];
  #parts: EpochPart[] = [];

  constructor(actors: number) {
    this.first = new Int32Array(actors).fill(0x1b873593);
    this.second = new Int32Array(actors).fill(0x243f6a88);
    this.#addedLow = new Int32Array(actors);
    this.#addedHigh = new Int32Array(actors);
    this.#touchedEpoch = new Int32Array(actors);
    this.#dirty = new Uint8Array(actors);
  }

  /** Notes that an actor's hash changed at an instant inside the current epoch. */
  touch(actor: number): void {
    if (this.#dirty[actor] !== 0) return;
    this.#dirty[actor] = 1;
    this.#dirtyActors.push(actor);
    if (this.#touchedEpoch[actor] === this.#epoch + 1) return;
    this.#touchedEpoch[actor] = this.#epoch + 1;
    this.#touched.push(actor);
  }

  /** Folds an event's word into the rolling hashes of its actor. */
  absorb(actor: number, word: number): void {
    this.touch(actor);
    let first = Math.imul(this.first[actor] ^ word, 0x85ebca6b);
    first ^= first >>> 15;
    let second = Math.imul((this.second[actor] + word) | 0, 0xc2b2ae35) ^ first;
    second ^= second >>> 13;
    this.first[actor] = first;
    this.second[actor] = second;
  }

  /** Folds text that an actor said (a fact) into its hash. */
  absorbText(actor: number, text: string): void {
    const word = hashString(text);
    this.first[actor] = mix32(this.first[actor], word);
    this.second[actor] = mix32(this.second[actor], ~word);
  }

  /** Moves on to the epoch that holds an instant; the kernel calls it when `atPs >= epochEndPs`. */
  advance(atPs: number): void {
    this.#flush();
    for (const actor of this.#touched) {
      this.#addedLow[actor] = 0;
      this.#addedHigh[actor] = 0;
    }
    this.#touched.length = 0;
    this.#epoch = Math.floor(atPs / EPOCH_PS);
    this.epochEndPs = (this.#epoch + 1) * EPOCH_PS;
  }

  /** Takes the changes to epochs' parts since the last call. */
  takeParts(): EpochPart[] {
    this.#flush();
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** Adds to the epoch's part, for each changed actor, the difference to what was added before. */
  #flush(): void {
    if (this.#dirtyActors.length === 0) return;
    let low = 0;
    let high = 0;
    for (const actor of this.#dirtyActors) {
      const place = mix32(0x71374491, actor);
      const actorLow = avalanche32(mix32(place, this.first[actor]));
      const actorHigh = avalanche32(mix32(mix32(place, this.second[actor]), actorLow));
      low = (low + actorLow - this.#addedLow[actor]) | 0;
      high = (high + actorHigh - this.#addedHigh[actor]) | 0;
      this.#addedLow[actor] = actorLow;
      this.#addedHigh[actor] = actorHigh;
      this.#dirty[actor] = 0;
    }
    this.#dirtyActors.length = 0;
    this.#parts.push({ epoch: this.#epoch, low, high });
  }
}
