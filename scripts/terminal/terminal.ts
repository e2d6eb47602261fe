/**
 * The two streams of the command: results on stdout, everything else on stderr. Keeps the status
 * line below the log on a terminal, colours only where wanted, and takes a closed pipe in silence.
 */
import { fstatSync } from "node:fs";
import { clearLine, cursorTo } from "node:readline";
import type { Tone } from "../../src/observe/describe-fact.ts";
import { makePalette, type Palette, wantsColour } from "./colour.ts";

/** Redraws of the status line are at least this far apart, ms. */
const REDRAW_MS = 100;

/** The terminal as the commands use it. */
export class Terminal {
  /** Colours of stderr and of stdout. */
  readonly palette: Palette;
  readonly resultPalette: Palette;
  readonly #isTerminal: boolean;
  #status = "";
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #errorClosed = false;
  #resultClosed = false;
  #onClosed: () => void = () => {};

  /** `colour` false: `--no-color` was given. */
  constructor(colour: boolean) {
    const choose = (isTerminal: boolean): Palette =>
      makePalette(wantsColour({ refused: !colour, environment: process.env, isTerminal }));
    this.#isTerminal = process.stderr.isTTY === true && process.env.TERM !== "dumb";
    this.palette = choose(process.stderr.isTTY === true);
    this.resultPalette = choose(process.stdout.isTTY === true);
    process.stderr.on("error", () => this.#closed("error"));
    process.stdout.on("error", () => this.#closed("result"));
  }

  /** Nobody reads results any more. */
  get isResultClosed(): boolean {
    return this.#resultClosed;
  }

  /** Called once when nobody reads either stream any more. */
  set onClosed(listener: () => void) {
    this.#onClosed = listener;
  }

  /** Lines for people, above the status line. */
  log(text: string): void {
    if (this.#errorClosed) return;
    this.#erase();
    process.stderr.write(`${text}\n`);
    this.#draw();
  }

  /**
   * Replaces the status line; nothing happens when stderr is no terminal. `text` is told how many
   * columns it has; `nowMs` is the wall clock's.
   */
  status(text: (columns: number) => string, nowMs: number): void {
    if (!this.#isTerminal || nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    this.#erase();
    this.#status = text(this.#columns);
    this.#draw();
  }

  /** Takes the status line away for good. */
  endStatus(): void {
    this.#erase();
    this.#status = "";
  }

  /**
   * Writes a result to stdout and waits until it is handed over, or nobody wants it. Rejects with
   * the system's error when it could not be written.
   */
  result(text: string): Promise<void> {
    if (this.#resultClosed) return Promise.resolve();
    return new Promise((done, failed) => {
      process.stdout.write(text, (error) => {
        const isGone = error === null || error === undefined || "EPIPE" === codeOf(error);
        if (isGone) done();
        else failed(error);
      });
    });
  }

  /** Like {@link result}, above the status line. */
  async resultAbove(text: string): Promise<void> {
    this.#erase();
    await this.result(text);
    this.#draw();
  }

  /** `text` in the colour of its tone, for stderr unless another palette is given. */
  paint(text: string, tone: Tone, palette = this.palette): string {
    switch (tone) {
      case "good":
        return palette.green(text);
      case "warning":
        return palette.yellow(text);
      case "bad":
        return palette.red(text);
      case "quiet":
        return palette.dim(text);
      default:
        return text;
    }
  }

  #erase(): void {
    if (this.#status === "" || this.#errorClosed) return;
    cursorTo(process.stderr, 0);
    clearLine(process.stderr, 0);
  }

  #draw(): void {
    if (this.#status === "" || this.#errorClosed) return;
    process.stderr.write(this.palette.dim(this.#status.slice(0, this.#columns)));
  }

  /** The last one stays free. Some terminals do not know their width and say 0. */
  get #columns(): number {
    return Math.max(0, (process.stderr.columns || 80) - 1);
  }

  #closed(stream: "error" | "result"): void {
    const before = this.#errorClosed && this.#resultClosed;
    if (stream === "error" || sameStream()) this.#errorClosed = true;
    if (stream === "result" || sameStream()) this.#resultClosed = true;
    if (!before && this.#errorClosed && this.#resultClosed) this.#onClosed();
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Whether stdout and stderr are one pipe (`2>&1 | head`). */
function sameStream(): boolean {
  try {
    const [out, error] = [fstatSync(1), fstatSync(2)];
    return out.ino === error.ino && out.dev === error.dev;
  } catch {
    return true;
  }
}
