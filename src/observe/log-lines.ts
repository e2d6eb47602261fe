/**
 * Lines of a log as text for people: what passes the filter, the same from many in one line, and
 * the progress of the fleet where the filter is for all of it. Knows of no files.
 */
import type { Fact } from "../model/fact.ts";
import { describeLine, toneOfLine } from "./describe-line.ts";
import { type EventFilter, isAsked } from "./event-filter.ts";
import { type EventLine, factOf } from "./event-line.ts";
import { EventSieve } from "./event-sieve.ts";
import { entryOf } from "./fact-catalogue.ts";
import type { EventFilterSpec } from "./filter-terms.ts";
import { isNews, journalEntryOf } from "./journal-line.ts";
import type { FleetPlan } from "./layer-progress.ts";
import { type Detail, type LiveLine, LiveLog } from "./live-log.ts";

/** An item, its fact, and what of the fleet's progress it is cause to tell. */
interface HeardItem {
  readonly line: EventLine;
  readonly fact: Fact | undefined;
  readonly news: readonly string[];
}

export class LogLines {
  readonly live: LiveLog;
  readonly #filter: EventFilter;
  readonly #sieve: EventSieve<HeardItem>;
  readonly #detail: Detail;
  readonly #namesChain: boolean;
  /** Whether the filter is for the whole fleet: then its progress is told. */
  readonly #isOfFleet: boolean;
  #nowPs = 0;

  /** `elsewhere`: where to find the retries that are not told, such as `with --each`. */
  constructor(plan: FleetPlan, filter: EventFilter, detail: Detail, elsewhere: string) {
    const { kinds } = filter.spec;
    const tellsAll = kinds.length > 0 && isAsked(kinds, "qp.timed-out");
    const most = tellsAll ? Number.POSITIVE_INFINITY : 1;
    this.live = new LiveLog([], plan, detail, { most, elsewhere });
    this.#filter = filter;
    this.#sieve = new EventSieve(filter);
    this.#detail = detail;
    this.#namesChain = plan.chains.length > 1;
    this.#isOfFleet = isOfFleet(filter.spec);
  }

  /** Takes the next items of the log; returns the lines that are ready. */
  take(items: readonly { readonly line: EventLine }[]): LiveLine[] {
    for (const { line } of items) {
      const fact = factOf(line);
      const news = fact === undefined ? [] : this.live.hear(line.actor, fact);
      this.#nowPs = Math.max(this.#nowPs, line.virtualTimePs);
      for (const passed of this.#sieve.take({ line, fact, news })) this.#tell(passed);
    }
    return this.live.release(this.#nowPs);
  }

  /** Everything still held back: nothing more comes, or not soon. */
  flush(): LiveLine[] {
    return this.live.flush();
  }

  #tell({ line, fact, news }: HeardItem): void {
    const { virtualTimePs: atPs, actor, fact: type } = line;
    const { kinds } = this.#filter.spec;
    const isWanted = kinds.length > 0 && isAsked(kinds, type);
    if (!isWanted && this.#isQuiet(type)) return;
    if (fact !== undefined) this.live.tell(atPs, actor, fact, isWanted);
    else if (isWanted || this.#detail === "all" || !this.#isOrderOfDrill(line)) {
      const text = describeLine(line, this.#namesChain);
      this.live.say({ atPs, actor, text, tone: toneOfLine(line), level: line.level });
    }
    if (!this.#isOfFleet) return;
    for (const text of news) this.live.sayOfFleet(atPs, text);
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
