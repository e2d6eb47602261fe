/**
 * Data frames between a worker and one peer, on the worker's side: how many went each way, those
 * that came and wait for the grant that names them, and the packets for the next one. Frames are
 * numbered from 1 in each direction, and the numbers go on when one side is replaced.
 */
import { violated } from "../base/assert.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Grant } from "../model/window.ts";
import { Outbox, type StagedFrame } from "./packet-frame.ts";

export class PeerFrames {
  readonly outbox = new Outbox();
  /** Frames sent to the peer since the run began. */
  sent: number;
  /** Frames of the peer accepted since the run began. */
  received: number;
  #admitted: number;
  /** What frames up to this one held was handed over by the replacement of the peer. */
  #handedOver = 0;
  readonly #staged: StagedFrame[] = [];

  /** Begins with counts of frames that are all settled. */
  constructor({ sent, received } = { sent: 0, received: 0 }) {
    this.sent = sent;
    this.received = received;
    this.#admitted = received;
  }

  /** Frames that came and that no grant has named yet. */
  get waiting(): number {
    return this.#staged.length;
  }

  /** How many of the frames that a grant names and does not carry have not come. */
  missing({ count, carried }: Grant["frames"][number]): number {
    if (count <= this.#handedOver) return 0;
    return Math.max(0, count - carried.length - this.received);
  }

  /** Does a grant name frames in whose place the replacement of the peer gave packets? */
  isHandedOver(count: number): boolean {
    return count <= this.#handedOver;
  }

  /** Keeps a frame in its place: a carried one may be older than one that came straight. */
  accept(frame: StagedFrame): void {
    const staged = this.#staged;
    let place = staged.length;
    while (place > 0 && staged[place - 1].sequence > frame.sequence) place -= 1;
    const before = place > 0 ? staged[place - 1].sequence : this.#admitted;
    if (frame.sequence <= before) violated("frames-in-sequence", `${frame.sequence} came again`);
    this.received += 1;
    staged.splice(place, 0, frame);
  }

  /**
   * Are the frames up to the one numbered `count` all there, in order, and the earliest packet in
   * those that are not admitted yet at `earliestPs`, as their sender's reports said? Only looks.
   */
  check(count: number, earliestPs: number): void {
    if (this.isHandedOver(count)) return;
    if (this.received < count) violated("frames-before-window", `${this.received} of ${count}`);
    let foundPs = NEVER_PS;
    for (let sequence = this.#admitted + 1; sequence <= count; sequence += 1) {
      const frame = this.#staged[sequence - this.#admitted - 1];
      if (frame.sequence !== sequence) {
        violated("frames-in-sequence", `${frame.sequence} came in place of ${sequence}`);
      }
      foundPs = Math.min(foundPs, frame.earliestPs);
    }
    if (foundPs !== earliestPs) {
      violated("frames-as-reported", `packets from ${foundPs} ps, reported from ${earliestPs} ps`);
    }
  }

  /** Hands out the frames up to the one numbered `count`, in order, after {@link check}. */
  admit(count: number, unpack: (frame: StagedFrame) => void): void {
    while (this.#admitted < count) {
      const frame = this.#staged.shift() as StagedFrame;
      this.#admitted += 1;
      unpack(frame);
    }
  }

  /**
   * The peer is a replacement of the one before. What waits is dropped: the replacement has handed
   * over what the first `received` frames held, and sends those that follow again. `sent`: of the
   * frames to it those that are settled; at most one of a window that is not is among ours.
   */
  replaced({ sent, received }: { readonly sent: number; readonly received: number }): void {
    const unsettled = this.sent - sent;
    if (unsettled < 0 || unsettled > 1) {
      violated("frames-in-sequence", `${this.sent} sent, and the replacement knows of ${sent}`);
    }
    this.#staged.length = 0;
    this.received = received;
    this.#admitted = received;
    this.#handedOver = received;
  }
}
