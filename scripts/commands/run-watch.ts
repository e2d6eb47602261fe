/**
 * Waits for a run folder to change: the system says so where it can, and a clock looks anyway. And
 * how the run stands, asked for now and then.
 */
import { type FSWatcher, watch } from "node:fs";
import { askRun } from "../../cluster/control-client.ts";
import type { LiveStatus } from "../../cluster/control-messages.ts";

/** Longest wait for a change, and shortest, ms. */
const LOOK_EVERY_MS = 250;
const REST_MS = 20;
/** Between two questions to the run, ms. */
const ASK_EVERY_MS = 500;

/** Watches one folder until closed. */
export class FolderWatch {
  readonly #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: () => void = () => {};

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, { persistent: false }, () => {
        this.#hasChanged = true;
        this.#wake();
      });
      this.#watcher.on("error", () => {});
    } catch {
      // No watches are left, or the file system has none: the clock does.
    }
  }

  /** Returns when the folder may have changed, at the latest after a moment, or when stopped. */
  async changed(stop: AbortSignal): Promise<void> {
    await this.#pause(REST_MS, stop, false);
    if (!this.#hasChanged) await this.#pause(LOOK_EVERY_MS, stop, true);
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
  }

  #pause(ms: number, stop: AbortSignal, canWake: boolean): Promise<void> {
    if (stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop.removeEventListener("abort", done);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      stop.addEventListener("abort", done);
      if (canWake) this.#wake = done;
    });
  }
}

/** How a run stands, as it said last. */
export class StatusWatch {
  readonly #folder: string;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #last: LiveStatus | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The last answer; undefined: none yet. Asks again when it is time to. */
  get(nowMs: number): LiveStatus | undefined {
    if (!this.#isAsking && nowMs - this.#askedAtMs >= ASK_EVERY_MS) {
      this.#askedAtMs = nowMs;
      this.#isAsking = true;
      void this.#ask();
    }
    return this.#last;
  }

  async #ask(): Promise<void> {
    try {
      const answer = await askRun(this.#folder, { command: "status" });
      if (answer.ok && answer.status !== undefined) this.#last = answer.status;
    } catch {
      // It is over, or not up yet: the last answer stays.
    } finally {
      this.#isAsking = false;
    }
  }
}
