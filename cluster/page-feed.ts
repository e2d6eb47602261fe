/**
 * Tells those who watch a run what is new, a few times a second of wall time. While nobody watches
 * nothing is read and nothing is made.
 */
import type { EndedView, ProblemView, StatusView } from "../src/observe/view-api.ts";
import type { LiveStatus } from "./control-messages.ts";
import { problemOf } from "./errors.ts";
import type { LogAudiences, Wish } from "./log-audiences.ts";
import type { PageViewers, Viewer } from "./page-viewers.ts";
import { QUIET_BINS, type RunWatch } from "./run-watch.ts";

/** Wall ms between two rounds, and of reading in one. */
const ROUND_MS = 200;
const READ_MS = 25;

export interface PageFeedOptions {
  readonly watch: RunWatch;
  readonly audiences: LogAudiences;
  readonly viewers: PageViewers<Wish>;
  /** How the run stands; undefined: it is over. */
  status(): Promise<LiveStatus | undefined>;
  /** How it ended, when its report is there. */
  ended(): EndedView | undefined;
}

export class PageFeed {
  readonly #options: PageFeedOptions;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isClosed = false;
  #version = -1;
  /** The instant of the state that was told last, ps. */
  #toldPs = 0;
  #hasEnded = false;

  constructor(options: PageFeedOptions) {
    this.#options = options;
  }

  /** One more watches. Everything so far is told to it. */
  welcome(viewer: Viewer<Wish>): void {
    const { watch, audiences } = this.#options;
    viewer.tell("series", watch.series.all());
    viewer.tell("state", watch.at(watch.reachedPs));
    this.#timer ??= setInterval(() => void this.#round(), ROUND_MS);
    if (this.#hasEnded) this.#tellEnd(viewer);
    audiences.welcome(viewer).catch((error: unknown) => this.#fail(error));
    void this.#round();
  }

  /** Reads on until a moment of the wall clock; says whether that is all that there is by now. */
  read(untilMs: number): boolean {
    let idle = 0;
    do {
      idle = this.#options.watch.next() ? 0 : idle + 1;
      if (idle > 1) return true;
    } while (performance.now() < untilMs);
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  async #round(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const { viewers } = this.#options;
      if (viewers.count === 0) this.#rest();
      else await this.#tell();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isBusy = false;
    }
  }

  /** The files cannot be read: nobody is told more, and the run does not notice. */
  #fail(error: unknown): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed) return;
    const view: ProblemView = { problems: [problemOf(error)] };
    this.#options.viewers.tellAll("trouble", view);
  }

  /** Nobody watches: nothing is read until somebody comes. */
  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.audiences.close();
  }

  async #tell(): Promise<void> {
    const { watch, viewers } = this.#options;
    const status = await this.#options.status();
    if (this.#isClosed) return;
    const isWhole = this.read(performance.now() + READ_MS);
    const view = this.#statusOf(status, isWhole);
    if (status !== undefined) watch.late(status.lagSeconds);
    viewers.tellAll("status", view);
    const nowPs = this.#nowPs(view.virtualTimePs, isWhole);
    const isQuiet = nowPs - this.#toldPs > QUIET_BINS * watch.trafficEveryPs;
    if (watch.version !== this.#version || isQuiet) {
      this.#version = watch.version;
      this.#toldPs = nowPs;
      viewers.tellAll("state", watch.present(nowPs));
    }
    const news = watch.series.news();
    if (news !== undefined) viewers.tellAll("series", news);
    this.#options.audiences.tell(performance.now() + READ_MS);
    const mayBeOver = watch.end !== undefined || status === undefined;
    if (!isWhole || !mayBeOver || this.#hasEnded) return;
    if (this.#options.ended() === undefined) return;
    this.#hasEnded = true;
    for (const viewer of viewers) this.#tellEnd(viewer);
  }

  #tellEnd(viewer: Viewer<Wish>): void {
    const end = this.#options.ended();
    if (end !== undefined) viewer.tell("ended", end);
  }

  /** The instant up to which everything is known. */
  #nowPs(virtualTimePs: number, isWhole: boolean): number {
    return Math.max(this.#options.watch.reachedPs, isWhole ? virtualTimePs : 0);
  }

  #statusOf(status: LiveStatus | undefined, isWhole: boolean): StatusView {
    const { watch } = this.#options;
    const virtualTimePs = status?.virtualTimePs ?? watch.end?.virtualTimePs ?? watch.reachedPs;
    const tokensPerSecond = watch.tokensPerSecond(this.#nowPs(virtualTimePs, isWhole));
    const known = { virtualTimePs, tokensPerSecond, isBehind: !isWhole };
    if (status === undefined) {
      return { ...known, wallSeconds: 0, speed: "max", lagSeconds: 0, isPaused: false };
    }
    const { wallSeconds, speed, lagSeconds, isPaused } = status;
    return { ...known, wallSeconds, speed, lagSeconds, isPaused };
  }
}
