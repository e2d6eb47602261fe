/** The page: asks what run it is, follows it, and draws what is new once a frame. */
import { parseEventFilter } from "../../src/observe/event-filter.ts";
import type { LogView, SeriesView, StateView } from "../../src/observe/view-api.ts";
import { Charts } from "./charts.ts";
import { paletteOf } from "./colours.ts";
import { FleetCanvas } from "./fleet-canvas.ts";
import { PageState } from "./page-state.ts";
import { act, follow, getLog, getRun, getState, openSession, Refused } from "./server-link.ts";
import * as views from "./views.ts";
import { show } from "./views.ts";

/** Lines that are asked for at once. */
const LINES = 200;

class Page {
  readonly #state: PageState;
  readonly #fleet: FleetCanvas;
  readonly #canvas: HTMLCanvasElement;
  readonly #charts: Charts;
  readonly #actions: views.Actions;
  #stream: { close(): void } | undefined;
  #isDue = false;
  #hasNewSeries = true;
  /** The request for the past that counts: the last. */
  #asked = 0;

  constructor(state: PageState) {
    this.#state = state;
    this.#canvas = element("fleet") as HTMLCanvasElement;
    this.#fleet = new FleetCanvas(state.run, this.#canvas);
    this.#actions = this.#makeActions();
    this.#charts = new Charts(state, element("charts"), this.#actions.look);
    this.#listen();
    this.#restyle(this.#storedTheme());
  }

  /** Follows the run from now on. */
  start(): void {
    document.title = `${this.#state.run.title} - Faultplane`;
    void this.#fetchSpans();
    this.#follow();
  }

  #follow(): void {
    const state = this.#state;
    this.#stream?.close();
    state.lines = [];
    state.skipped = 0;
    void getLog(state.filter, undefined, LINES).then(
      ({ lines, skipped }) => {
        state.filterProblem = "";
        state.addLines(lines, skipped);
        this.#changed();
      },
      (error: unknown) => {
        state.filterProblem = wordsOf(error);
        this.#changed();
      },
    );
    this.#stream = follow(state.filter, {
      status: (view) => {
        state.status = view;
        this.#changed();
      },
      state: (view) => this.#tookState(view),
      series: (view) => this.#tookSeries(view),
      log: (view) => this.#tookLog(view),
      ended: (view) => {
        state.ended = view;
        state.connection = "recorded";
        this.#changed();
      },
      connected: (isUp) => {
        if (state.ended !== undefined) this.#stream?.close();
        else state.connection = isUp ? (state.run.isLive ? "live" : "recorded") : "reconnecting";
        this.#changed();
      },
    });
  }

  #tookState(view: StateView): void {
    this.#state.live = view;
    this.#changed();
  }

  #tookSeries(view: SeriesView): void {
    this.#state.series.take(view);
    this.#hasNewSeries = true;
    this.#changed();
  }

  #tookLog({ lines, skipped }: LogView): void {
    this.#state.addLines(lines, skipped);
    this.#changed();
  }

  /** Onsets and ends of faults that were before the page was there: bands in the charts. */
  async #fetchSpans(): Promise<void> {
    try {
      const { lines } = await getLog("kind=fault", undefined, 1000);
      for (const line of lines) this.#state.spans.take(line);
      this.#hasNewSeries = true;
      this.#changed();
    } catch {
      // The charts lack their bands; everything else is there.
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
    const state = this.#state;
    const actions = this.#actions;
    show(views.headerView(state, actions), element("header"));
    show(views.timeView(state, actions), element("time-bar"));
    show(views.keysView(state, actions), element("keys"));
    show(views.noticeView(state), element("notice"));
    const { shown, theme, chosen } = state;
    if (shown !== undefined) {
      this.#fleet.draw({ state: shown, palette: paletteOf(theme), chosen });
    }
    const useOf = (lane: number): number => this.#fleet.useOf(lane);
    show(views.chosenView(state, this.#fleet.marks, useOf, actions), element("chosen"));
    show(views.faultsView(state, actions), element("faults"));
    show(views.formView(state, actions), element("form"));
    this.#drawLog();
    if (this.#hasNewSeries) {
      this.#hasNewSeries = false;
      this.#charts.update();
    }
  }

  #drawLog(): void {
    show(views.logView(this.#state, this.#actions), element("log"));
    if (!this.#state.isScrolling) return;
    const lines = document.getElementById("lines");
    if (lines !== null) lines.scrollTop = lines.scrollHeight;
  }

  #makeActions(): views.Actions {
    const state = this.#state;
    return {
      look: (atPs) => void this.#look(atPs),
      choose: (actor) => {
        state.chosen = actor;
        this.#changed();
      },
      filter: (text) => {
        const filter = parseEventFilter(text.trim());
        state.filterProblem = filter.ok ? "" : `${filter.message} ${filter.hint}`;
        if (!filter.ok) {
          this.#changed();
          return;
        }
        state.filter = text.trim();
        this.#follow();
        if (state.cursorPs !== undefined) void this.#look(state.cursorPs);
      },
      act: (request) => void this.#act(request),
      inject: (form) => {
        const given = new FormData(form);
        const [kind, target, lease] = ["kind", "target", "lease"].map((name) =>
          String(given.get(name) ?? "").trim(),
        );
        const fault = { kind, target, ...(lease === "" ? {} : { healAfter: lease }) };
        void this.#act({ command: "inject", fault });
      },
      diagnose: (form) => {
        const given = new FormData(form);
        const [kind, target] = ["kind", "target"].map((name) => String(given.get(name) ?? ""));
        void this.#act({ command: "diagnose", target, kind });
      },
      toggleScroll: () => {
        state.isScrolling = !state.isScrolling;
        this.#changed();
      },
      toggleTheme: () => this.#restyle(state.theme === "dark" ? "light" : "dark"),
      toggleKeys: () => {
        state.showsKeys = !state.showsKeys;
        this.#changed();
      },
    };
  }

  async #act(request: Readonly<Record<string, unknown>>): Promise<void> {
    const state = this.#state;
    if (state.token === undefined) return;
    try {
      const { text } = await act(state.token, request);
      state.notice = { text, hint: "", isBad: false };
    } catch (error) {
      const hint = error instanceof Refused ? error.hint : "";
      state.notice = { text: wordsOf(error), hint, isBad: true };
    }
    this.#changed();
  }

  /** Shows an instant of the past; undefined: now. */
  async #look(atPs: number | undefined): Promise<void> {
    const state = this.#state;
    this.#asked += 1;
    const asked = this.#asked;
    state.cursorPs = atPs;
    this.#hasNewSeries = true;
    this.#changed();
    if (atPs === undefined) {
      state.past = undefined;
      return;
    }
    try {
      const [past, log] = await Promise.all([getState(atPs), getLog(state.filter, atPs, LINES)]);
      if (asked !== this.#asked) return;
      state.past = past;
      state.pastLines = log.lines;
    } catch (error) {
      state.notice = { text: wordsOf(error), hint: "", isBad: true };
    }
    this.#changed();
  }

  #listen(): void {
    const state = this.#state;
    this.#canvas.addEventListener("click", (event) => {
      const actor = this.#fleet.actorAt(event.offsetX, event.offsetY);
      if (actor >= 0) this.#actions.choose(actor);
    });
    this.#canvas.addEventListener("mousemove", (event) => {
      const actor = this.#fleet.actorAt(event.offsetX, event.offsetY);
      this.#canvas.title = actor < 0 ? "" : state.run.actors.id[actor];
      this.#canvas.style.cursor = actor < 0 ? "default" : "pointer";
    });
    this.#canvas.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.#actions.choose(this.#fleet.neighbour(state.chosen, ...step));
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    const sized = new ResizeObserver(() => {
      const width = Math.floor(this.#canvas.parentElement?.clientWidth ?? 900);
      if (this.#fleet.resize(width)) this.#changed();
      this.#charts.fit();
    });
    sized.observe(element("fleet-box"));
    sized.observe(element("charts"));
  }

  #key(event: KeyboardEvent): void {
    const isTyping = /^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test((event.target as Element).tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const state = this.#state;
    switch (event.key) {
      case "/":
        event.preventDefault();
        document.getElementById("filter")?.focus();
        return;
      case " ":
        if (!state.mayAct) return;
        event.preventDefault();
        void this.#act({ command: state.status?.isPaused === true ? "resume" : "pause" });
        return;
      case "n":
        void this.#look(undefined);
        return;
      case "t":
        this.#actions.toggleTheme();
        return;
      case "?":
        this.#actions.toggleKeys();
        return;
      case "Escape":
        if (state.showsKeys) this.#actions.toggleKeys();
        return;
      default:
    }
  }

  #storedTheme(): "light" | "dark" {
    const stored = localStorage.getItem("faultplane-theme");
    if (stored === "light" || stored === "dark") return stored;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  #restyle(theme: "light" | "dark"): void {
    this.#state.theme = theme;
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("faultplane-theme", theme);
    this.#charts.restyle(paletteOf(theme));
    this.#hasNewSeries = true;
    this.#changed();
    show(views.legendView(), element("legend"));
  }
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page lacks #${id}`);
  return found;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function begin(): Promise<void> {
  const token = await openSession();
  const state = new PageState(await getRun());
  state.token = token;
  new Page(state).start();
}

begin().catch((error: unknown) => {
  element("notice").textContent = `the run cannot be shown: ${wordsOf(error)}`;
});
