/**
 * What a signal does to a command: the first asks the run to stop after its window, the second ends
 * the process at once (workers notice by themselves). Owns the process's signal handlers while it
 * is active.
 */
import { Exit } from "./exit-codes.ts";

/**
 * npm passes Ctrl-C on to a process that has had it from the terminal already; such an echo counts
 * once, ms.
 */
const ECHO_MS = 250;

const CODES = { SIGINT: Exit.interrupted, SIGTERM: Exit.terminated, SIGHUP: Exit.hangup } as const;

/** Watches for signals until closed. */
export class StopSignals {
  readonly #controller = new AbortController();
  readonly #handlers: (readonly [NodeJS.Signals, () => void])[] = [];
  #exitCode: number | undefined;
  #firstAtMs = 0;
  #onQuit: () => void = () => {};

  /** `announce` is called with what to tell the user, at the first signal. */
  constructor(announce: (text: string) => void) {
    for (const [signal, code] of Object.entries(CODES)) {
      const handler = (): void => {
        const nowMs = performance.now();
        if (this.#exitCode !== undefined) {
          if (nowMs - this.#firstAtMs < ECHO_MS) return;
          this.#onQuit();
          process.exit(code);
        }
        this.#firstAtMs = nowMs;
        this.#exitCode = code;
        announce("stopping after this window (Ctrl-C again to quit now)");
        this.#controller.abort();
      };
      process.on(signal as NodeJS.Signals, handler);
      this.#handlers.push([signal as NodeJS.Signals, handler]);
    }
  }

  /** Called before leaving at the second signal. */
  set onQuit(quit: () => void) {
    this.#onQuit = quit;
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Exit code of the signal that came; undefined: none. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Stops the run without a signal, with this exit code: nobody reads the output any more. */
  abandon(exitCode: number): void {
    this.#exitCode ??= exitCode;
    this.#controller.abort();
  }

  /** Gives the signals back. */
  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}
