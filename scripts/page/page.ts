/**
 * The page at work: it follows the run, goes back in time when asked, sends what the operator
 * orders, and draws what has changed once a frame.
 */
import type { SeriesView, StateView } from "../../src/observe/view-api.ts";
import type { Actions, OperatorRequest } from "./actions.ts";
import { Charts } from "./charts/charts.ts";
import { endsOf, showing, zoomed } from "./charts/time-window.ts";
import { paletteOf, type Theme } from "./colours.ts";
import { nameOf } from "./fleet/element.ts";
import { FleetMap } from "./fleet/fleet-map.ts";
import { listenToKeys } from "./keyboard.ts";
import { show } from "./lit.ts";
import { LINES_MAX } from "./log/log-buffer.ts";
import { LogList } from "./log/log-list.ts";
import type { PageState } from "./page-state.ts";
import { actView } from "./panels/act.ts";
import { keysView, noticeView, stopView } from "./panels/dialogs.ts";
import { elementView } from "./panels/element.ts";
import { faultsView } from "./panels/faults.ts";
import { fleetBarView, legendView, paintLegend } from "./panels/fleet-bar.ts";
import { headerView } from "./panels/header.ts";
import { logBarView, logFootView } from "./panels/log-bar.ts";
import { paintTrack, timeBarView } from "./panels/time-bar.ts";
import { part } from "./parts.ts";
import { act, follow, forgetSession, getLog, getState, problemsOf, Refused } from "./server-link.ts";
import { keepTheme } from "./theme.ts";

/** Lines about faults that are read to know when which was in force. */
const FAULT_LINES = 1000;

/** How long a good word stays, ms; a bad one stays until it is dismissed. */
const NOTICE_MS = 8000;

/** Wall ms between two asks for the past while the cursor is dragged. */
const ASK_EVERY_MS = 80;

export class Page {
  readonly #state: PageState;
  readonly #actions: Actions;
  readonly #fleet: FleetMap;
  readonly #charts: Charts;
  readonly #log: LogList;
  #stream: { close(): void } | undefined;
  #isDue = false;
  #hasNewCharts = true;
  #isOtherLog = true;
  /** The last request for the past, and whether one is on its way. */
  #wantedPs: number | undefined;
  #isAsking = false;
  /** The last filter that was asked for. */
  #filters = 0;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(state: PageState) {
    this.#state = state;
    this.#actions = this.#makeActions();
    const { choose, focus, look } = this.#actions;
    const { index, use, run, series } = state;
    this.#fleet = new FleetMap({
      ...{ box: part("fleet-box"), tip: part("tip"), index, use, choose, focus },
      canvas: part("fleet") as HTMLCanvasElement,
    });
    this.#charts = new Charts({
      ...{ holder: part("charts"), run, series, look },
      scene: {
        range: () => endsOf(state.window, state.endPs),
        spans: () => state.spans.union,
        cursorPs: () => state.cursorPs,
        everyPs: () => series.everyPs,
      },
      zoom: (factor, aroundPs) => {
        this.#actions.show(zoomed(state.window, { factor, aroundPs, endPs: state.endPs }));
      },
    });
    this.#log = new LogList({
      list: part("lines"),
      choose: (line) => {
        const actor = index.actorOf(line.actor);
        if (actor >= 0) choose({ type: "actor", actor });
        look(line.virtualTimePs);
      },
      followed: (isFollowing, waiting) => {
        if (state.isFollowing === isFollowing && state.waiting === waiting) return;
        state.isFollowing = isFollowing;
        state.waiting = waiting;
        this.#changed();
      },
    });
    listenToKeys(state, this.#actions);
    this.#watchSizes();
  }

  /** Follows the run from now on. */
  start(theme: Theme): void {
    const { title } = this.#state.run;
    document.title = `${title} - Faultplane`;
    show(legendView(), part("legend"));
    show(keysView(), part("keys"));
    show(stopView(this.#actions), part("stop"));
    this.#restyle(theme);
    void this.#readSpans();
    void this.#filter("");
  }

  #watchSizes(): void {
    const sizes = new ResizeObserver(() => {
      this.#fleet.fit();
      this.#charts.fit();
      this.#changed();
    });
    for (const id of ["fleet-box", "charts", "time-bar"]) sizes.observe(part(id));
  }

  /** Shows the lines that pass a filter, and follows them; or says why it cannot be read. */
  async #filter(text: string): Promise<void> {
    const state = this.#state;
    const filter = text.trim();
    this.#filters += 1;
    const asked = this.#filters;
    state.filter = filter;
    try {
      const { lines, skipped } = await getLog(filter, undefined, LINES_MAX);
      if (asked !== this.#filters) return;
      state.filterProblems = [];
      state.log.clear();
      state.log.take(lines, skipped);
      this.#isOtherLog = true;
      this.#follow(filter);
      if (state.cursorPs !== undefined) this.#ask(state.cursorPs);
    } catch (error) {
      if (asked !== this.#filters) return;
      state.filterProblems = problemsOf(error);
      if (this.#stream === undefined) this.#follow("");
    }
    this.#changed();
  }

  #follow(filter: string): void {
    const state = this.#state;
    this.#stream?.close();
    this.#stream = follow(filter, {
      status: (view) => {
        state.status = view;
        this.#hasNewCharts = true;
        this.#changed();
      },
      state: (view) => this.#tookState(view),
      series: (view) => this.#tookSeries(view),
      log: ({ lines, skipped }) => {
        state.log.take(lines, skipped);
        this.#changed();
      },
      ended: (view) => {
        const isNews = state.ended === undefined && state.run.isLive;
        state.ended = view;
        state.connection = "recorded";
        if (isNews) void this.#readSpans();
        this.#changed();
      },
      connected: (isUp) => {
        // The server of a run that is over may go: everything that was told stays.
        const isOver = state.ended !== undefined || !state.run.isLive;
        state.connection = isOver ? "recorded" : isUp ? "live" : "reconnecting";
        this.#changed();
      },
    });
  }

  #tookState(view: StateView): void {
    const { spans } = this.#state;
    this.#state.live = view;
    spans.takeState(view);
    this.#changed();
  }

  #tookSeries(view: SeriesView): void {
    this.#state.series.take(view);
    this.#hasNewCharts = true;
    this.#changed();
  }

  /** Onsets and ends of faults that were before the page was there: bands in the charts. */
  async #readSpans(): Promise<void> {
    try {
      const { lines } = await getLog("kind=fault", undefined, FAULT_LINES);
      this.#state.spans.takeLog(lines);
      if (this.#state.live !== undefined) this.#state.spans.takeState(this.#state.live);
      this.#hasNewCharts = true;
      this.#changed();
    } catch {
      // The charts lack bands of the past; everything else is there.
    }
  }

  #changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const [state, actions] = [this.#state, this.#actions];
    const palette = paletteOf(state.theme);
    show(headerView(state, actions), part("header"));
    show(timeBarView(state, actions), part("time-bar"));
    paintTrack(part("track") as HTMLCanvasElement, state, palette);
    show(fleetBarView(state, actions), part("fleet-bar"));
    const { shown, marks, theme, chosen, focus } = state;
    if (shown !== undefined && marks !== undefined) {
      state.use.take(shown.use);
      this.#fleet.draw({ state: shown, marks, theme, chosen, focus });
    }
    show(elementView(state, actions), part("chosen"));
    show(faultsView(state, actions), part("faults"));
    show(actView(state, actions), part("act"));
    for (const id of ["chosen", "faults"]) paintLegend(part(id), palette);
    show(logBarView(state, actions), part("log-bar"));
    show(logFootView(state), part("log-foot"));
    this.#drawLog();
    show(noticeView(state, actions), part("notice"));
    if (this.#hasNewCharts) {
      this.#hasNewCharts = false;
      this.#charts.update();
    }
  }

  #drawLog(): void {
    const { chosen, index, shownLines } = this.#state;
    this.#log.show(shownLines, this.#isOtherLog);
    this.#isOtherLog = false;
    this.#log.actor = chosen?.type === "actor" ? nameOf(chosen, index) : "";
  }

  #makeActions(): Actions {
    const state = this.#state;
    return {
      look: (atPs) => this.#look(atPs),
      show: (window) => {
        state.window = window;
        this.#hasNewCharts = true;
        this.#changed();
      },
      choose: (element) => {
        state.chosen = element;
        if (element !== undefined) state.target = nameOf(element, state.index);
        this.#changed();
      },
      focus: (focus) => {
        state.focus = focus;
        this.#changed();
      },
      filter: (text) => {
        if (text.trim() !== state.filter || state.filterProblems.length > 0) {
          void this.#filter(text);
        }
      },
      follow: (isFollowing) => {
        this.#log.isFollowing = isFollowing;
        this.#changed();
      },
      aim: (form) => {
        Object.assign(state, form);
        this.#changed();
        if (form.target !== undefined && form.kind === undefined) part("target").focus();
      },
      act: (request) => void this.#act(request),
      askToStop: () => (part("stop") as HTMLDialogElement).showModal(),
      toggleTheme: () => this.#restyle(state.theme === "dark" ? "light" : "dark", true),
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
        const [target, kind] = [String(request["target"]), String(request["kind"])];
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
    this.#changed();
  }

  /** Shows an instant of the past; undefined: now. What is at the end is now. */
  #look(atPs: number | undefined): void {
    const state = this.#state;
    const isNow = atPs === undefined || atPs >= state.endPs;
    state.cursorPs = isNow ? undefined : Math.max(0, Math.round(atPs));
    this.#hasNewCharts = true;
    if (state.cursorPs === undefined) {
      this.#wantedPs = undefined;
      state.past = undefined;
      this.#isOtherLog = true;
    } else {
      state.window = showing(state.window, state.cursorPs, state.endPs);
      this.#ask(state.cursorPs);
    }
    this.#changed();
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
        if (state.cursorPs === undefined) return;
        state.past = past;
        state.pastLines = log.lines;
        state.pastSkipped = log.skipped;
        this.#isOtherLog = true;
        this.#changed();
      } catch (error) {
        this.#notice({ text: "", problems: problemsOf(error) });
      }
    }
  }

  #restyle(theme: Theme, isKept = false): void {
    this.#state.theme = theme;
    document.documentElement.dataset["theme"] = theme;
    if (isKept) keepTheme(theme);
    paintLegend(part("legend"), paletteOf(theme));
    this.#charts.restyle(paletteOf(theme));
    this.#changed();
  }
}
