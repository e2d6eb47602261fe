/**
 * When a rank that is out of its group says hello to the controller: after a while, and each
 * further time after twice as long, so that one that keeps failing does not keep the others busy.
 */
import { type ActorContext, NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import { PS_PER_S } from "../../src/model/time.ts";

/** Tag of the reminder to say hello. */
export const HELLO_TAG = 5;
/** What a rank that is fit waits before it says hello, ps: ours. */
const HELLO_PS = PS_PER_S;
/** The wait doubles this often at most. */
const DOUBLINGS_MAX = 6;

export class Hello {
  #timesOut = 0;
  #isSaid = false;
  #timer: TimerId = NO_TIMER;

  /** The rank is out, once more. */
  wentOut(): void {
    this.#timesOut += 1;
    this.#isSaid = false;
  }

  /** What was said counts no more. */
  forget(): void {
    this.#isSaid = false;
  }

  /** The device has lived anew: it has no reminders. */
  reborn(): void {
    this.#isSaid = false;
    this.#timer = NO_TIMER;
  }

  said(): void {
    this.#isSaid = true;
  }

  /** The reminder has come. */
  reminded(): void {
    this.#timer = NO_TIMER;
  }

  /** A reminder to say it, unless it was said, or there is one. */
  prepare(context: ActorContext): void {
    if (this.#isSaid || this.#timer !== NO_TIMER) return;
    let waitPs = HELLO_PS;
    for (let time = 1; time < this.#timesOut && time <= DOUBLINGS_MAX; time += 1) waitPs *= 2;
    this.#timer = context.remindAfter(waitPs, HELLO_TAG, 0);
  }

  /** It need not be said. */
  drop(context: ActorContext): void {
    context.cancel(this.#timer);
    this.#timer = NO_TIMER;
  }
}
