/** Everything that the page shows, in one place; what changes it asks for a new picture. */
import type {
  EndedView,
  EventView,
  RunView,
  StateView,
  StatusView,
} from "../../src/observe/view-api.ts";
import { FaultSpans } from "./fault-spans.ts";
import { SeriesStore } from "./series-store.ts";

/** Lines of the log that are kept, and shown. */
const LINES_MAX = 500;

export type Connection = "connecting" | "live" | "reconnecting" | "recorded";

/** A word to the user; it goes away with the next one. */
export interface Notice {
  readonly text: string;
  readonly hint: string;
  readonly isBad: boolean;
}

export class PageState {
  readonly run: RunView;
  readonly series = new SeriesStore();
  readonly spans = new FaultSpans();
  status: StatusView | undefined;
  /** The fleet as it is; and at the cursor, if there is one. */
  live: StateView | undefined;
  past: StateView | undefined;
  /** Instant that is looked at; undefined: now. */
  cursorPs: number | undefined;
  lines: readonly EventView[] = [];
  pastLines: readonly EventView[] = [];
  skipped = 0;
  filter = "";
  filterProblem = "";
  isScrolling = true;
  ended: EndedView | undefined;
  connection: Connection = "connecting";
  token: string | undefined;
  /** Actor that was chosen; -1: none. */
  chosen = -1;
  notice: Notice | undefined;
  showsKeys = false;
  theme: "light" | "dark" = "light";

  constructor(run: RunView) {
    this.run = run;
  }

  /** What the picture shows. */
  get shown(): StateView | undefined {
    return this.cursorPs === undefined ? this.live : (this.past ?? this.live);
  }

  get shownLines(): readonly EventView[] {
    return this.cursorPs === undefined ? this.lines : this.pastLines;
  }

  /** The latest instant that is known, ps. */
  get endPs(): number {
    return Math.max(this.series.endPs, this.status?.virtualTimePs ?? 0, this.live?.atPs ?? 0);
  }

  get mayAct(): boolean {
    return this.token !== undefined && this.ended === undefined && this.run.isLive;
  }

  /** Adds lines that were told; a line that is there already is not added again. */
  addLines(lines: readonly EventView[], skipped: number): void {
    for (const line of lines) this.spans.take(line);
    const last = this.lines.at(-1)?.line ?? -1;
    const fresh = lines.filter(({ line }) => line > last);
    this.skipped += skipped;
    if (fresh.length > 0) this.lines = [...this.lines, ...fresh].slice(-LINES_MAX);
  }
}
