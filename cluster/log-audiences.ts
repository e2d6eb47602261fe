/**
 * Those who read a run's log through the page, by what they wish to read: each wish has one reader,
 * whoever shares it. Who comes is told the last lines so far, then what is new.
 */
import type { FilterProblem } from "../src/observe/filter-terms.ts";
import type { LogNewsView } from "../src/observe/view-api.ts";
import { LogReader } from "./log-reader.ts";
import { isProblem, type LogTeller, type LogWish, type PageLog } from "./page-log.ts";
import type { PageViewers, Viewer } from "./page-viewers.ts";
import type { ReadingTurns } from "./reading-turns.ts";

/** Different wishes at once. */
const WISHES_MAX = 32;

/** What a viewer wishes to read; viewers with one key share a reader. */
export interface Wish extends LogWish {
  readonly key: string;
}

export interface LogAudiencesOptions {
  readonly folder: string;
  readonly log: PageLog;
  readonly viewers: PageViewers<Wish>;
  /** For those who have not caught up. */
  readonly turns: ReadingTurns;
  /** What a drill does is hidden for now. */
  readonly isVeiled: () => boolean;
}

interface Audience {
  readonly key: string;
  readonly reader: LogReader;
  /** It has read all that there was, and told it. */
  hasCaughtUp: boolean;
}

export class LogAudiences {
  readonly #options: LogAudiencesOptions;
  readonly #audiences = new Map<string, Audience>();
  /** Whose turn it is first in the next round. */
  #first = 0;

  constructor(options: LogAudiencesOptions) {
    this.#options = options;
  }

  /** What a viewer with these wishes is, if its filter can be read. */
  wish(wish: LogWish): Wish | FilterProblem {
    const teller = this.#options.log.teller(wish);
    if (isProblem(teller)) return teller;
    const { filter, isEach } = wish;
    const veil = this.#options.isVeiled() ? "veiled" : "open";
    return { ...wish, key: `${veil} ${isEach ? "each" : "grouped"} ${filter}` };
  }

  /** Is there no room for one more wish? */
  isFull({ key }: Wish): boolean {
    return !this.#audiences.has(key) && this.#audiences.size >= WISHES_MAX;
  }

  /** One more reads the log; rejects when the files are damaged or gone. */
  welcome(viewer: Viewer<Wish>): Promise<void> {
    const { key } = viewer.wish;
    const known = this.#audiences.get(key);
    if (known === undefined) return this.#open(viewer.wish);
    if (known.hasCaughtUp) viewer.tell("log", allOf(known.reader));
    return Promise.resolve();
  }

  /** Reads on for all who have caught up, until a moment of the wall clock, and tells the news. */
  tell(untilMs: number): void {
    this.#forget();
    const { viewers } = this.#options;
    const audiences = [...this.#audiences.values()].filter(({ hasCaughtUp }) => hasCaughtUp);
    this.#first = audiences.length === 0 ? 0 : (this.#first + 1) % audiences.length;
    const inTurn = [...audiences.slice(this.#first), ...audiences.slice(0, this.#first)];
    for (const { key, reader } of inTurn) {
      reader.read(untilMs);
      const news = reader.news();
      if (news !== undefined) {
        const view: LogNewsView = { ...news, isAll: false };
        viewers.tellThose((wish) => wish.key === key, "log", view);
      }
      if (performance.now() > untilMs) return;
    }
  }

  /** Nobody reads any more. */
  close(): void {
    for (const { reader } of this.#audiences.values()) reader.close();
    this.#audiences.clear();
  }

  #open(wish: Wish): Promise<void> {
    const { folder, log, isVeiled } = this.#options;
    const teller = log.teller(wish) as LogTeller;
    const reader = new LogReader({ folder, teller, isVeiled: isVeiled() });
    const audience: Audience = { key: wish.key, reader, hasCaughtUp: false };
    this.#audiences.set(wish.key, audience);
    return this.#catchUp(audience);
  }

  async #catchUp(audience: Audience): Promise<void> {
    const { key, reader } = audience;
    let isWanted = true;
    await this.#options.turns.take((untilMs) => {
      this.#forget();
      isWanted = this.#audiences.get(key) === audience;
      return !isWanted || reader.read(untilMs);
    });
    if (!isWanted) return;
    audience.hasCaughtUp = true;
    reader.news();
    this.#options.viewers.tellThose((wish) => wish.key === key, "log", allOf(reader));
  }

  /** Closes the readers that nobody wishes for any more. */
  #forget(): void {
    const wanted = new Set([...this.#options.viewers].map(({ wish }) => wish.key));
    for (const [key, { reader }] of this.#audiences) {
      if (wanted.has(key)) continue;
      this.#audiences.delete(key);
      reader.close();
    }
  }
}

function allOf(reader: LogReader): LogNewsView {
  return { ...reader.all(), isAll: true };
}
