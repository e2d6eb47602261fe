/** Lines of a run's log for the page: which it is shown, in its words, and past ones again. */
import type { Scenario } from "../src/model/scenario.ts";
import { describeLine } from "../src/observe/describe-line.ts";
import { EventFilter, parseEventFilter } from "../src/observe/event-filter.ts";
import type { EventLine } from "../src/observe/event-line.ts";
import { EventSieve } from "../src/observe/event-sieve.ts";
import { entryOf } from "../src/observe/fact-catalogue.ts";
import type { FilterProblem } from "../src/observe/filter-terms.ts";
import { isNews, journalEntryOf } from "../src/observe/journal-line.ts";
import type { EventView, LogView } from "../src/observe/view-api.ts";
import { makeSchedule } from "../src/workload/schedules.ts";
import { BlindReader } from "./blind.ts";
import { RunLog } from "./run-log.ts";
import type { NumberedLine } from "./run-watch.ts";

/** Wall ms of reading between two turns of the event loop, and in all. */
const TURN_MS = 10;
const SEARCH_MS = 10_000;

/** Decides which lines pass, in the order of the log. */
export type Passing = (line: NumberedLine) => readonly NumberedLine[];

/** Makes the lines of one run what the page shows. */
export class PageLog {
  readonly #scenario: Scenario;
  readonly #namesChain: boolean;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#namesChain = makeSchedule(scenario).chains.length > 1;
  }

  /** What passes a filter as the page writes it; without one what changes the fleet's state. */
  passing(text: string): Passing | FilterProblem {
    if (text.trim() === "") return (line) => (isTold(line.line) ? [line] : []);
    const filter = parseEventFilter(text);
    if (!filter.ok) return filter;
    const sieve = new EventSieve<NumberedLine>(
      new EventFilter(filter.value, this.#scenario.cluster),
    );
    return (line) => sieve.take(line);
  }

  /** A line with its sentence. */
  shown({ number, line }: NumberedLine): EventView {
    return { ...line, line: number, text: describeLine(line, this.#namesChain) };
  }

  /**
   * The last `limit` lines up to an instant, read again from the folder. Gives others their turn
   * meanwhile; gives up after some seconds, with what it has.
   */
  async past(
    folder: string,
    passing: Passing,
    { untilPs, limit, isVeiled }: { untilPs: number; limit: number; isVeiled: boolean },
  ): Promise<LogView> {
    const log = new RunLog(folder);
    const blind = new BlindReader();
    const kept: NumberedLine[] = [];
    const startedMs = performance.now();
    let [number, skipped, idle] = [0, 0, 0];
    let turnEndsMs = startedMs + TURN_MS;
    try {
      while (idle < 2 && performance.now() - startedMs < SEARCH_MS) {
        const items = log.next();
        idle = items.length === 0 ? idle + 1 : 0;
        for (const item of items) {
          const line = isVeiled ? blind.veil(item.line) : item.line;
          if (line === undefined) continue;
          if (line.virtualTimePs <= untilPs) kept.push(...passing({ number, line }));
          number += 1;
        }
        if (kept.length > 2 * limit) {
          const over = kept.length - limit;
          skipped += over;
          kept.splice(0, over);
        }
        if ((items.at(-1)?.line.virtualTimePs ?? 0) > untilPs) break;
        if (performance.now() < turnEndsMs) continue;
        await new Promise((resolve) => setImmediate(resolve));
        turnEndsMs = performance.now() + TURN_MS;
      }
    } finally {
      log.close();
    }
    const over = Math.max(0, kept.length - limit);
    return { lines: kept.slice(over).map((one) => this.shown(one)), skipped: skipped + over };
  }
}

/** Is a line told to those who did not ask for more? */
function isTold(line: EventLine): boolean {
  if (journalEntryOf(line.fact) !== undefined) return isNews(line);
  return entryOf(line.fact)?.loudness !== "progress" && entryOf(line.fact)?.loudness !== "packet";
}
