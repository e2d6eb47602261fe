/** Everything that the page shows, in one place; whoever changes it asks for a new picture. */
import type {
  EndedView,
  EventView,
  RunView,
  StateView,
  StatusView,
} from "../../src/observe/view-api.ts";
import { FaultSpans } from "./charts/fault-spans.ts";
import { SeriesStore } from "./charts/series-store.ts";
import { type TimeWindow, WHOLE_RUN } from "./charts/time-window.ts";
import type { Theme } from "./colours.ts";
import type { FleetElement } from "./fleet/element.ts";
import { FleetIndex } from "./fleet/fleet-index.ts";
import type { Focus } from "./fleet/grid.ts";
import { type FleetMarks, marksOf } from "./fleet/marks.ts";
import { FleetUse } from "./fleet/use.ts";
import { LogBuffer } from "./log/log-buffer.ts";

export type Connection = "connecting" | "live" | "reconnecting" | "recorded";

/** One thing that is wrong, with the server's code and hint where it has them. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A word to the user: what an order came to, or why it did not. */
export interface Notice {
  readonly text: string;
  readonly problems: readonly Problem[];
}

/** One diagnosis that was made in a blind drill. */
export interface Attempt {
  readonly target: string;
  readonly kind: string;
  readonly atPs: number;
}

/** Attempts that are listed: the latest. */
const ATTEMPTS_MAX = 20;

export class PageState {
  readonly run: RunView;
  readonly index: FleetIndex;
  readonly use: FleetUse;
  readonly series = new SeriesStore();
  readonly spans = new FaultSpans();
  readonly log = new LogBuffer();
  status: StatusView | undefined;
  /** The pace that the run had when the page came. */
  firstSpeed: StatusView["speed"] | undefined;
  /** The log was told at least once. */
  hasLog = false;
  /** How long the run keeps a mask or a drain, virtual time. */
  orderLease = "60 s";
  ended: EndedView | undefined;
  connection: Connection = "connecting";
  /** Lets its holder act. */
  token: string | undefined;
  /** The fleet as it is; and at the cursor, if there is one. */
  live: StateView | undefined;
  past: StateView | undefined;
  /** Instant that is looked at, ps; undefined: now. */
  cursorPs: number | undefined;
  pastLines: readonly EventView[] = [];
  pastSkipped = 0;
  window: TimeWindow = WHOLE_RUN;
  filter = "";
  /** The log has a line for each fact; else the same from many in one. */
  isEach = false;
  filterProblems: readonly Problem[] = [];
  isFollowing = true;
  /** Lines that came while the log stood still. */
  waiting = 0;
  chosen: FleetElement | undefined;
  focus: Focus = {};
  /** What stands in the form that breaks something: kind of fault, and target. */
  kind = "";
  target = "";
  attempts: readonly Attempt[] = [];
  notice: Notice | undefined;
  theme: Theme = "light";
  #marks: { readonly state: StateView; readonly marks: FleetMarks } | undefined;

  constructor(run: RunView) {
    this.run = run;
    this.index = new FleetIndex(run);
    this.use = new FleetUse(this.index);
  }

  /** What the picture shows. */
  get shown(): StateView | undefined {
    return this.cursorPs === undefined ? this.live : (this.past ?? this.live);
  }

  /** The marks of what is shown. */
  get marks(): FleetMarks | undefined {
    const { shown } = this;
    if (shown === undefined) return undefined;
    if (this.#marks?.state !== shown) {
      this.#marks = { state: shown, marks: marksOf(this.index, shown) };
    }
    return this.#marks.marks;
  }

  get shownLines(): readonly EventView[] {
    return this.cursorPs === undefined ? this.log.lines : this.pastLines;
  }

  /** The latest instant that is known, ps. */
  get endPs(): number {
    const reached = Math.max(this.status?.virtualTimePs ?? 0, this.live?.atPs ?? 0);
    return reached > 0 ? reached : this.series.endPs;
  }

  /** The run goes on. */
  get isUp(): boolean {
    return this.run.isLive && this.ended === undefined;
  }

  /** Whoever looks may act, and there is something to act on. */
  get mayAct(): boolean {
    return this.token !== undefined && this.isUp;
  }

  noteAttempt(attempt: Attempt): void {
    this.attempts = [...this.attempts, attempt].slice(-ATTEMPTS_MAX);
  }
}
