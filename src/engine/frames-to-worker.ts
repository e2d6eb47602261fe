/**
 * The data frames on their way to one worker, as the coordinator knows them from reports: how many
 * each sender has sent, which of them no grant has named yet, and the contents of those that
 * reports carried. Only numbers and lists; it never reads a frame.
 */
import { NEVER_PS } from "../model/time.ts";
import type { Grant, SentFrame } from "../model/window.ts";

export class FramesToWorker {
  /** Bytes of the frames that went straight to it and that no grant has named. */
  straightBytes = 0;
  /** By sender: frames since the run began. */
  readonly #count: Int32Array;
  /** Senders of frames that no grant has named; by sender, those that reports carried. */
  readonly #unnamed: number[] = [];
  readonly #carried: (Uint8Array[] | undefined)[] = [];
  /** By sender: its part of `straightBytes`. */
  readonly #straightBytes: Float64Array;
  /** By sender: the earliest packet in frames that no grant has named, ps. */
  readonly #earliestPs: Float64Array;

  /** `workers`: of the run. */
  constructor(workers: number) {
    this.#count = new Int32Array(workers);
    this.#straightBytes = new Float64Array(workers);
    this.#earliestPs = new Float64Array(workers).fill(NEVER_PS);
  }

  /** Frames that a worker has sent it since the run began. */
  countOf(sender: number): number {
    return this.#count[sender];
  }

  /** Notes a frame of a committed window. */
  add(sender: number, { earliestPs, sizeBytes, carried }: SentFrame): void {
    this.#count[sender] += 1;
    let carriedFrames = this.#carried[sender];
    if (carriedFrames === undefined) {
      carriedFrames = [];
      this.#carried[sender] = carriedFrames;
      this.#unnamed.push(sender);
    }
    this.#earliestPs[sender] = Math.min(this.#earliestPs[sender], earliestPs);
    if (carried !== null) carriedFrames.push(carried);
    else {
      this.straightBytes += sizeBytes;
      this.#straightBytes[sender] += sizeBytes;
    }
  }

  /** Names what no grant has named before; hands over what reports carried. */
  name(): Grant["frames"] {
    const frames = this.#unnamed.map((peer) => ({
      peer,
      count: this.#count[peer],
      earliestPs: this.#earliestPs[peer],
      carried: this.#carried[peer] as Uint8Array[],
    }));
    this.forgetAll();
    return frames;
  }

  /** No grant will name what a worker has sent so far: it is handed over otherwise. */
  forget(sender: number): void {
    const place = this.#unnamed.indexOf(sender);
    if (place < 0) return;
    this.#unnamed.splice(place, 1);
    this.#drop(sender);
  }

  /** Likewise of all senders. */
  forgetAll(): void {
    for (const sender of this.#unnamed) this.#drop(sender);
    this.#unnamed.length = 0;
  }

  #drop(sender: number): void {
    this.#carried[sender] = undefined;
    this.#earliestPs[sender] = NEVER_PS;
    this.straightBytes -= this.#straightBytes[sender];
    this.#straightBytes[sender] = 0;
  }
}
