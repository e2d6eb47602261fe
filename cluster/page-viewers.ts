/**
 * Those who watch a run through Server-Sent Events. What is told is encoded once for all of them;
 * nobody is waited for: who does not read is hung up on, and may come again.
 */
import type { ServerResponse } from "node:http";

/** Viewers at once. */
export const VIEWERS_MAX = 128;

/** Bytes that one may leave unread. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** Wall ms between two signs of life. */
const BEAT_EVERY_MS = 15_000;

/** One who watches. `Wish` is what it wants to see beside what all see. */
export interface Viewer<Wish> {
  readonly wish: Wish;
  /** Sends an event to this one only. */
  tell(event: string, data: unknown): void;
}

export class PageViewers<Wish> {
  readonly #viewers = new Map<Viewer<Wish>, ServerResponse>();
  readonly #beat: NodeJS.Timeout;
  #dropped = 0;

  constructor() {
    this.#beat = setInterval(() => this.#send(": beat\n\n"), BEAT_EVERY_MS);
    this.#beat.unref();
  }

  get count(): number {
    return this.#viewers.size;
  }

  /** How many were hung up on because they did not read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes one in; undefined: there are too many. */
  add(response: ServerResponse, wish: Wish): Viewer<Wish> | undefined {
    if (this.#viewers.size >= VIEWERS_MAX) return undefined;
    const viewer: Viewer<Wish> = {
      wish,
      tell: (event, data) => this.#write(viewer, response, eventText(event, data)),
    };
    this.#viewers.set(viewer, response);
    response.on("close", () => this.#viewers.delete(viewer));
    return viewer;
  }

  /** Tells all of them. */
  tellAll(event: string, data: unknown): void {
    if (this.#viewers.size > 0) this.#send(eventText(event, data));
  }

  /** Tells those who wish for it. */
  tellThose(wishes: (wish: Wish) => boolean, event: string, data: unknown): void {
    const text = eventText(event, data);
    for (const [viewer, response] of this.#viewers) {
      if (wishes(viewer.wish)) this.#write(viewer, response, text);
    }
  }

  /** All of them, by what they wish. */
  [Symbol.iterator](): IterableIterator<Viewer<Wish>> {
    return this.#viewers.keys();
  }

  /** Nobody is told anything any more. */
  close(): void {
    clearInterval(this.#beat);
    for (const response of this.#viewers.values()) response.end();
    this.#viewers.clear();
  }

  #send(text: string): void {
    for (const [viewer, response] of this.#viewers) this.#write(viewer, response, text);
  }

  #write(viewer: Viewer<Wish>, response: ServerResponse, text: string): void {
    if (response.writableLength > UNREAD_BYTES_MAX) {
      this.#dropped += 1;
      this.#viewers.delete(viewer);
      response.destroy();
    } else response.write(text);
  }
}

/** JSON has no line breaks, so one line of data is enough. */
function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
