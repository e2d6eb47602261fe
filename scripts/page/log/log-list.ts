/**
 * The lines of the log on the page: as many rows as there are lines, made and removed one by one.
 * It stays at the end unless its reader scrolls up or says so; then it stands still. Arrows walk
 * from line to line. Text only: what stands in a line is never taken for anything else.
 */
import { escapeControls } from "../../../src/base/escape.ts";
import { formatTime } from "../../../src/model/time.ts";
import type { EventView } from "../../../src/observe/view-api.ts";

export interface LogListOptions {
  /** The list; it scrolls. */
  readonly list: HTMLElement;
  /** A line was chosen. */
  choose(line: EventView): void;
  /** It follows the end from now on, or does not; how many lines are not shown. */
  followed(isFollowing: boolean, waiting: number): void;
}

/** Pixels from the end that still are the end. */
const AT_END = 24;

/** Longest sentence of a row, characters. */
const TEXT_MAX = 600;

const LEVEL_SIGNS: Readonly<Record<string, string>> = { warn: "▲", error: "■" };

export class LogList {
  readonly #options: LogListOptions;
  readonly #rows = new Map<number, HTMLDivElement>();
  readonly #byRow = new WeakMap<Element, EventView>();
  #shown: readonly EventView[] = [];
  #latest: readonly EventView[] = [];
  #isFollowing = true;
  #current: HTMLDivElement | undefined;
  #actor = "";

  constructor(options: LogListOptions) {
    this.#options = options;
    const { list } = options;
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Stays at the end from now on, or stands still. */
  set isFollowing(value: boolean) {
    this.#isFollowing = value;
    if (value) this.#apply(this.#latest);
    this.#tell();
  }

  /** Shows these lines; while it stands still, only those of another question (`isOther`). */
  show(lines: readonly EventView[], isOther: boolean): void {
    if (lines === this.#latest && !isOther) return;
    this.#latest = lines;
    if (this.#isFollowing || isOther) this.#apply(lines);
    if (isOther) this.#options.list.scrollTop = this.#options.list.scrollHeight;
    this.#tell();
  }

  /** What stands there when no line does. */
  set emptyWords(words: string) {
    this.#options.list.dataset.empty = words;
  }

  /** Marks the lines of an actor. */
  set actor(id: string) {
    if (id === this.#actor) return;
    this.#actor = id;
    for (const row of this.#rows.values()) this.#markActor(row);
  }

  #apply(lines: readonly EventView[]): void {
    const { list } = this.#options;
    const wanted = new Map(lines.map((line) => [line.line, line]));
    for (const [number, row] of this.#rows) {
      if (wanted.get(number) === this.#byRow.get(row)) continue;
      row.remove();
      this.#rows.delete(number);
      if (row === this.#current) this.#current = undefined;
    }
    let before: Element | null = list.firstElementChild;
    for (const line of lines) {
      const known = this.#rows.get(line.line);
      if (known !== undefined) {
        before = known.nextElementSibling;
        continue;
      }
      const row = this.#row(line);
      this.#rows.set(line.line, row);
      list.insertBefore(row, before);
    }
    this.#shown = lines;
    if (this.#isFollowing) list.scrollTop = list.scrollHeight;
  }

  #row(line: EventView): HTMLDivElement {
    const row = document.createElement("div");
    row.id = `line-${line.line}`;
    row.className = line.level;
    row.setAttribute("role", "option");
    const level = document.createElement("i");
    level.textContent = LEVEL_SIGNS[line.level] ?? "";
    if (level.textContent !== "") level.setAttribute("aria-label", line.level);
    const time = document.createElement("time");
    time.textContent = formatTime(line.virtualTimePs);
    const actor = document.createElement("b");
    actor.textContent = escapeControls(line.actor);
    const text = document.createElement("span");
    text.textContent = escapeControls(line.text.slice(0, TEXT_MAX));
    row.append(level, time, actor, text);
    this.#byRow.set(row, line);
    this.#markActor(row);
    return row;
  }

  #markActor(row: HTMLDivElement): void {
    row.classList.toggle("ours", this.#byRow.get(row)?.actor === this.#actor);
  }

  #clicked(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLDivElement>("[role=option]");
    // Who drags over text wants to copy it.
    if (row === null || getSelection()?.isCollapsed === false) return;
    this.#choose(row);
  }

  #choose(row: HTMLDivElement): void {
    this.#makeCurrent(row);
    const line = this.#byRow.get(row);
    if (line !== undefined) this.#options.choose(line);
  }

  #makeCurrent(row: HTMLDivElement): void {
    const { list } = this.#options;
    this.#current?.removeAttribute("aria-selected");
    this.#current = row;
    row.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  #key(event: KeyboardEvent): void {
    const { list } = this.#options;
    const current = this.#current;
    const row =
      event.key === "ArrowDown"
        ? (current?.nextElementSibling ?? list.firstElementChild)
        : event.key === "ArrowUp"
          ? (current?.previousElementSibling ?? list.lastElementChild)
          : undefined;
    if (row instanceof HTMLDivElement) this.#makeCurrent(row);
    else if (event.key === "Enter" && current !== undefined) this.#choose(current);
    else if (event.key === "End") this.isFollowing = true;
    else return;
    event.preventDefault();
  }

  #scrolled(): void {
    const { list } = this.#options;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < AT_END;
    if (isAtEnd === this.#isFollowing) return;
    this.isFollowing = isAtEnd;
  }

  #tell(): void {
    const last = this.#shown.at(-1)?.line ?? -1;
    const waiting = this.#isFollowing ? 0 : this.#latest.filter(({ line }) => line > last).length;
    this.#options.followed(this.#isFollowing, waiting);
  }
}
