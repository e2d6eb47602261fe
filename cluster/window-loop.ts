/**
 * The coordinator's loop: reports in, commit, observer, orders from outside, next grants out, at
 * the pace of the run. The same for one process and for many. It runs on callbacks and makes no
 * promise per window, because it is what every window waits for.
 *
 * Between two windows there is a span of virtual time in which nothing can happen: from the end of
 * the last one to the next event. A director is asked at its instants in there, an operator's
 * command acts at the instant that is due by the wall clock; both are written down first.
 */
import { performance } from "node:perf_hooks";
import type { CommittedWindow, NextStep, WindowProtocol } from "../src/engine/window-protocol.ts";
import type { Director } from "../src/model/director.ts";
import type { HostFault } from "../src/model/host-fault.ts";
import { NEVER_PS, PS_PER_S } from "../src/model/time.ts";
import type { Grant, WindowReport } from "../src/model/window.ts";
import type { JournalOrder } from "./journal-orders.ts";
import { Pacer } from "./pacing.ts";
import { journaled, WaitingOrders } from "./waiting-orders.ts";

/** How the run stands after a committed window. */
export interface RunStatus {
  readonly virtualTimePs: number;
  /** Since the first window was released. */
  readonly wallSeconds: number;
  readonly lagSeconds: number;
  readonly events: number;
  readonly windows: number;
  /** Virtual seconds per wall second so far. */
  readonly speed: number;
}

/** How the loop ended. */
export interface LoopEnd {
  readonly end: "finished" | "interrupted" | "time-limit" | "stuck" | "stopped";
  readonly detail?: string;
  /** Of a stopped run: everything before has happened, nothing at it or later. */
  readonly stoppedAtPs?: number;
}

/** What a command of an operator does, between two windows. */
export interface LiveCommand {
  /** Decides on orders, all for the instant `atPs`. What it throws ends the run. */
  decide(atPs: number): readonly JournalOrder[];
  /** The orders are written down and go out with the next grants. */
  done(): void;
}

export interface WindowLoopOptions {
  readonly protocol: WindowProtocol;
  readonly speed: number | "max";
  readonly timeLimitPs: number;
  /** Windows before this instant are released at once. */
  readonly paceFromPs?: number;
  /** Aborted when the operator asks for the end. */
  readonly stop: AbortSignal;
  readonly director?: Director;
  committed(window: CommittedWindow, status: RunStatus): void | Promise<void>;
  /** Writes orders down; they act afterwards. */
  ordered(orders: readonly JournalOrder[]): void;
  /**
   * Carries real faults out, written down first; nothing is granted before it has resolved. Not
   * given: nobody does.
   */
  disturb?(faults: readonly HostFault[], atPs: number): Promise<void>;
  /** Hands a grant to its worker. */
  grant(worker: number, grant: Grant): void;
  /** Called once, when no more windows will be granted. */
  ended(end: LoopEnd): void;
  /** Called once, when a rule was broken or the observer failed. */
  failed(error: unknown): void;
}

/** One run's windows. */
export class WindowLoop {
  readonly #options: WindowLoopOptions;
  readonly #protocol: WindowProtocol;
  readonly #director: Director | undefined;
  readonly #originMs = performance.now();
  readonly #pacer: Pacer;
  readonly #commands: LiveCommand[] = [];
  #speed: number | "max";
  /** Windows before are not paced; 0: all are. */
  #paceFromPs: number;
  #windowsCommitted = 0;
  /** Nothing can happen before this instant, orders that have not gone out included. */
  #nextPs = 0;
  /** Instant of the last order: time does not go back behind it, whatever the clock's rounding. */
  #orderedPs = 0;
  readonly #waiting = new WaitingOrders();
  /** The run is to stop now. */
  #stopped: LoopEnd | undefined;
  /** No window is under way, and the last one has been written. */
  #isBetween = false;
  #pausedAtMs: number | undefined;
  /** Since when processes are being replaced; then nothing is granted. */
  #brokenAtMs: number | undefined;
  /** Real faults are being carried out: nothing is granted. */
  #isDisturbed = false;
  #held: NodeJS.Timeout | undefined;
  #over = false;

  /** Wall time begins to count here: make it when the workers are about to begin. */
  constructor(options: WindowLoopOptions) {
    this.#options = options;
    this.#protocol = options.protocol;
    this.#director = options.director;
    this.#speed = options.speed;
    this.#paceFromPs = options.paceFromPs ?? 0;
    this.#pacer = new Pacer(options.speed, this.#originMs);
    options.stop.addEventListener("abort", () => {
      if (this.#isBetween) this.#end({ end: "interrupted" });
    });
  }

  get maxLagSeconds(): number {
    return this.#pacer.maxLagSeconds;
  }

  get lagSeconds(): number {
    return this.#pacer.lagSeconds;
  }

  /** The speed that was asked for last. */
  get speed(): number | "max" {
    return this.#speed;
  }

  /** Does the run do again what its record says? Nothing new may be ordered in between. */
  get isCatchingUp(): boolean {
    return this.#paceFromPs > 0;
  }

  get isPaused(): boolean {
    return this.#pausedAtMs !== undefined;
  }

  /** Wall time since the run began. */
  get wallSeconds(): number {
    return (performance.now() - this.#originMs) / 1000;
  }

  /**
   * Where virtual time stands: the instant whose moment has come on the wall clock, but not before
   * what has been run and not after the next event.
   */
  get presentPs(): number {
    const floorPs = Math.max(this.#protocol.floorPs, this.#orderedPs);
    const duePs = this.#pacer.duePs(this.#pausedAtMs ?? performance.now());
    const latestPs = this.#isBetween ? this.#turnPs : floorPs;
    return Math.max(floorPs, Math.min(duePs, latestPs === NEVER_PS ? floorPs : latestPs));
  }

  /** No window is released any more; nothing is called back. */
  abandon(): void {
    this.#over = true;
    clearTimeout(this.#held);
  }

  /**
   * Takes a worker's report; the last one of a window commits it. Throws the InvariantError of the
   * rule that the report breaks; then nothing has changed.
   */
  report(worker: number, report: WindowReport): void {
    if (this.#over) return;
    this.#protocol.accept(worker, report);
    try {
      if (this.#protocol.complete) this.#commit();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Has `command` decide between two windows: now, or when the present one is written. */
  between(command: LiveCommand): void {
    this.#commands.push(command);
    if (this.#isBetween && !this.#over) this.#advanceGuarded();
  }

  /** Grants nothing from now on. What is under way is finished first. Call it from a command. */
  pause(): void {
    this.#pausedAtMs ??= performance.now();
  }

  /** Goes on; the time of the pause does not count. Call it from a command. */
  resume(): void {
    if (this.#pausedAtMs === undefined) return;
    const nowMs = performance.now();
    this.#pacer.stoodStill(nowMs - this.#pausedAtMs);
    this.#pausedAtMs = undefined;
    if (this.#brokenAtMs !== undefined) this.#brokenAtMs = nowMs;
  }

  /** Paces from now on with virtual seconds per wall second. Call it from a command. */
  setSpeed(speed: number | "max"): void {
    this.#pacer.setSpeed(speed, this.presentPs, this.#pausedAtMs ?? performance.now());
    this.#speed = speed;
  }

  /**
   * Processes were lost: nothing is granted until `mended`. `orders` says what that does to the
   * run, if anything, at the first instant at which it can.
   */
  broken(orders: (atPs: number) => readonly JournalOrder[]): void {
    if (this.#over) return;
    this.#brokenAtMs ??= performance.now();
    const atPs = Math.max(this.#protocol.floorPs, this.#orderedPs);
    this.#order(orders(atPs), atPs);
  }

  /** Everybody is there again. The time that it took does not count, as that of a pause. */
  mended(): void {
    if (this.#brokenAtMs === undefined) return;
    if (this.#pausedAtMs === undefined) {
      this.#pacer.stoodStill(performance.now() - this.#brokenAtMs);
    } else this.#pausedAtMs = Math.min(this.#pausedAtMs, this.#brokenAtMs);
    this.#brokenAtMs = undefined;
    if (this.#isBetween) this.#advanceGuarded();
  }

  /** The next instant at which something can happen or somebody is to be asked. */
  get #turnPs(): number {
    const askedPs = this.#director?.nextPs ?? NEVER_PS;
    return Math.min(this.#nextPs, askedPs, this.#options.timeLimitPs);
  }

  #commit(): void {
    const committed = this.#protocol.commit();
    this.#windowsCommitted += 1;
    this.#nextPs = Math.min(this.#protocol.outlookPs, this.#waiting.firstPs);
    this.#director?.take(committed.facts);
    const written = this.#options.committed(committed, this.#statusOf(committed));
    if (written === undefined) this.#advance();
    else written.then(() => this.#advanceGuarded()).catch((error) => this.#fail(error));
  }

  #advanceGuarded(): void {
    if (this.#over) return;
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Between two windows: until the next is granted, or its moment is waited for. */
  #advance(): void {
    this.#isBetween = true;
    clearTimeout(this.#held);
    while (!this.#over) {
      if (this.#options.stop.aborted) {
        this.#end({ end: "interrupted" });
        return;
      }
      this.#runCommands();
      if (this.#stopped !== undefined) {
        this.#end(this.#stopped);
        return;
      }
      if (this.#pausedAtMs !== undefined || this.#brokenAtMs !== undefined) return;
      if (this.#isDisturbed) return;
      const holdMs = this.#holdMs();
      if (holdMs > 0) {
        // A timer takes at most 2^31 - 1 ms; a longer wait is taken up again.
        this.#held = setTimeout(() => this.#advanceGuarded(), Math.min(holdMs, 2_147_483_647));
        return;
      }
      const step = this.#protocol.next(this.#waiting.take(), this.#director?.nextPs ?? NEVER_PS);
      if (step.type === "grants") {
        this.#release(step);
        return;
      }
      if (step.type === "stop-reached") this.#ask(step.atPs);
      else this.#end(endOf(step));
    }
  }

  #holdMs(): number {
    // Nothing is left to happen: nothing to wait for.
    if (this.#nextPs === NEVER_PS) return 0;
    if (this.#paceFromPs > 0) {
      if (this.#turnPs < this.#paceFromPs) return 0;
      this.#paceFromPs = 0;
      this.#pacer.setSpeed(this.#speed, this.#turnPs, performance.now());
    }
    return this.#pacer.holdMs(this.#turnPs, performance.now());
  }

  #runCommands(): void {
    for (;;) {
      const command = this.#commands.shift();
      if (command === undefined) return;
      const atPs = this.presentPs;
      this.#order(command.decide(atPs), atPs);
      command.done();
    }
  }

  /** Everything before `atPs` has happened: the director's turn. */
  #ask(atPs: number): void {
    const orders = (this.#director as Director).at(atPs);
    this.#order(journaled(orders, atPs), atPs);
    const { hostFaults = [] } = orders;
    if (hostFaults.length > 0 && this.#stopped === undefined) this.#disturb(hostFaults, atPs);
  }

  /** A loss that comes of it before it is done acts at `atPs`. That time does not count. */
  #disturb(faults: readonly HostFault[], atPs: number): void {
    const sinceMs = performance.now();
    const disturbed = this.#options.disturb?.(faults, atPs);
    if (disturbed === undefined) return;
    this.#orderedPs = atPs;
    this.#isDisturbed = true;
    const done = (): void => {
      const nowMs = performance.now();
      const untilMs = Math.min(this.#pausedAtMs ?? nowMs, this.#brokenAtMs ?? nowMs);
      this.#pacer.stoodStill(Math.max(0, untilMs - sinceMs));
      this.#isDisturbed = false;
      this.#advanceGuarded();
    };
    disturbed.then(done, (error) => this.#fail(error));
  }

  /** Orders are written down first. */
  #order(orders: readonly JournalOrder[], atPs: number): void {
    if (orders.length === 0) return;
    this.#options.ordered(orders);
    this.#orderedPs = atPs;
    this.#waiting.add(orders);
    for (const order of orders) {
      if (order.record === "stop") {
        const { atPs, reason } = order;
        this.#stopped ??= { end: "stopped", detail: reason, stoppedAtPs: atPs };
      } else if (order.record !== "note") this.#nextPs = Math.min(this.#nextPs, order.atPs);
    }
  }

  #release(step: NextStep & { type: "grants" }): void {
    this.#isBetween = false;
    this.#pacer.released(step.startPs, performance.now());
    for (const { worker, grant } of step.grants) this.#options.grant(worker, grant);
  }

  #statusOf(committed: CommittedWindow): RunStatus {
    const { wallSeconds } = this;
    const virtualTimePs = this.#protocol.virtualTimePs;
    return {
      virtualTimePs,
      wallSeconds,
      lagSeconds: this.#pacer.lagSeconds,
      events: committed.events,
      windows: this.#windowsCommitted,
      speed: wallSeconds > 0 ? virtualTimePs / PS_PER_S / wallSeconds : 0,
    };
  }

  #end(end: LoopEnd): void {
    if (this.#over) return;
    this.abandon();
    this.#options.ended(end);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.abandon();
    this.#options.failed(error);
  }
}

function endOf(step: Exclude<NextStep, { type: "grants" } | { type: "stop-reached" }>): LoopEnd {
  if (step.type !== "stuck") return { end: step.type };
  const detail = `nothing is left to happen, and ${step.unfinished} GPUs have not finished`;
  return { end: "stuck", detail };
}
