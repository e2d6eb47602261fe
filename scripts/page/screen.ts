/**
 * What the user sees of the page's state: draws all parts, at most once a frame, and nothing while
 * nothing has changed. It changes nothing itself; what the user does goes to the actions.
 */
import type { Actions } from "./actions.ts";
import { Charts } from "./charts/charts.ts";
import { endsOf, zoomed } from "./charts/time-window.ts";
import { paletteOf, type Theme } from "./colours.ts";
import { describe } from "./fleet/describe.ts";
import { type FleetElement, isSame, nameOf } from "./fleet/element.ts";
import { FleetMap } from "./fleet/fleet-map.ts";
import { show } from "./lit.ts";
import { LogList } from "./log/log-list.ts";
import type { PageState } from "./page-state.ts";
import { actView } from "./panels/act.ts";
import { keysView, noticeView, stopView } from "./panels/dialogs.ts";
import { elementView } from "./panels/element.ts";
import { faultsView } from "./panels/faults.ts";
import { fleetBarView, legendView, paintLegend } from "./panels/fleet-bar.ts";
import { headerView } from "./panels/header.ts";
import { logBarView } from "./panels/log-bar.ts";
import { paintTrack, timeBarView } from "./panels/time-bar.ts";
import { part } from "./parts.ts";

/** What has changed beside what every picture draws. */
export interface Changes {
  /** Series, bands, the time that is shown, or the instant that is looked at. */
  readonly charts?: true;
  /** The log answers another question: another filter, or another instant. */
  readonly log?: true;
}

export class Screen {
  readonly #state: PageState;
  readonly #actions: Actions;
  readonly #fleet: FleetMap;
  readonly #charts: Charts;
  readonly #log: LogList;
  #isDue = false;
  #hasNewCharts = true;
  #hasOtherLog = true;
  /** What was said last to those who listen. */
  #said: FleetElement | undefined;

  constructor(state: PageState, actions: Actions) {
    this.#state = state;
    this.#actions = actions;
    const { choose, focus, look } = actions;
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
        edges: () => state.spans.all,
        cursorPs: () => state.cursorPs,
        everyPs: () => series.everyPs,
        hasRight: run.isLive,
      },
      zoom: (factor, aroundPs) => {
        actions.show(zoomed(state.window, { factor, aroundPs, endPs: state.endPs }));
      },
    });
    this.#log = this.#makeLog();
    show(legendView(), part("legend"));
    show(keysView(), part("keys"));
    show(stopView(actions), part("stop"));
    this.#watchSizes();
  }

  /** Draws, soon. */
  change(changes: Changes = {}): void {
    if (changes.charts) this.#hasNewCharts = true;
    if (changes.log) this.#hasOtherLog = true;
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  /** The log stays at its end from now on, or stands still. */
  follow(isFollowing: boolean): void {
    this.#log.isFollowing = isFollowing;
  }

  restyle(theme: Theme): void {
    document.documentElement.dataset.theme = theme;
    paintLegend(part("legend"), theme);
    this.#charts.restyle(paletteOf(theme));
    this.change({ charts: true });
  }

  #makeLog(): LogList {
    const state = this.#state;
    return new LogList({
      list: part("lines"),
      choose: (line) => {
        const actor = state.index.actorOf(line.actor);
        if (actor >= 0) this.#actions.choose({ type: "actor", actor });
        this.#actions.look(line.virtualTimePs);
      },
      followed: (isFollowing, waiting) => {
        if (state.isFollowing === isFollowing && state.waiting === waiting) return;
        state.isFollowing = isFollowing;
        state.waiting = waiting;
        this.change();
      },
    });
  }

  #watchSizes(): void {
    const sizes = new ResizeObserver(() => {
      this.#fleet.fit();
      this.#charts.fit();
      this.change({ charts: true });
    });
    for (const id of ["fleet-box", "charts", "time-bar"]) sizes.observe(part(id));
  }

  #draw(): void {
    const [state, actions] = [this.#state, this.#actions];
    const { theme } = state;
    document.body.classList.toggle("over", !state.isUp);
    show(headerView(state, actions), part("header"));
    show(timeBarView(state, actions), part("time-bar"));
    paintTrack(part("track") as HTMLCanvasElement, state, paletteOf(theme));
    this.#drawFleet();
    show(elementView(state, actions), part("chosen"));
    show(faultsView(state, actions), part("faults"));
    show(actView(state, actions), part("act"));
    for (const id of ["chosen", "faults"]) paintLegend(part(id), theme);
    show(logBarView(state, actions), part("log-bar"));
    this.#drawLog();
    show(noticeView(state, actions), part("notice"));
    if (!this.#hasNewCharts) return;
    this.#hasNewCharts = false;
    this.#charts.update();
  }

  #drawFleet(): void {
    const { shown, marks, theme, chosen, focus, use, index } = this.#state;
    if (shown !== undefined && marks !== undefined) {
      use.take(shown.use);
      this.#fleet.draw({ state: shown, marks, theme, chosen, focus });
    }
    show(fleetBarView(this.#state, this.#actions), part("fleet-bar"));
    if (isSame(chosen, this.#said) || shown === undefined) return;
    this.#said = chosen;
    const said = chosen === undefined ? undefined : describe(chosen, { index, state: shown, use });
    const troubles = said?.troubles.map(({ text }) => text) ?? [];
    part("said").textContent = [said?.name ?? "", said?.about ?? "", ...troubles].join(", ");
  }

  #drawLog(): void {
    const { chosen, index, shownLines, filter, hasLog } = this.#state;
    const none = filter === "" ? "Nothing was said yet." : "No line passes the filter.";
    this.#log.emptyWords = hasLog ? none : "Reading the log…";
    this.#log.show(shownLines, this.#hasOtherLog);
    this.#hasOtherLog = false;
    this.#log.actor = chosen?.type === "actor" ? nameOf(chosen, index) : "";
  }
}
