/**
 * The page at work: it follows the run, goes back in time when asked, and sends what the operator
 * orders. What is to be seen of it is the screen's matter.
 */
import { parseEventFilter } from "../../src/observe/event-filter.ts";
import type { Actions, OperatorRequest } from "./actions.ts";
import { showing } from "./charts/time-window.ts";
import type { Theme } from "./colours.ts";
import { nameOf } from "./fleet/element.ts";
import { listenToKeys } from "./keyboard.ts";
import { LINES_MAX } from "./log/log-buffer.ts";
import type { PageState } from "./page-state.ts";
import { part } from "./parts.ts";
import { Screen } from "./screen.ts";
import {
  act,
  follow,
  forgetSession,
  getLog,
  getState,
  problemsOf,
  Refused,
} from "./server-link.ts";
import { followSystem, keepTheme } from "./theme.ts";

/** What is read to know which fault was in force when, and lines of it. */
const FAULTS = { filter: "kind=fault", isEach: true };
const FAULT_LINES = 1000;

/** How long a good word stays, ms; a bad one stays until it is dismissed. */
const NOTICE_MS = 8000;

/** Wall ms between two asks for the past while the cursor is dragged. */
const ASK_EVERY_MS = 80;

export class Page {
  readonly #state: PageState;
  readonly #screen: Screen;
  #stream: { close(): void } | undefined;
  /** The last request for the past, and whether one is on its way. */
  #wantedPs: number | undefined;
  #isAsking = false;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(state: PageState) {
    this.#state = state;
    const actions = this.#makeActions();
    this.#screen = new Screen(state, actions);
    listenToKeys(state, actions);
  }

  /** Follows the run from now on. */
  start(theme: Theme): void {
    document.title = `${this.#state.run.title} - Faultplane`;
    const restyle = (one: Theme): void => {
      this.#state.theme = one;
      this.#screen.restyle(one);
    };
    restyle(theme);
    followSystem(restyle);
    void this.#readSpans();
    this.#filter("");
  }

  /** Shows the lines that pass a filter, and follows them; or says why it cannot be read. */
  #filter(text: string): void {
    const state = this.#state;
    state.filter = text.trim();
    // The server would say the same, and the browser would write its refusal to the console.
    const read = parseEventFilter(state.filter);
    state.filterProblems = read.ok ? [] : [{ code: "E040", ...read }];
    if (read.ok) {
      this.#follow();
      if (state.cursorPs !== undefined) this.#ask(state.cursorPs);
    }
    this.#screen.change({ log: true });
  }

  #follow(): void {
    const [state, screen] = [this.#state, this.#screen];
    this.#stream?.close();
    const { filter, isEach } = state;
    this.#stream = follow(
      { filter, isEach },
      {
        status: (view) => {
          state.status = view;
          state.firstSpeed ??= view.speed;
          state.series.nowPs = state.endPs;
          screen.change({ charts: true });
        },
        state: (view) => {
          state.live = view;
          state.spans.takeState(view);
          screen.change();
        },
        series: (view) => {
          state.series.take(view);
          screen.change({ charts: true });
        },
        log: (view) => {
          state.log.take(view);
          state.hasLog = true;
          screen.change(view.isAll ? { log: true } : {});
        },
        ended: (view) => {
          const isNews = state.ended === undefined;
          state.ended = view;
          state.connection = "recorded";
          if (isNews) void this.#readEnd();
          screen.change();
        },
        trouble: ({ problems }) => this.#notice({ text: "", problems }),
        connected: (isUp) => {
          // The server of a run that is over may go: everything that was told stays.
          const isOver = state.ended !== undefined || !state.run.isLive;
          state.connection = isOver ? "recorded" : isUp ? "live" : "reconnecting";
          screen.change();
        },
      },
    );
  }

  /** Onsets and ends of faults that were before the page was there: bands in the charts. */
  async #readSpans(): Promise<void> {
    try {
      const { spans } = this.#state;
      const { lines } = await getLog(FAULTS, undefined, FAULT_LINES);
      spans.takeLog(lines);
      if (this.#state.live !== undefined) spans.takeState(this.#state.live);
      this.#screen.change({ charts: true });
    } catch {
      // The charts lack bands of the past; everything else is there.
    }
  }

  /** The run is over: its last state as any other instant has it, and what a blind drill hid. */
  async #readEnd(): Promise<void> {
    const state = this.#state;
    await this.#readSpans();
    try {
      state.live = await getState(state.endPs);
      if (state.run.isBlind) this.#filter(state.filter);
      this.#screen.change({ log: true });
    } catch {
      // The last state that was told stands.
    }
  }

  #makeActions(): Actions {
    const state = this.#state;
    const change: Screen["change"] = (changes) => this.#screen.change(changes);
    return {
      look: (atPs) => this.#look(atPs),
      show: (window) => {
        state.window = window;
        change({ charts: true });
      },
      choose: (element) => {
        state.chosen = element;
        if (element !== undefined) state.target = nameOf(element, state.index);
        change();
      },
      focus: (focus) => {
        state.focus = focus;
        change();
      },
      filter: (text) => {
        if (text.trim() === state.filter && state.filterProblems.length === 0) return;
        this.#filter(text);
      },
      tellEach: (isEach) => {
        state.isEach = isEach;
        this.#filter(state.filter);
      },
      follow: (isFollowing) => {
        this.#screen.follow(isFollowing);
        change();
      },
      aim: (form) => {
        Object.assign(state, form);
        change();
      },
      act: (request) => void this.#act(request),
      askToStop: () => (part("stop") as HTMLDialogElement).showModal(),
      toggleTheme: () => {
        state.theme = state.theme === "dark" ? "light" : "dark";
        keepTheme(state.theme);
        this.#screen.restyle(state.theme);
      },
      openKeys: () => (part("keys") as HTMLDialogElement).showModal(),
      dismiss: () => this.#notice(undefined),
    };
  }

  async #act(request: OperatorRequest): Promise<void> {
    const state = this.#state;
    if (state.token === undefined) return;
    try {
      const { text, atPs } = await act(state.token, request);
      if (request.command === "diagnose") {
        const [target, kind] = [String(request.target), String(request.kind)];
        state.noteAttempt({ target, kind, atPs });
      }
      this.#notice({ text, problems: [] });
    } catch (error) {
      if (error instanceof Refused && error.status === 403) {
        forgetSession();
        state.token = undefined;
      }
      this.#notice({ text: "", problems: problemsOf(error) });
    }
  }

  #notice(notice: PageState["notice"]): void {
    clearTimeout(this.#noticeTimer);
    this.#state.notice = notice;
    if (notice !== undefined && notice.problems.length === 0) {
      this.#noticeTimer = setTimeout(() => this.#notice(undefined), NOTICE_MS);
    }
    this.#screen.change();
  }

  /** Shows an instant of the past; undefined: now. What is at the end is now. */
  #look(atPs: number | undefined): void {
    const state = this.#state;
    const isNow = atPs === undefined || atPs >= state.endPs;
    state.cursorPs = isNow ? undefined : Math.max(0, Math.round(atPs));
    if (state.cursorPs === undefined) {
      this.#wantedPs = undefined;
      state.past = undefined;
      this.#screen.change({ charts: true, log: true });
    } else {
      state.window = showing(state.window, state.cursorPs, state.endPs);
      this.#ask(state.cursorPs);
      this.#screen.change({ charts: true });
    }
  }

  /** Asks for an instant; while an answer is on its way only the last wish counts. */
  #ask(atPs: number): void {
    this.#wantedPs = atPs;
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#answerWishes().finally(() => {
      this.#isAsking = false;
    });
  }

  async #answerWishes(): Promise<void> {
    const state = this.#state;
    while (this.#wantedPs !== undefined) {
      const atPs = this.#wantedPs;
      this.#wantedPs = undefined;
      const { filterProblems, isEach } = state;
      const filter = filterProblems.length > 0 ? "" : state.filter;
      try {
        const [past, log] = await Promise.all([
          getState(atPs),
          getLog({ filter, isEach }, atPs, LINES_MAX),
          new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS)),
        ]);
        if (state.cursorPs === undefined) continue;
        state.past = past;
        state.pastLines = log.lines;
        state.pastSkipped = log.skipped;
        this.#screen.change({ log: true });
      } catch (error) {
        this.#notice({ text: "", problems: problemsOf(error) });
      }
    }
  }
}
