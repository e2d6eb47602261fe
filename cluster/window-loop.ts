/**
 * The coordinator's loop: reports in, commit, observer, next grants out, at the pace of the run.
 * The same for one process and for many. It runs on callbacks and makes no promise per window,
 * because it is what every window waits for.
 */
import { performance } from "node:perf_hooks";
import type { CommittedWindow, NextStep, WindowProtocol } from "../src/engine/window-protocol.ts";
import { PS_PER_S } from "../src/model/time.ts";
import type { Grant, WindowReport } from "../src/model/window.ts";
import { Pacer } from "./pacing.ts";

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
  readonly end: "finished" | "interrupted" | "time-limit" | "stuck";
  readonly detail?: string;
}

export interface WindowLoopOptions {
  readonly protocol: WindowProtocol;
  readonly speed: number | "max";
  /** Aborted when the operator asks for the end. */
  readonly stop: AbortSignal;
  committed(window: CommittedWindow, status: RunStatus): void | Promise<void>;
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
  readonly #originMs = performance.now();
  readonly #pacer: Pacer;
  #windowsCommitted = 0;
  #held: NodeJS.Timeout | undefined;
  #over = false;

  /** Wall time begins to count here: make it when the workers are about to begin. */
  constructor(options: WindowLoopOptions) {
    this.#options = options;
    this.#protocol = options.protocol;
    this.#pacer = new Pacer(options.speed, this.#originMs);
    options.stop.addEventListener("abort", () => {
      if (this.#held === undefined) return;
      clearTimeout(this.#held);
      this.#end({ end: "interrupted" });
    });
  }

  get maxLagSeconds(): number {
    return this.#pacer.maxLagSeconds;
  }

  /** No window is released any more; nothing is called back. */
  abandon(): void {
    this.#over = true;
    clearTimeout(this.#held);
  }

  /** Takes a worker's report; the last one of a window commits it. */
  report(worker: number, report: WindowReport): void {
    if (this.#over) return;
    try {
      this.#protocol.accept(worker, report);
      if (this.#protocol.complete) this.#commit();
    } catch (error) {
      this.#fail(error);
    }
  }

  #commit(): void {
    const committed = this.#protocol.commit();
    this.#windowsCommitted += 1;
    const written = this.#options.committed(committed, this.#statusOf(committed));
    if (written === undefined) this.#advance();
    else written.then(() => this.#advanceLater()).catch((error) => this.#fail(error));
  }

  #advanceLater(): void {
    if (!this.#over) this.#advance();
  }

  #advance(): void {
    if (this.#options.stop.aborted) {
      this.#end({ end: "interrupted" });
      return;
    }
    const step = this.#protocol.next();
    switch (step.type) {
      case "grants": {
        const holdMs = this.#pacer.holdMs(step.startPs, performance.now());
        if (holdMs === 0) this.#release(step);
        else this.#hold(step, holdMs);
        return;
      }
      case "stuck":
        this.#end({
          end: "stuck",
          detail: `nothing is left to happen, and ${step.unfinished} GPUs have not finished`,
        });
        return;
      default:
        this.#end({ end: step.type });
    }
  }

  #hold(step: NextStep & { type: "grants" }, holdMs: number): void {
    // A timer takes at most 2^31 - 1 ms; a longer wait is taken up again.
    const waitMs = Math.min(holdMs, 2_147_483_647);
    this.#held = setTimeout(() => {
      this.#held = undefined;
      const restMs = this.#pacer.holdMs(step.startPs, performance.now());
      if (restMs === 0) this.#release(step);
      else this.#hold(step, restMs);
    }, waitMs);
  }

  #release(step: NextStep & { type: "grants" }): void {
    this.#pacer.released(step.startPs, performance.now());
    for (const { worker, grant } of step.grants) this.#options.grant(worker, grant);
  }

  #statusOf(committed: CommittedWindow): RunStatus {
    const wallSeconds = (performance.now() - this.#originMs) / 1000;
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
