/**
 * Notices a peer that has gone silent (stopped, or cut off without a closed connection). It counts
 * its own ticks rather than wall time, so a process that was itself stopped or busy does not blame
 * its peer. What it finds never enters the model.
 */

/** Wall ms between two heartbeats. */
const BEAT_EVERY_MS = 1000;

/**
 * Seconds of silence after which a peer counts as lost. A worker in a long window is late, not
 * dead.
 */
export const SILENCE_LIMIT_SECONDS = 10;

export interface HeartbeatOptions {
  beat(): void;
  /** Called once, when the peer has been silent for the limit. */
  silent(): void;
  readonly limitSeconds?: number;
}

/** Sends beats and watches for those of the other end. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #quietTicks = 0;

  constructor(options: HeartbeatOptions) {
    const limit = options.limitSeconds ?? SILENCE_LIMIT_SECONDS;
    this.#timer = setInterval(() => {
      this.#quietTicks += 1;
      if (this.#quietTicks > limit) {
        this.stop();
        options.silent();
      } else {
        options.beat();
      }
    }, BEAT_EVERY_MS);
  }

  /** How long the peer has been silent, seconds. */
  get quietSeconds(): number {
    return this.#quietTicks;
  }

  /** Any message of the peer is a sign of life. */
  heard(): void {
    this.#quietTicks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
