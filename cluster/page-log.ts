/**
 * What the page is told of a run's log: the sentences that `faultplane logs` prints, the same from
 * many in one, or each fact with its fields; of what passes a filter.
 */
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import { describeLine } from "../src/observe/describe-line.ts";
import { EventFilter, parseEventFilter } from "../src/observe/event-filter.ts";
import type { EventLine } from "../src/observe/event-line.ts";
import { EventSieve } from "../src/observe/event-sieve.ts";
import { entryOf } from "../src/observe/fact-catalogue.ts";
import type { FilterProblem } from "../src/observe/filter-terms.ts";
import { isNews, journalEntryOf } from "../src/observe/journal-line.ts";
import type { FleetPlan } from "../src/observe/layer-progress.ts";
import type { LiveLine } from "../src/observe/live-log.ts";
import { LogLines } from "../src/observe/log-lines.ts";
import type { ToldLine } from "../src/observe/view-api.ts";
import { fleetPlanOf } from "./fleet-plan.ts";

/** Characters of a filter: who only watches cannot keep the run busy. */
const FILTER_LENGTH = 1000;

/** What somebody wants to read of the log. */
export interface LogWish {
  /** As the page writes it; empty: what changes the state of the fleet. */
  readonly filter: string;
  /** Each fact with its fields; else the same from many in one line. */
  readonly isEach: boolean;
}

/** Takes all lines of a log, in its order; gives those that are told. */
export interface LogTeller {
  take(lines: readonly EventLine[]): ToldLine[];
  /** What was held back: nothing more comes, or not soon. */
  flush(): ToldLine[];
}

/** Could a filter not be read? */
export function isProblem<Other extends object>(
  value: Other | FilterProblem,
): value is FilterProblem {
  return "message" in value && "hint" in value;
}

/** Makes the lines of one run what the page shows. */
export class PageLog {
  readonly #scenario: Scenario;
  readonly #plan: FleetPlan;

  constructor(scenario: Scenario, topology: Topology) {
    this.#scenario = scenario;
    this.#plan = fleetPlanOf(scenario, topology);
  }

  /** Tells what is wished for, from the beginning of the log; or says why it cannot be read. */
  teller({ filter: text, isEach }: LogWish): LogTeller | FilterProblem {
    if (text.length > FILTER_LENGTH) {
      const message = `a filter has at most ${FILTER_LENGTH} characters, not ${text.length}`;
      return { message, hint: "faultplane logs takes longer ones" };
    }
    const parsed = parseEventFilter(text);
    if (!parsed.ok) return { message: parsed.message, hint: parsed.hint };
    const filter = new EventFilter(parsed.value, this.#scenario.cluster);
    if (!isEach) return new GroupTeller(new LogLines(this.#plan, filter, "grouped", "with each"));
    return new FactTeller(filter, text.trim() === "", this.#plan.chains.length > 1);
  }
}

class GroupTeller implements LogTeller {
  readonly #lines: LogLines;

  constructor(lines: LogLines) {
    this.#lines = lines;
  }

  take(lines: readonly EventLine[]): ToldLine[] {
    return this.#lines.take(lines.map((line) => ({ line }))).map(toldOf);
  }

  flush(): ToldLine[] {
    return this.#lines.flush().map(toldOf);
  }
}

function toldOf({ atPs, actor, level, text }: LiveLine): ToldLine {
  return { virtualTimePs: atPs, actor, level, text };
}

class FactTeller implements LogTeller {
  readonly #sieve: EventSieve<{ readonly line: EventLine }>;
  readonly #isUnfiltered: boolean;
  readonly #namesChain: boolean;

  constructor(filter: EventFilter, isUnfiltered: boolean, namesChain: boolean) {
    this.#sieve = new EventSieve(filter);
    this.#isUnfiltered = isUnfiltered;
    this.#namesChain = namesChain;
  }

  take(lines: readonly EventLine[]): ToldLine[] {
    return lines
      .filter((line) => !this.#isUnfiltered || isTold(line))
      .flatMap((line) => this.#sieve.take({ line }))
      .map(({ line }) => ({ ...line, text: describeLine(line, this.#namesChain) }));
  }

  flush(): ToldLine[] {
    return [];
  }
}

/** Is a line told to those who did not ask for more? */
function isTold(line: EventLine): boolean {
  if (journalEntryOf(line.fact) !== undefined) return isNews(line);
  return entryOf(line.fact)?.loudness !== "progress" && entryOf(line.fact)?.loudness !== "packet";
}
