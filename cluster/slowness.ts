/**
 * A wait before each window by which a drill slows a worker: a lease of wall time, which ends by
 * itself in the process that is slowed.
 */

/** The slowness of one worker. */
export class Slowness {
  #delayMs = 0;
  #lease: NodeJS.Timeout | undefined;

  /** Wall ms to wait before a window that is granted now. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Waits `delayMs` before each window, for `forMs` of wall time. */
  begin({ delayMs, forMs }: { readonly delayMs: number; readonly forMs: number }): void {
    clearTimeout(this.#lease);
    this.#delayMs = delayMs;
    this.#lease = setTimeout(() => this.end(), forMs);
  }

  end(): void {
    clearTimeout(this.#lease);
    this.#delayMs = 0;
  }
}
