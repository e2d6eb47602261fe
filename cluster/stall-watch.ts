/**
 * Notices members that beat and never do what they owe. It counts its own ticks rather than wall
 * time, as the heartbeat does, so a process that was itself stopped does not blame the others.
 */

/** Wall ms between two looks. */
const LOOK_EVERY_MS = 1000;

/**
 * Seconds in which a member that is alive does what it owes. Longer than any real fault of a drill
 * may hold a connection (120 s), and than a window takes: one that runs beats not at all.
 */
export const STALL_LIMIT_SECONDS = 180;

export interface StallWatchOptions<Debtor> {
  /** What is waited for, as a number that no other wait has, and whose it is; nobody: nothing. */
  owed(): { readonly step: number; readonly debtors: readonly Debtor[] };
  /** Called when the debtors have let one wait pass the limit. */
  stalled(debtors: readonly Debtor[]): void;
  readonly limitSeconds: number;
}

/** Looks each second whether the same debt is still there. */
export class StallWatch<Debtor> {
  readonly #timer: NodeJS.Timeout;
  #step = -1;
  #ticks = 0;

  constructor(options: StallWatchOptions<Debtor>) {
    this.#timer = setInterval(() => {
      const { step, debtors } = options.owed();
      if (debtors.length === 0 || step !== this.#step) {
        this.#step = step;
        this.#ticks = 0;
        return;
      }
      this.#ticks += 1;
      if (this.#ticks < options.limitSeconds) return;
      this.#ticks = 0;
      options.stalled(debtors);
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
