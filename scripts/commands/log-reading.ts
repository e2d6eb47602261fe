/**
 * One reading of a run's log, from its beginning to the end of what is there, or of the run. It
 * reads the run folder and asks the run for its status; nothing that it does changes a run.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { BlindReader } from "../../cluster/blind.ts";
import { runningIn } from "../../cluster/control-file.ts";
import { FaultBook } from "../../cluster/fault-book.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { holderOf } from "../../cluster/run-lock.ts";
import { type LogItem, RunLog, readOrders } from "../../cluster/run-log.ts";
import { counted } from "../../src/base/words.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import type { EventFilter } from "../../src/observe/event-filter.ts";
import type { EventLine } from "../../src/observe/event-line.ts";
import { statusText } from "../terminal/status-text.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { LogOutput } from "./log-output.ts";
import type { LogPrinter } from "./log-printer.ts";
import { FolderWatch, StatusWatch } from "./run-watch.ts";

/** A run that says nothing for so long is told what was held back of it, wall ms. */
const IDLE_MS = 1000;

/** Whether a process writes `folder` now. */
export function isUp(folder: string): boolean {
  return holderOf(folder) !== undefined || runningIn(folder) !== undefined;
}

/**
 * Returns when the run in `folder` has begun, or is none that is up, or when stopped: then its
 * files are there, and it is known whether it is blind.
 */
export async function hasBegun(folder: string, stop: AbortSignal): Promise<void> {
  const watch = new FolderWatch(folder);
  const events = join(folder, RunFile.events);
  while (isUp(folder) && !stop.aborted) {
    if (runningIn(folder) !== undefined) break;
    if ((statSync(events, { throwIfNoEntry: false })?.size ?? 0) > 0) break;
    await watch.changed(stop);
  }
  watch.close();
}

/** Tells a filter when the faults of a run begin and end, as far as that is known by now. */
export function expectFaults(filter: EventFilter, folder: string, scenario: Scenario): void {
  if (filter.spec.around.length === 0) return;
  const book = new FaultBook(scenario.faults);
  book.take(readOrders(folder));
  for (const name of book.names) {
    const booked = book.get(name);
    if (booked === undefined) continue;
    filter.expect(name, booked.spec.atPs);
    if (booked.untilPs !== undefined) filter.expect(name, booked.untilPs);
  }
}

export interface LogReadingOptions {
  readonly folder: string;
  /** Go on as long as the run is up. */
  readonly follows: boolean;
  /** The run is up and hides what its drill does. */
  readonly isBlind: boolean;
  readonly printer: LogPrinter;
  readonly output: LogOutput;
  readonly terminal: Terminal;
  /** Shows a status line for the layers that are done; undefined: none. */
  readonly layers: (() => { readonly done: number; readonly total: number }) | undefined;
  /** Aborted when the reader wants no more. */
  readonly stop: AbortSignal;
}

/**
 * Reads until nothing more comes, nobody wants more, or nobody reads it. Returns remarks on how it
 * ended. Throws OperatingError E001, E050 and E051.
 */
export async function readLog(options: LogReadingOptions): Promise<string[]> {
  const { folder, printer, output, follows, stop } = options;
  const log = new RunLog(folder);
  const watch = new FolderWatch(folder);
  const remarks: string[] = [];
  try {
    try {
      await new LogLoop(options, log, watch).run();
    } finally {
      await output.write(printer.flush());
      await output.caughtUp();
    }
    if (stop.aborted || output.isClosed) return remarks;
    if (log.isReplaced) remarks.push("another run has taken the folder");
    else if (log.tornBytes > 0 && !isUp(folder)) {
      remarks.push(`an incomplete last line was left out (${counted(log.tornBytes, "byte")})`);
    }
    if (follows) remarks.push(endText(log));
    else if (log.end === undefined && !isUp(folder)) remarks.push(CUT_OFF);
    return remarks;
  } finally {
    watch.close();
    log.close();
  }
}

const CUT_OFF = "the run was cut off: its process is gone; faultplane resume takes it up";

function endText({ end }: RunLog): string {
  if (end === undefined) return CUT_OFF;
  const at = formatTime(end.virtualTimePs);
  return `the run is over: ${end.end === "finished" ? "finished" : `${end.end}, last event`} at ${at}`;
}

/** The reading itself. */
class LogLoop {
  readonly #options: LogReadingOptions;
  readonly #log: RunLog;
  readonly #watch: FolderWatch;
  readonly #status: StatusWatch;
  readonly #blind: BlindReader | undefined;
  #newsAtMs = performance.now();

  constructor(options: LogReadingOptions, log: RunLog, watch: FolderWatch) {
    this.#options = options;
    this.#log = log;
    this.#watch = watch;
    this.#status = new StatusWatch(options.folder);
    this.#blind = options.isBlind ? new BlindReader() : undefined;
  }

  async run(): Promise<void> {
    const { folder, output, follows, stop } = this.#options;
    let empty = 0;
    let isLast = false;
    while (!stop.aborted && !output.isClosed) {
      if (!isLast && !(follows && isUp(folder) && this.#mayGrow)) {
        // What was written until now has not been looked at.
        isLast = true;
        empty = 0;
      }
      empty = (await this.#step()) ? 0 : empty + 1;
      // What was there in two looks at the files is all that there is.
      if (empty < 2) continue;
      if (isLast) return;
      await output.caughtUp();
      await this.#rest();
    }
  }

  /** Whether the run that is up writes more to these files. */
  get #mayGrow(): boolean {
    return this.#log.end === undefined && !this.#log.isReplaced;
  }

  /** Takes what is next; says whether there was anything. */
  async #step(): Promise<boolean> {
    const { printer, output } = this.#options;
    const items = this.#log.next();
    if (items.length === 0) return false;
    this.#newsAtMs = performance.now();
    await output.write(printer.take(this.#seen(items)));
    return true;
  }

  /** Waits for more. */
  async #rest(): Promise<void> {
    const { printer, output, terminal, layers, stop } = this.#options;
    const nowMs = performance.now();
    if (nowMs - this.#newsAtMs > IDLE_MS) await output.write(printer.flush());
    if (layers !== undefined) {
      const status = this.#status.get(nowMs);
      const { done: layersDone, total: layersTotal } = layers();
      if (status !== undefined) {
        const faults = status.faults.map(({ fault }) => fault);
        const parts = { ...status, layersDone, layersTotal, faults };
        terminal.status((columns) => statusText(parts, columns), nowMs);
      }
    }
    if (this.#log.followCut()) terminal.log("note: the run was taken up again");
    await this.#watch.changed(stop);
  }

  /** The items as they may be seen. */
  #seen(items: readonly LogItem[]): readonly LogItem[] {
    const blind = this.#blind;
    if (blind === undefined) return items;
    return items.flatMap((item) => {
      const line: EventLine | undefined = blind.veil(item.line);
      if (line === undefined) return [];
      return [line === item.line ? item : { line, text: JSON.stringify(line) }];
    });
  }
}
