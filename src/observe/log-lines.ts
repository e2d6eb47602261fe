/**
 * Lines of a log as text for people: what passes the filter, the same from many in one line, and
 * the progress of the fleet where the filter is for all of it. Knows of no files.
 */
import type { Fact } from "../model/fact.ts";
import { describeLine, toneOfLine } from "./describe-line.ts";
import { type EventFilter, isAsked, isWithin } from "./event-filter.ts";
import { type EventLine, factOf } from "./event-line.ts";
import { EventSieve } from "./event-sieve.ts";
import { entryOf } from "./fact-catalogue.ts";
import type { EventFilterSpec } from "./filter-terms.ts";
import { isNews, journalEntryOf } from "./journal-line.ts";
import type { FleetPlan, IsAwaited } from "./layer-progress.ts";
import { type Detail, FLEET, type LiveLine, LiveLog } from "./live-log.ts";

/** A line of the log with its fact, or what the fleet has done, as a line and in words. */
interface HeardItem {
  readonly line: EventLine;
  readonly fact?: Fact | undefined;
  readonly news?: string;
}

/** What became of the facts of a log. */
export interface LogTally {
  /** Those that there were, and those of them that passed the filter. */
  readonly facts: number;
  readonly passed: number;
  /** Lines that were told. */
  readonly told: number;
}

/** What a filter looks at when the fleet is done with a layer. */
const OF_FLEET = { actor: FLEET, index: 0, fact: "layer.completed", level: "info" } as const;

export class LogLines {
  readonly live: LiveLog;
  readonly #filter: EventFilter;
  readonly #sieve: EventSieve<HeardItem>;
  readonly #detail: Detail;
  readonly #namesChain: boolean;
  /** Whether the filter is for the whole fleet: then its progress is told. */
  readonly #isOfFleet: boolean;
  /** Whether facts of the layers that the filter names are told one by one. */
  readonly #tellsLayers: boolean;
  #nowPs = 0;
  #facts = 0;
  #passed = 0;
  #told = 0;

  /** `elsewhere`: where to find the retries that are not told, such as `with --each`. */
  constructor(plan: FleetPlan, filter: EventFilter, detail: Detail, elsewhere: string) {
    const { kinds } = filter.spec;
    const tellsAll = kinds.length > 0 && isAsked(kinds, "qp.timed-out");
    const most = tellsAll ? Number.POSITIVE_INFINITY : 1;
    const { layers, steps } = filter.spec;
    const isAwaited: IsAwaited = (step, layer) =>
      layers.length > 0 && isWithin(layers, layer) && (steps.length === 0 || isWithin(steps, step));
    this.live = new LiveLog([], plan, detail, { most, elsewhere }, isAwaited);
    this.#filter = filter;
    this.#sieve = new EventSieve(filter);
    this.#detail = detail;
    this.#namesChain = plan.chains.length > 1;
    this.#isOfFleet = isOfFleet(filter.spec);
    this.#tellsLayers = layers.length > 0 && (detail === "each" || !this.#isOfFleet);
  }

  get tally(): LogTally {
    return { facts: this.#facts, passed: this.#passed, told: this.#told };
  }

  /** Takes the next items of the log; returns the lines that are ready. */
  take(items: readonly { readonly line: EventLine }[]): LiveLine[] {
    for (const { line } of items) {
      const fact = factOf(line);
      const news = fact === undefined ? [] : this.live.hear(line.actor, fact);
      this.#nowPs = Math.max(this.#nowPs, line.virtualTimePs);
      if (fact !== undefined) this.#facts += 1;
      for (const passed of this.#sieve.take({ line, fact })) this.#tell(passed);
      if (!this.#isOfFleet) continue;
      const { virtualTimePs } = line;
      for (const { step, layer, text } of news) {
        const done: EventLine = { ...OF_FLEET, virtualTimePs, step, layer };
        for (const passed of this.#sieve.take({ line: done, news: text })) this.#tell(passed);
      }
    }
    return this.#counted(this.live.release(this.#nowPs));
  }

  /** Everything still held back: nothing more comes, or not soon. */
  flush(): LiveLine[] {
    return this.#counted(this.live.flush());
  }

  #counted(lines: LiveLine[]): LiveLine[] {
    this.#told += lines.length;
    return lines;
  }

  #tell({ line, fact, news }: HeardItem): void {
    const { virtualTimePs: atPs, actor, fact: type } = line;
    if (news !== undefined) {
      this.live.sayOfFleet(atPs, news);
      return;
    }
    const { kinds } = this.#filter.spec;
    const isNamed = this.#tellsLayers && line.layer !== undefined;
    const isWanted = isNamed || (kinds.length > 0 && isAsked(kinds, type));
    if (!isWanted && this.#isQuiet(type)) return;
    if (fact !== undefined) this.#passed += 1;
    if (fact !== undefined) this.live.tell(atPs, actor, fact, isWanted);
    else if (isWanted || this.#detail === "all" || !this.#isOrderOfDrill(line)) {
      const text = describeLine(line, this.#namesChain);
      this.live.say({ atPs, actor, text, tone: toneOfLine(line), level: line.level });
    }
  }

  /** Packets are for who asks for them. */
  #isQuiet(type: string): boolean {
    return entryOf(type)?.loudness === "packet";
  }

  /** What a drill orders is a fact at once. */
  #isOrderOfDrill(line: EventLine): boolean {
    return journalEntryOf(line.fact) !== undefined && !isNews(line);
  }
}

/** Whether nothing but times, layers and steps is asked for. */
function isOfFleet(spec: EventFilterSpec): boolean {
  const { actors, kinds, planes, nodes, faults, texts, level = "info" } = spec;
  const lists = [actors, kinds, planes, nodes, faults, texts];
  return level === "info" && lists.every((list) => list.length === 0);
}
