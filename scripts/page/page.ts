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

/** Lines about faults that are read to know when which was in force. */
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
  /** How many filters were asked for: only the last counts. */
  #filters = 0;
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
    void this.#filter("");
  }

  /** Shows the lines that pass a filter, and follows them; or says why it cannot be read. */
  async #filter(text: string): Promise<void> {
    const state = this.#state;
    const filter = text.trim();
    this.#filters += 1;
    const asked = this.#filters;
    state.filter = filter;
    try {
      // The server would say the same, and the browser would write its refusal to the console.
      const read = parseEventFilter(filter);
      if (!read.ok) throw new Refused(400, [{ code: "E040", ...read }]);
      const { lines, skipped } = await getLog(filter, undefined, LINES_MAX);
      if (asked !== this.#filters) return;
      state.filterProblems = [];
      state.log.clear();
      state.log.take(lines, skipped);
      this.#follow(filter);
      if (state.cursorPs !== undefined) this.#ask(state.cursorPs);
    } catch (error) {
      if (asked !== this.#filters) return;
      state.filterProblems = problemsOf(error);
      if (this.#stream === undefined) this.#follow("");
    }
    this.#screen.change({ log: true });
  }

  #follow(filter: string): void {
    const [state, screen] = [this.#state, this.#screen];
    this.#stream?.close();
    this.#stream = follow(filter, {
      status: (view) => {
        state.status = view;
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
      log: ({ lines, skipped }) => {
        state.log.take(lines, skipped);
        screen.change();
      },
      ended: (view) => {
        const isNews = state.ended === undefined;
        state.ended = view;
        state.connection = "recorded";
        if (isNews) void this.#readEnd();
        screen.change();
      },
      connected: (isUp) => {
        // The server of a run that is over may go: everything that was told stays.
        const isOver = state.ended !== undefined || !state.run.isLive;
        state.connection = isOver ? "recorded" : isUp ? "live" : "reconnecting";
        screen.change();
      },
    });
  }

  /** Onsets and ends of faults that were before the page was there: bands in the charts. */
  async #readSpans(): Promise<void> {
    try {
      const { spans } = this.#state;
      const { lines } = await getLog("kind=fault", undefined, FAULT_LINES);
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
      if (state.run.isBlind) await this.#filter(state.filter);
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
        void this.#filter(text);
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
      const filter = state.filterProblems.length > 0 ? "" : state.filter;
      try {
        const [past, log] = await Promise.all([
          getState(atPs),
          getLog(filter, atPs, LINES_MAX),
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
