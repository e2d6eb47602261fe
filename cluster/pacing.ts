/**
 * Holds windows back until their wall-clock moment. Arithmetic on instants that the caller read
 * from a monotonic clock; it reads no clock and sets no timer itself. Being late is measured, never
 * mended: a slow host makes a run late, not wrong.
 */

/** Virtual picoseconds in a wall millisecond at speed 1. */
const PS_PER_WALL_MS = 1e9;

/** Anything nearer than this is released at once: timers of the host are no finer. */
const FINEST_HOLD_MS = 1;

/** When windows may be released, and how late they were. Instants are wall milliseconds. */
export class Pacer {
  #psPerWallMs: number;
  /** Instant of virtual time 0, had the run always gone at this speed. */
  #originMs: number;
  #lagMs = 0;
  #maxLagMs = 0;

  /**
   * `speed` is virtual seconds per wall second (> 0), or "max"; `originMs` is the instant of
   * virtual time 0.
   */
  constructor(speed: number | "max", originMs: number) {
    this.#psPerWallMs = psPerWallMsOf(speed);
    this.#originMs = originMs;
  }

  /** The virtual instant, whole ps, whose moment has come; Infinity at speed "max". */
  duePs(nowMs: number): number {
    if (this.#psPerWallMs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return Math.floor((nowMs - this.#originMs) * this.#psPerWallMs);
  }

  /** From now on virtual time goes at `speed`; its moment `presentPs` is now. */
  setSpeed(speed: number | "max", presentPs: number, nowMs: number): void {
    this.#psPerWallMs = psPerWallMsOf(speed);
    this.#originMs = nowMs - presentPs / this.#psPerWallMs;
  }

  /** Virtual time has stood still for so long: everything is due that much later. */
  stoodStill(forMs: number): void {
    this.#originMs += forMs;
  }

  /** How long a window that opens at virtual time `startPs` has to wait, ms; 0 = release it now. */
  holdMs(startPs: number, nowMs: number): number {
    const ahead = this.#dueMs(startPs) - nowMs;
    return ahead >= FINEST_HOLD_MS ? ahead : 0;
  }

  /** Notes that the window was released. */
  released(startPs: number, nowMs: number): void {
    this.#lagMs =
      this.#psPerWallMs === Number.POSITIVE_INFINITY
        ? 0
        : Math.max(0, nowMs - this.#dueMs(startPs));
    if (this.#lagMs > this.#maxLagMs) this.#maxLagMs = this.#lagMs;
  }

  /** How late the last window was, wall seconds. Always 0 at speed "max". */
  get lagSeconds(): number {
    return this.#lagMs / 1000;
  }

  /** How late the latest window was, wall seconds. */
  get maxLagSeconds(): number {
    return this.#maxLagMs / 1000;
  }

  #dueMs(startPs: number): number {
    return this.#originMs + startPs / this.#psPerWallMs;
  }
}

function psPerWallMsOf(speed: number | "max"): number {
  return speed === "max" ? Number.POSITIVE_INFINITY : speed * PS_PER_WALL_MS;
}
